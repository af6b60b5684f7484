import { useState, type ReactElement } from 'react'
import type { DeviceReport } from '../../pack/device-report.ts'
import type { PartName } from '../../pack/families.ts'
import type { LoadedModel, LoadProgress } from '../../protocol/engine-calls.ts'
import { AddModel } from './add-model.tsx'
import { KeptModels } from './kept-models.tsx'
import { Notice } from '../parts/notice.tsx'
import { useApp } from '../store-context.ts'

const OTHER_MODELS = 'other-models'

/** Unfolds the list of other models, wherever on the page that was asked for, and goes there. */
export function goToOtherModels(): void {
  const details = document.getElementById(OTHER_MODELS)
  // React hears of it from the element itself, as when a person unfolds it.
  details?.setAttribute('open', '')
  details?.querySelector('summary')?.focus()
}

/** What runs, on what, and what it knows. */
export function ModelPanel(): ReactElement {
  const model = useApp((state) => state.model)
  const busy = useApp((state) => state.adding.status !== 'idle')
  const [opened, setOpen] = useState(false)
  // A model that was dropped on the page shows up here.
  const open = opened || busy
  const offlineReady = useApp((state) => state.offlineReady)
  const loadModel = useApp((state) => state.loadModel)
  const losses = useApp((state) => state.losses)
  const switchProvider = useApp((state) => state.switchProvider)
  const changeModel = useApp((state) => state.changeModel)
  const chosen = useApp((state) => state.settings.model)
  const setAside = useApp((state) => state.setAside)
  const unresponsive = useApp((state) => state.settings.unresponsive)
  const kept = useApp((state) => state.kept)
  const name = kept.find(({ id }) => id === chosen)?.name ?? 'a kept model'
  return (
    <section aria-label="Model" className="model-panel">
      <h2>{chosen === null ? 'Built-in model: drawn scenes' : name}</h2>
      {setAside !== null && (
        <Notice
          failure={setAside}
          action="Load it all the same"
          onAction={() => void changeModel(unresponsive)}
        />
      )}
      {model.status === 'loading' && <Loading progress={model.progress} />}
      {model.status === 'ready' && <Ready loaded={model.loaded} />}
      {model.status === 'failed' && (
        <>
          <Notice failure={model.failure} action="Load again" onAction={() => void loadModel()} />
          {model.failure.code === 'device-lost' && losses > 1 && (
            <p>
              This has happened {losses} times in a row.{' '}
              <button type="button" className="link" onClick={() => void switchProvider('wasm')}>
                Use WebAssembly
              </button>{' '}
              is slower, but needs no graphics device.
            </p>
          )}
        </>
      )}
      {(model.status === 'failed' || model.status === 'loading') && chosen !== null && (
        <button type="button" onClick={() => void changeModel(null)}>
          Use the built-in model
        </button>
      )}
      {chosen === null && (
        <p className="hint">
          A miniature BLIP-2 that has only ever seen drawn scenes like the examples below. Photographs are for
          the full model, which can be added here.
        </p>
      )}
      {offlineReady && <p className="hint">This page starts without a connection now.</p>}
      <details
        id={OTHER_MODELS}
        className="more-models"
        open={open}
        onToggle={(event) => setOpen(event.currentTarget.open)}
      >
        <summary>Other models</summary>
        <KeptModels />
        <h3>Add a model</h3>
        <AddModel />
      </details>
    </section>
  )
}

function Loading({ progress }: { progress: LoadProgress | null }): ReactElement {
  if (progress === null) return <Bar label="Starting…" />
  if (progress.stage === 'warming-up') return <Bar label="Trying it out once…" />
  if (progress.stage === 'fetching') {
    const { doneBytes, totalBytes } = progress
    return (
      <Bar
        label={`Fetching the model: ${megabytes(doneBytes)} of ${megabytes(totalBytes)}`}
        value={doneBytes / Math.max(1, totalBytes)}
      />
    )
  }
  return <Bar label={`Preparing the ${PARTS[progress.graph]}…`} value={progress.done / progress.total} />
}

const PARTS: Record<PartName, string> = {
  vision: 'vision encoder',
  'q-former': 'Q-Former',
  decoder: 'language model',
  'text-encoder': 'encoder of the language model',
  'text-decoder': 'decoder of the language model',
  'text-q-former': 'Q-Former',
  'cross-attention': 'Q-Former',
}

function Bar({ label, value }: { label: string; value?: number }): ReactElement {
  return (
    <p className="loading">
      <span>{label}</span>
      <progress aria-label={label} {...(value !== undefined && { value })} />
    </p>
  )
}

function Ready({ loaded }: { loaded: LoadedModel }): ReactElement {
  const { manifest, device, loadMs } = loaded
  const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0)
  const millions = (manifest.parameters / 1e6).toFixed(1)
  return (
    <>
      <p>
        {millions} million parameters, {manifest.precision}, {megabytes(bytes)}; ready after{' '}
        {(loadMs / 1000).toFixed(1)} s.
      </p>
      <p>
        <Device device={device} />
      </p>
    </>
  )
}

function Device({ device }: { device: DeviceReport }): ReactElement {
  const switchProvider = useApp((state) => state.switchProvider)
  if (device.provider === 'webgpu') {
    const name = device.adapter === '' ? 'graphics card' : device.adapter
    const how = device.software ? 'a software adapter, slow but right' : 'on your graphics card'
    return (
      <>
        Runs on <strong>WebGPU</strong> ({name}; {how}).{' '}
        <button type="button" className="link" onClick={() => void switchProvider('wasm')}>
          Use WebAssembly
        </button>
      </>
    )
  }
  return (
    <>
      Runs on <strong>WebAssembly</strong>, on the processor, which is slower. {device.reason}{' '}
      <button type="button" className="link" onClick={() => void switchProvider('webgpu')}>
        Try WebGPU
      </button>
    </>
  )
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
