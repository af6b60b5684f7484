import { useId, useState, type ReactElement } from 'react'
import { useTranslation } from 'react-i18next'
import type { Finding, Offer } from '../../protocol/keeper-calls.ts'
import { durationRange } from '../../state/offers.ts'
import { Say } from '../parts/say.tsx'
import { useApp } from '../store-context.ts'
import { ModelSourceLine, ModelTerms } from './model-terms.tsx'

/** Less is there before anybody has read how long it takes. */
const WORTH_SAYING_BYTES = 2 ** 26

/** Everything that should be known before the first byte of weights. */
export function OfferCard({ offer }: { offer: Offer }): ReactElement {
  const { t } = useTranslation('models')
  const start = useApp((state) => state.startAdding)
  const cancel = useApp((state) => state.cancelAdding)
  const [accepted, setAccepted] = useState(false)
  const heading = useId()
  const hasLicence = [offer.licence, offer.licenceNotice, offer.languageLicence].some((text) => text !== null)
  return (
    <section aria-labelledby={heading} className="offer">
      <h3 id={heading}>{offer.name}</h3>
      <Amounts offer={offer} />
      <ul className="findings">
        {offer.work !== null && <PredictionAwaited />}
        {offer.findings.map(({ key, values = {}, ...finding }) => (
          <li key={key} className={finding.ok ? 'is-fine' : 'is-against'}>
            <span aria-hidden="true">{markOf(finding)}</span>{' '}
            <Say saying={{ key: `models:findings.${key}`, values }} />
          </li>
        ))}
      </ul>
      <ModelSourceLine place={offer.place} />
      <ModelTerms model={offer} />
      <label className="check">
        <input type="checkbox" checked={accepted} onChange={(event) => setAccepted(event.target.checked)} />
        {hasLicence ? t('offer.accept') : t('offer.know')}
      </label>
      <div className="actions">
        <button type="button" className="primary" disabled={!accepted} onClick={() => void start()}>
          {offer.what === 'pack' ? t('offer.download') : t('offer.convert')}
        </button>
        <button type="button" onClick={() => void cancel(false)}>
          {t('offer.notNow')}
        </button>
      </div>
    </section>
  )
}

/** Holds the room of the sentence that comes, so that no button moves while somebody presses it. */
function PredictionAwaited(): ReactElement {
  const { t } = useTranslation(['models', 'talk'])
  return (
    <li className="is-awaited">
      <span>{t('talk:costs.measuring')}</span>
      <span aria-hidden="true">{t('findings.captionProcessor', { seconds: 30 })}</span>
    </li>
  )
}

/** No tick for what is no good news. */
export function markOf({ ok, mixed }: Pick<Finding, 'ok' | 'mixed'>): string {
  if (!ok) return '⚠'
  return mixed === true ? '–' : '✓'
}

function Amounts({ offer }: { offer: Offer }): ReactElement {
  const { t } = useTranslation(['models', 'limits'])
  const { what, parameters, precision, fetchBytes, keepBytes, most, resumes, pinned } = offer
  const range = durationRange(offer)
  const whatItIs = { millions: parameters / 1e6, precision }
  const amounts = { fetch: fetchBytes, keep: keepBytes }
  return (
    <>
      <p>
        {what === 'pack' ? t('offer.pack', whatItIs) : t('offer.checkpoint', whatItIs)}{' '}
        {pinned === null
          ? t('offer.read', amounts)
          : resumes
            ? t('offer.fetchMore', amounts)
            : t('offer.fetch', amounts)}{' '}
        {most.keepBytes > keepBytes && t('offer.atMost', { fetch: most.fetchBytes, keep: most.keepBytes })}{' '}
        {t('offer.nothingUploaded')}
      </p>
      {range !== null && fetchBytes >= WORTH_SAYING_BYTES && <p>{t('limits:takes', { range })}</p>}
    </>
  )
}
