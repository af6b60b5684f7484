import type { MemoryChoice, Provider } from '../pack/device-report.ts'
import { toFailure, type Failure } from '../pack/failure.ts'
import type { LoadedModel, LoadProgress, PackPlace } from '../protocol/engine-calls.ts'
import type { EngineAccess, GetState, SetState } from './store.ts'

export type ModelState =
  | { status: 'absent' }
  | { status: 'loading'; progress: LoadProgress | null }
  | { status: 'ready'; loaded: LoadedModel }
  | { status: 'failed'; failure: Failure }

export interface ModelSlice {
  model: ModelState
  /** How often the graphics device went away since the last finished answer. */
  losses: number
  /** Loads the model that the settings name, else the built-in one, on what they prefer. */
  loadModel: () => Promise<void>
  /** Changes over to a kept model, or with null to the built-in one. */
  changeModel: (id: string | null) => Promise<void>
  /** Loads it again elsewhere: on the graphics card or on the processor. */
  switchProvider: (prefer: Provider) => Promise<void>
  /** Keeps everything loaded or not, from now on, without loading anything anew. */
  changeMemory: (memory: MemoryChoice) => Promise<void>
  /** Lets go of the model and its device, stopping what is being written. Returns where it was loaded from. */
  unloadModel: () => Promise<PackPlace>
  /** The engine's worker died: calls have failed already, and the next load starts a new one. */
  engineDied: (failure: Failure) => void
  /** An answer was finished, so the device is sound. */
  answerFinished: () => void
}

export function modelSlice(
  set: SetState,
  get: GetState,
  engine: EngineAccess,
  builtInModelUrl: string,
): ModelSlice {
  const placeOf = (id: string | null): PackPlace =>
    id === null ? { kind: 'web', url: builtInModelUrl } : { kind: 'kept', id }
  let died: Failure | null = null
  let loading: Promise<void> | null = null
  let stop = new AbortController()

  /** The first loss is mended at once; when it happens again before an answer was finished, people decide. */
  function lost(failure: Failure): void {
    // A worker whose device is gone holds dead sessions; a fresh one begins with nothing.
    engine.restart(failure)
    const losses = get().losses + 1
    set({ model: { status: 'failed', failure }, losses, announcement: failure.message })
    if (losses === 1) void get().loadModel()
  }

  /** Until another model takes its place, whose loading lets go of the device on purpose. */
  function watch(signal: AbortSignal): void {
    const hear = (failure: Failure): void => {
      if (!signal.aborted) lost(failure)
    }
    engine.call('untilLost', null).then(hear, () => undefined)
  }

  async function load(): Promise<void> {
    if (died !== null) engine.restart(died)
    died = null
    stop.abort()
    stop = new AbortController()
    const { signal } = stop
    set({ model: { status: 'loading', progress: null } })
    const onEvent = (progress: LoadProgress): void => set({ model: { status: 'loading', progress } })
    try {
      const { model, prefer, memory } = get().settings
      const input = { pack: placeOf(model), prefer, memory }
      const loaded = await engine.call('load', input, { onEvent, signal })
      // Another model is wanted by now.
      if (signal.aborted) return
      set({ model: { status: 'ready', loaded } })
      watch(signal)
      if (get().settings.memory !== memory) void applyMemory()
      get().answerWaiting()
    } catch (error) {
      if (!signal.aborted) set({ model: { status: 'failed', failure: toFailure(error) } })
    }
  }

  /** Has the loaded model follow the settings. One that is being loaded does so when it is ready. */
  async function applyMemory(): Promise<void> {
    const { signal } = stop
    if (get().model.status !== 'ready') return
    try {
      const report = await engine.call('changeMemory', { memory: get().settings.memory })
      const { model } = get()
      if (model.status !== 'ready' || signal.aborted) return
      const { loaded } = model
      set({ model: { status: 'ready', loaded: { ...loaded, device: { ...loaded.device, memory: report } } } })
    } catch {
      // The model went away meanwhile, which is told where it is told of; the next one begins with the setting.
    }
  }

  /** Loads what the settings say now, in place of what is loaded or being loaded. What was being written stays. */
  async function reload(): Promise<void> {
    get().stop()
    stop.abort()
    await loading
    await get().loadModel()
  }

  return {
    model: { status: 'absent' },
    losses: 0,
    loadModel() {
      loading ??= load().finally(() => (loading = null))
      return loading
    },
    async changeModel(id) {
      get().changeSettings({ model: id })
      await reload()
    },
    async switchProvider(prefer) {
      get().changeSettings({ prefer })
      await reload()
    },
    async changeMemory(memory) {
      get().changeSettings({ memory })
      await applyMemory()
    },
    async unloadModel() {
      get().stop()
      stop.abort()
      await loading
      set({ model: { status: 'absent' } })
      await engine.call('unload', null)
      return placeOf(get().settings.model)
    },
    engineDied(failure) {
      died = failure
      set({ model: { status: 'failed', failure } })
    },
    answerFinished() {
      if (get().losses > 0) set({ losses: 0 })
    },
  }
}

/** Name and precision of a loaded model; null while none is. */
export function modelName(model: ModelState): string | null {
  if (model.status !== 'ready') return null
  const { name, precision } = model.loaded.manifest
  return `${name}, ${precision}`
}
