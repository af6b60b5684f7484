import { useId, useState, type ReactElement } from 'react'
import type { Finding, Offer } from '../../protocol/keeper-calls.ts'
import { useApp } from '../store-context.ts'
import { durationRange } from '../../state/offers.ts'
import { bytesText, durationText } from './amounts.ts'

/** Less is there before anybody has read how long it takes. */
const WORTH_SAYING_BYTES = 2 ** 26

/** Everything that should be known before the first byte of weights. */
export function OfferCard({ offer }: { offer: Offer }): ReactElement {
  const start = useApp((state) => state.startAdding)
  const cancel = useApp((state) => state.cancelAdding)
  const [accepted, setAccepted] = useState(false)
  const heading = useId()
  const verb = offer.what === 'pack' ? 'Download' : 'Fetch and convert'
  const atMost =
    offer.most.keepBytes > offer.keepBytes &&
    `${bytesText(offer.most.fetchBytes)} and ${bytesText(offer.most.keepBytes)}`
  const millions = (offer.parameters / 1e6).toLocaleString('en-US', { maximumFractionDigits: 1 })
  return (
    <section aria-labelledby={heading} className="offer">
      <h3 id={heading}>{offer.name}</h3>
      <p>
        {offer.what === 'pack' ? 'A pack' : 'A checkpoint, to be converted here'}: {millions} million
        parameters, {offer.precision}. {bytesText(offer.fetchBytes)} {offer.resumes && 'more '}
        {offer.pinned === null ? 'will be read from this computer' : 'will be fetched'},{' '}
        {bytesText(offer.keepBytes)} kept{atMost && `; at most ${atMost}`}. Nothing is uploaded.
      </p>
      <Duration offer={offer} />
      <ul className="findings">
        {offer.findings.map((finding) => (
          <li key={finding.sentence}>
            {markOf(finding)} {finding.sentence}
          </li>
        ))}
      </ul>
      <p>
        Licence: <strong>{offer.licence ?? 'not stated'}</strong>. {offer.licenceNotice}
      </p>
      <label className="check">
        <input type="checkbox" checked={accepted} onChange={(event) => setAccepted(event.target.checked)} />
        {offer.licence === null && offer.licenceNotice === null
          ? 'I know what I may do with this model'
          : 'I accept the licence'}
      </label>
      <div className="actions">
        <button type="button" className="primary" disabled={!accepted} onClick={() => void start()}>
          {verb}
        </button>
        <button type="button" onClick={() => void cancel(false)}>
          Not now
        </button>
      </div>
    </section>
  )
}

/** No tick for what is no good news. */
function markOf({ ok, mixed }: Omit<Finding, 'sentence'>): string {
  if (!ok) return '⚠'
  return mixed === true ? '–' : '✓'
}

/** How long it takes until the model is there, by what was measured just now of the line and of converting. */
function Duration({ offer }: { offer: Offer }): ReactElement | null {
  const { fetchBytes, bytesPerSecond, convertBytesPerSecond } = offer
  const speeds = [
    ...(bytesPerSecond === null ? [] : [`${bytesText(bytesPerSecond)}/s arrive`]),
    ...(convertBytesPerSecond === null ? [] : [`${bytesText(convertBytesPerSecond)}/s are converted`]),
  ]
  const range = durationRange(offer)
  if (range === null || fetchBytes < WORTH_SAYING_BYTES) return null
  const [least, most] = range.map(durationText)
  return (
    <p>
      {least === most ? `About ${most}` : `Between ${least} and ${most}`}: {speeds.join(', ')}, measured just
      now.
    </p>
  )
}
