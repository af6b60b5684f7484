/** Which model runs, and how far it is. */
import { tunedPromptOf } from '../pack/caption-prompt.ts'
import type { Provider } from '../pack/device-report.ts'
import type { Failure } from '../pack/failure.ts'
import type { LoadedModel, LoadProgress, PackPlace } from '../protocol/engine-calls.ts'
import type { Loading } from './loading.ts'
import type { GetState, SetState } from './store.ts'

export type ModelState =
  | { status: 'absent' }
  | { status: 'loading'; progress: LoadProgress | null }
  | { status: 'ready'; loaded: LoadedModel }
  | { status: 'failed'; failure: Failure }

export interface ModelSlice {
  model: ModelState
  /** Loads the chosen model at the start of a visit, on `prefer` if that is not null, unless the engine was lost in it. */
  startModel: (prefer: Provider | null) => Promise<void>
  /** Loads the model that the settings name, else the built-in one, on what they prefer. */
  loadModel: () => Promise<void>
  /** Changes over to a kept model, or with null to the built-in one. */
  changeModel: (id: string | null) => Promise<void>
  /** Loads it again elsewhere: on the graphics card or on the processor. */
  switchProvider: (prefer: Provider) => Promise<void>
  /** Lets go of the model and its device, stopping what is being written. Returns where it was loaded from. */
  unloadModel: () => Promise<PackPlace>
  /** The engine's worker died: calls have failed already, and the next load starts a new one. */
  engineDied: (failure: Failure) => void
}

export function modelSlice(set: SetState, get: GetState, loading: Loading): ModelSlice {
  return {
    model: { status: 'absent' },
    startModel(prefer) {
      if (prefer !== null) get().changeSettings({ prefer })
      get().setAsideUnresponsive()
      return loading.load()
    },
    loadModel: () => loading.load(),
    async changeModel(id) {
      get().changeSettings({ model: id })
      set({ setAside: null, mended: null })
      await loading.reload()
    },
    async switchProvider(prefer) {
      get().changeSettings({ prefer })
      await loading.reload()
    },
    async unloadModel() {
      await loading.letGo({ status: 'absent' })
      return loading.place
    },
    engineDied(failure) {
      loading.threadDied(failure)
      set({ model: { status: 'failed', failure } })
    },
  }
}

/** What captions begin with where no setting says it; null where the loaded model was not tuned to any beginning. */
export function tunedPrompt(model: ModelState): string | null {
  return model.status === 'ready' ? tunedPromptOf(model.loaded.manifest) : null
}

/** Name and precision of a loaded model; null while none is. */
export function modelName(model: ModelState): string | null {
  if (model.status !== 'ready') return null
  const { name, precision } = model.loaded.manifest
  return `${name}, ${precision}`
}
