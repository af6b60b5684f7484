import { useId, useState, type ReactElement } from 'react'
import type { Offer } from '../../protocol/keeper-calls.ts'
import { useApp } from '../store-context.ts'
import { bytesText, durationText } from './amounts.ts'

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
      {offer.bytesPerSecond !== null && (
        <p>
          At {bytesText(offer.bytesPerSecond)}/s, measured just now, this takes about{' '}
          {durationText(offer.fetchBytes / offer.bytesPerSecond)}
          {offer.what === 'checkpoint' && ', longer if converting cannot keep up'}.
        </p>
      )}
      <ul className="findings">
        {offer.findings.map(({ ok, sentence }) => (
          <li key={sentence}>
            {ok ? '✓' : '⚠'} {sentence}
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
