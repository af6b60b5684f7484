import { useState, type ReactElement } from 'react'
import type { KeptModel, Space } from '../../protocol/keeper-calls.ts'
import { bytesText } from './amounts.ts'
import { Notice } from '../parts/notice.tsx'
import { ProgressBars } from './progress-bars.tsx'
import { useApp } from '../store-context.ts'

/** What can be used, what is kept and how large it is, and what can be done about it. */
export function KeptModels(): ReactElement {
  const kept = useApp((state) => state.kept)
  const space = useApp((state) => state.space)
  const failure = useApp((state) => state.keptFailure)
  const saving = useApp((state) => state.saving)
  const cancelSaving = useApp((state) => state.cancelSaving)
  const current = useApp((state) => state.settings.model)
  const changeModel = useApp((state) => state.changeModel)
  return (
    <>
      <ul className="models" aria-label="Models">
        <li>
          <p>
            <strong>Built-in: drawn scenes</strong>{' '}
            <span className="hint">{current === null ? 'in use' : 'always here'}</span>
          </p>
          {current !== null && (
            <button type="button" aria-label="Use: built-in model" onClick={() => void changeModel(null)}>
              Use
            </button>
          )}
        </li>
        {kept.map((model) => (
          <Kept key={model.id} model={model} inUse={model.id === current} />
        ))}
      </ul>
      {failure !== null && <Notice failure={failure} />}
      {saving.status === 'failed' && <Notice failure={saving.failure} />}
      {saving.status === 'running' && (
        <p className="hint">
          Saving: {bytesText(saving.doneBytes)} of {bytesText(saving.totalBytes)}{' '}
          <button type="button" className="link" onClick={cancelSaving}>
            Cancel
          </button>
        </p>
      )}
      {space !== null && kept.length > 0 && <SpaceLine space={space} />}
    </>
  )
}

function Kept({ model, inUse }: { model: KeptModel; inUse: boolean }): ReactElement {
  const changeModel = useApp((state) => state.changeModel)
  const resume = useApp((state) => state.resumeKept)
  const save = useApp((state) => state.saveKept)
  const busy = useApp((state) => state.adding.status === 'running')
  const elsewhere = useApp((state) => state.elsewhere[model.id])
  const newer = useApp((state) => state.newer.includes(model.id))
  const requestNewer = useApp((state) => state.requestNewer)
  const size = `${model.precision ?? ''}, ${bytesText(model.bytes)}`
  return (
    <li>
      <p>
        <strong>{model.name}</strong> <span className="hint">{stateOf(model, inUse, size)}</span>
      </p>
      {model.licenceNotice !== null && <p className="hint">{model.licenceNotice}</p>}
      {newer && <p>There is a newer version; only what changed in it would be fetched.</p>}
      {elsewhere !== undefined && <ProgressBars progress={elsewhere} />}
      <div className="actions">
        {model.complete && !inUse && !model.compares && (
          <button type="button" aria-label={`Use: ${model.name}`} onClick={() => void changeModel(model.id)}>
            Use
          </button>
        )}
        {!model.complete && model.address !== null && elsewhere === undefined && (
          <button
            type="button"
            disabled={busy}
            aria-label={`Resume: ${model.name}`}
            onClick={() => void resume(model)}
          >
            Resume
          </button>
        )}
        {newer && (
          <button
            type="button"
            disabled={busy}
            aria-label={`Look at the newer version: ${model.name}`}
            onClick={() => void requestNewer(model)}
          >
            Look at the newer version
          </button>
        )}
        {model.complete && (
          <button
            type="button"
            aria-label={`Save to a folder: ${model.name}`}
            onClick={() => void save(model)}
          >
            Save to a folder
          </button>
        )}
        <Delete model={model} inUse={inUse} />
      </div>
    </li>
  )
}

function stateOf(model: KeptModel, inUse: boolean, size: string): string {
  if (inUse) return `in use; ${size}`
  if (model.complete) return size
  if (model.address === null) return `${size} so far; choose its files again to go on`
  return `${size}; not complete`
}

/** Gigabytes took hours to arrive, so it takes two clicks to let them go. */
function Delete({ model, inUse }: { model: KeptModel; inUse: boolean }): ReactElement {
  const remove = useApp((state) => state.removeKept)
  const changeModel = useApp((state) => state.changeModel)
  const [asked, setAsked] = useState(false)
  const go = async (): Promise<void> => {
    if (inUse) await changeModel(null)
    await remove(model.id)
  }
  if (!asked) {
    return (
      <button
        type="button"
        className="quiet"
        aria-label={`Delete: ${model.name}`}
        onClick={() => setAsked(true)}
      >
        Delete
      </button>
    )
  }
  return (
    <>
      <button type="button" aria-label={`Really delete: ${model.name}`} onClick={() => void go()}>
        Really delete
      </button>
      <button type="button" className="quiet" onClick={() => setAsked(false)}>
        Keep it
      </button>
    </>
  )
}

/** What the browser counts is everything of this page, not models alone: the page for use offline, pictures, conversations. */
function usedText(usedBytes: number | null, kept: readonly KeptModel[]): string {
  if (usedBytes === null) return ''
  const models = kept.reduce((sum, { bytes }) => sum + bytes, 0)
  const rest = Math.max(0, usedBytes - models)
  return `${bytesText(usedBytes)} are used: ${bytesText(models)} by these models, ${bytesText(rest)} by the page itself with its built-in models, pictures and conversations`
}

function SpaceLine({ space }: { space: Space }): ReactElement {
  const ask = useApp((state) => state.askToPersist)
  const kept = useApp((state) => state.kept)
  const used = usedText(space.usedBytes, kept)
  const free = space.freeBytes === null ? '' : `, ${bytesText(space.freeBytes)} more are allowed`
  return (
    <p className="hint">
      {used}
      {free}.{' '}
      {space.persisted ? (
        'The browser keeps models until you delete them.'
      ) : (
        <>
          The browser may clear models when the disk gets full.{' '}
          <button type="button" className="link" onClick={() => void ask()}>
            Ask it to keep them
          </button>
        </>
      )}
    </p>
  )
}
