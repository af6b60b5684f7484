import { useRef, useState, type ChangeEvent, type ReactElement, type RefObject } from 'react'
import { PRECISIONS, type Precision } from '../../pack/precisions.ts'
import type { KnownModel } from '../../state/catalogue.ts'
import { bytesText } from './amounts.ts'
import { OfferCard } from './offer-card.tsx'
import { Notice } from '../parts/notice.tsx'
import { ProgressBars } from './progress-bars.tsx'
import { useApp } from '../store-context.ts'

/** From an address or files to a kept model: ask, show what it means, fetch, done. */
export function AddModel(): ReactElement {
  const adding = useApp((state) => state.adding)
  const start = useApp((state) => state.startAdding)
  const pause = useApp((state) => state.pauseAdding)
  const cancel = useApp((state) => state.cancelAdding)
  const changeModel = useApp((state) => state.changeModel)
  switch (adding.status) {
    case 'idle':
      return <Ask />
    case 'finding':
      return (
        <div className="actions">
          <p>Looking at it…</p>
          <button type="button" onClick={() => void cancel(false)}>
            Cancel
          </button>
        </div>
      )
    case 'offered':
      return <OfferCard offer={adding.offer} />
    case 'running':
      return (
        <>
          {adding.progress === null ? <p>Starting…</p> : <ProgressBars progress={adding.progress} />}
          <div className="actions">
            <button type="button" onClick={pause}>
              Pause
            </button>
            <button type="button" className="quiet" onClick={() => void cancel(true)}>
              Cancel and delete what has arrived
            </button>
          </div>
        </>
      )
    case 'paused':
      return (
        <>
          <p>
            Paused
            {adding.progress !== null &&
              ` at ${bytesText(adding.progress.doneBytes)} of ${bytesText(adding.progress.totalBytes)}`}
            . What has arrived is kept.
          </p>
          <div className="actions">
            <button type="button" className="primary" onClick={() => void start()}>
              Resume
            </button>
            <button type="button" className="quiet" onClick={() => void cancel(true)}>
              Cancel and delete what has arrived
            </button>
          </div>
        </>
      )
    case 'failed':
      return (
        <>
          {adding.offer === null ? (
            <Notice failure={adding.failure} />
          ) : (
            <Notice failure={adding.failure} action="Resume" onAction={() => void start()} />
          )}
          <Ask />
        </>
      )
    case 'added': {
      const { id, name } = adding.model
      return (
        <>
          <div className="actions">
            <p>
              <strong>{name}</strong> is kept in this browser and works without a connection.
            </p>
            <button
              type="button"
              className="primary"
              aria-label={`Use it: ${name}`}
              onClick={() => void changeModel(id)}
            >
              Use it
            </button>
          </div>
          <Ask />
        </>
      )
    }
  }
}

function Ask(): ReactElement {
  const requestOffer = useApp((state) => state.requestOffer)
  const catalogue = useApp((state) => state.catalogue)
  const [address, setAddress] = useState('')
  const [token, setToken] = useState('')
  const [precision, setPrecision] = useState<Precision>('q4f16')
  const options = { precision, token: token === '' ? null : token }
  const offerOfFiles = (event: ChangeEvent<HTMLInputElement>): void => {
    const files = [...(event.target.files ?? [])].map((file) => ({
      path: file.webkitRelativePath || file.name,
      file,
    }))
    // The same files may be chosen again.
    event.target.value = ''
    if (files.length > 0) void requestOffer({ kind: 'files', files }, options)
  }
  return (
    <form
      className="add-model"
      onSubmit={(event) => {
        event.preventDefault()
        void requestOffer({ kind: 'address', text: address }, options)
      }}
    >
      {catalogue.models.length > 0 && (
        <ul className="models" aria-label="Known models">
          {catalogue.models.map((model) => (
            <li key={model.address}>
              <Known model={model} token={options.token} />
            </li>
          ))}
        </ul>
      )}
      <label>
        Address of a model
        <input
          type="text"
          required
          value={address}
          placeholder="owner/name on the hub, or https://…"
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => setAddress(event.target.value)}
        />
      </label>
      <label>
        Checkpoints are converted to
        <select value={precision} onChange={(event) => setPrecision(precisionOf(event.target.value))}>
          {PRECISIONS.map((name) => (
            <option key={name} value={name}>
              {PRECISION_NAMES[name]}
            </option>
          ))}
        </select>
      </label>
      <label>
        Access token for a private or gated repository
        <input
          type="password"
          value={token}
          autoComplete="off"
          onChange={(event) => setToken(event.target.value)}
        />
      </label>
      <p className="hint">A token goes to the hub only and is forgotten when the page closes.</p>
      <div className="actions">
        <button type="submit" className="primary">
          Look at it
        </button>
        <ChooseFiles label="Choose a folder" directory onChange={offerOfFiles} />
        <ChooseFiles label="Choose files" onChange={offerOfFiles} />
      </div>
    </form>
  )
}

const PRECISION_NAMES: Record<Precision, string> = {
  q4f16: 'q4f16: 4 bits, smallest',
  q4: 'q4: 4 bits, no half precision needed',
  q8: 'q8: 8 bits, nearer to the original',
  fp16: 'fp16: 16 bits',
  fp32: 'fp32: as it is, largest',
}

function precisionOf(text: string): Precision {
  return PRECISIONS.find((name) => name === text) ?? 'q4f16'
}

function Known({ model, token }: { model: KnownModel; token: string | null }): ReactElement {
  const requestOffer = useApp((state) => state.requestOffer)
  const { name, address, note, precision } = model
  return (
    <>
      <p>
        <strong>{name}</strong> <span className="hint">{note}</span>
      </p>
      <button
        type="button"
        aria-label={`Look at it: ${name}`}
        onClick={() => void requestOffer({ kind: 'address', text: address }, { precision, token })}
      >
        Look at it
      </button>
    </>
  )
}

function ChooseFiles({
  label,
  directory = false,
  onChange,
}: {
  label: string
  directory?: boolean
  onChange: (event: ChangeEvent<HTMLInputElement>) => void
}): ReactElement {
  const input: RefObject<HTMLInputElement | null> = useRef(null)
  return (
    <>
      <button type="button" onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        // Not in React's types, though every browser has it (File and Directory Entries API).
        {...(directory && { webkitdirectory: '' })}
        onChange={onChange}
      />
    </>
  )
}
