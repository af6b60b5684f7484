import type { MemoryChoice, Provider } from '../pack/device-report.ts'
import { toFailure, type Failure } from '../pack/failure.ts'
import type { LoadedModel, LoadProgress, PackPlace } from '../protocol/engine-calls.ts'
import type { EngineAccess } from './engine-access.ts'
import type { AppDependencies, GetState, SetState } from './store.ts'

export type ModelState =
  | { status: 'absent' }
  | { status: 'loading'; progress: LoadProgress | null }
  | { status: 'ready'; loaded: LoadedModel }
  | { status: 'failed'; failure: Failure }

export interface ModelSlice {
  model: ModelState
  /** How often the graphics device went away since the last finished answer. */
  losses: number
  /** Why the page began with another model than the one that was chosen; null when it did not. */
  setAside: Failure | null
  /** Loads the chosen model at the start of a visit, on `prefer` if that is not null, unless the engine was lost in it. */
  startModel: (prefer: Provider | null) => Promise<void>
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
  /** The engine's worker did not end what it was told to end, so it is ended; people decide what is loaded next. */
  engineUnresponsive: (failure: Failure, isBlocked: boolean) => void
  /** The engine's thread has stopped answering while it works, or answers again. */
  engineBlocked: (isBlocked: boolean) => void
  /** An answer was finished, so the device is sound. */
  answerFinished: () => void
}

export function modelSlice(
  set: SetState,
  get: GetState,
  engine: EngineAccess,
  { builtInModelUrl, warmUp }: Pick<AppDependencies, 'builtInModelUrl' | 'warmUp'>,
): ModelSlice {
  const placeOf = (id: string | null): PackPlace =>
    id === null ? { kind: 'web', url: builtInModelUrl } : { kind: 'kept', id }
  let died: Failure | null = null
  let loading: Promise<void> | null = null
  let stop = new AbortController()
  /** Id of the model that is loaded or being loaded; null for the built-in one. */
  let inEngine: string | null = null

  /**
   * Ends the worker, whose device is gone: it holds dead sessions, and a fresh one begins with nothing. Whether to load
   * again by itself: after the first loss, but not when it happens again before an answer was finished.
   */
  function lost(failure: Failure): boolean {
    engine.restart(failure)
    const losses = get().losses + 1
    set({ model: { status: 'failed', failure }, losses, announcement: failure.message })
    return losses === 1
  }

  /** Until another model takes its place, whose loading lets go of the device on purpose. */
  function watch(signal: AbortSignal): void {
    const hear = (failure: Failure | null): void => {
      if (failure !== null && !signal.aborted && lost(failure)) void get().loadModel()
    }
    engine.call('untilLost', null).then(hear, () => undefined)
  }

  /** Loads what the settings say. Gives whether to do it again, because the device went away meanwhile. */
  async function load(): Promise<boolean> {
    if (died !== null) engine.restart(died)
    died = null
    stop.abort()
    stop = new AbortController()
    const { signal } = stop
    set({ model: { status: 'loading', progress: null } })
    const onEvent = (progress: LoadProgress): void => {
      if (!signal.aborted) set({ model: { status: 'loading', progress } })
    }
    const { model, prefer, memory } = get().settings
    inEngine = model
    try {
      const loaded = await engine.call(
        'load',
        { pack: placeOf(model), prefer, memory, warmUp },
        { onEvent, signal },
      )
      // Another model is wanted by now.
      if (signal.aborted) return false
      set({ model: { status: 'ready', loaded } })
      hasAnswered()
      watch(signal)
      if (get().settings.memory !== memory) void applyMemory()
      get().answerWaiting()
    } catch (error) {
      const failure = toFailure(error)
      if (failure.code === 'device-lost' && !signal.aborted) return lost(failure)
      if (failure.code === 'device-lost') engine.restart(failure)
      if (!signal.aborted) set({ model: { status: 'failed', failure } })
    }
    return false
  }

  async function loadUntilSettled(): Promise<void> {
    while (await load());
  }

  /** The model in the engine is sound, whatever was held against it. */
  function hasAnswered(): void {
    if (inEngine !== null && get().settings.unresponsive === inEngine)
      get().changeSettings({ unresponsive: null })
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

  /** Stops what is under way with the model in the engine and lets go of it. What was being written stays. */
  async function letGo(meanwhile: ModelState): Promise<void> {
    get().stop()
    stop.abort()
    set({ model: meanwhile })
    await loading
    await engine.unload()
    // A thread that had to be ended has said that the model failed.
    set({ model: meanwhile })
  }

  /** Loads what the settings say now, in place of what is loaded or being loaded. */
  async function reload(): Promise<void> {
    await letGo({ status: 'loading', progress: null })
    await get().loadModel()
  }

  return {
    model: { status: 'absent' },
    losses: 0,
    setAside: null,
    startModel(prefer) {
      if (prefer !== null) get().changeSettings({ prefer })
      const { model, unresponsive } = get().settings
      if (model !== null && model === unresponsive) {
        get().changeSettings({ model: null })
        set({ setAside: SET_ASIDE })
      }
      return get().loadModel()
    },
    loadModel() {
      loading ??= loadUntilSettled().finally(() => (loading = null))
      return loading
    },
    async changeModel(id) {
      get().changeSettings({ model: id })
      set({ setAside: null })
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
      await letGo({ status: 'absent' })
      return placeOf(get().settings.model)
    },
    engineDied(failure) {
      died = failure
      set({ model: { status: 'failed', failure } })
    },
    engineUnresponsive(failure, isBlocked) {
      if (isBlocked) get().engineBlocked(true)
      engine.restart(failure)
      set({ model: { status: 'failed', failure }, announcement: failure.message })
    },
    engineBlocked(isBlocked) {
      // The built-in model is what there is otherwise.
      if (inEngine !== null) get().changeSettings({ unresponsive: isBlocked ? inEngine : null })
    },
    answerFinished() {
      hasAnswered()
      if (get().losses > 0) set({ losses: 0 })
    },
  }
}

const SET_ASIDE: Failure = {
  code: 'unresponsive',
  message:
    'The model that was chosen did not answer any more when it was used last, so the built-in one was loaded instead.',
}

/** Name and precision of a loaded model; null while none is. */
export function modelName(model: ModelState): string | null {
  if (model.status !== 'ready') return null
  const { name, precision } = model.loaded.manifest
  return `${name}, ${precision}`
}
