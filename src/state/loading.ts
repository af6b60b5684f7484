/** The model in the engine: how it gets there, what takes its place, and how it is let go of. */
import { toFailure, type Failure } from '../pack/failure.ts'
import type { BadWeights, LoadProgress, PackPlace } from '../protocol/engine-calls.ts'
import type { EngineAccess } from './engine-access.ts'
import type { ModelState } from './model-slice.ts'
import type { AppDependencies, GetState, SetState } from './store.ts'

export type LoadOptions = Pick<AppDependencies, 'builtInModelUrl' | 'warmUp'>

export class Loading {
  readonly #set: SetState
  readonly #get: GetState
  readonly #engine: EngineAccess
  readonly #options: LoadOptions
  /** Why the engine's thread is no more; null while it lives. */
  #died: Failure | null = null
  #underWay: Promise<void> | null = null
  #stop = new AbortController()
  #modelId: string | null = null

  constructor(set: SetState, get: GetState, engine: EngineAccess, options: LoadOptions) {
    this.#set = set
    this.#get = get
    this.#engine = engine
    this.#options = options
  }

  /** Id of the model that is loaded or being loaded; null for the built-in one. */
  get modelId(): string | null {
    return this.#modelId
  }

  /** Fires when the model gives way to another. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Where the model that the settings name lies. */
  get place(): PackPlace {
    const { model } = this.#get().settings
    return model === null ? { kind: 'web', url: this.#options.builtInModelUrl } : { kind: 'kept', id: model }
  }

  /** Loads what the settings say. What is under way already is waited for instead. */
  load(): Promise<void> {
    this.#underWay ??= this.#loadUntilSettled().finally(() => (this.#underWay = null))
    return this.#underWay
  }

  /** Stops what is under way with the model and lets go of it. What was being written stays. */
  async letGo(meanwhile: ModelState): Promise<void> {
    this.#get().stopAll()
    this.#stop.abort()
    this.#set({ model: meanwhile })
    await this.#underWay
    await this.#engine.unload()
    // A thread that had to be ended has said that the model failed.
    this.#set({ model: meanwhile })
  }

  /** Loads what the settings say now, in place of what is loaded or being loaded. */
  async reload(): Promise<void> {
    await this.letGo({ status: 'loading', progress: null })
    await this.load()
  }

  /** The engine's thread died, and its calls have failed already. The next load starts a fresh one. */
  threadDied(failure: Failure): void {
    this.#died = failure
  }

  async #loadUntilSettled(): Promise<void> {
    while (await this.#loadOnce());
  }

  /** Gives whether to do it again, because the device went away meanwhile. */
  async #loadOnce(): Promise<boolean> {
    if (this.#died !== null) this.#engine.restart(this.#died)
    this.#died = null
    this.#stop.abort()
    this.#stop = new AbortController()
    const { signal } = this.#stop
    this.#set({ model: { status: 'loading', progress: null } })
    const onEvent = (progress: LoadProgress): void => {
      if (!signal.aborted) this.#set({ model: { status: 'loading', progress } })
    }
    const { model, prefer, memory, ownKernels } = this.#get().settings
    this.#modelId = model
    try {
      const { warmUp } = this.#options
      const request = { pack: this.place, prefer, memory, kernels: ownKernels, warmUp }
      const loaded = await this.#engine.call('load', request, { onEvent, signal })
      // Another model is wanted by now.
      if (signal.aborted) return false
      this.#set({ model: { status: 'ready', loaded } })
      const { modelAnswered, settings, applyMemory, answerWaiting } = this.#get()
      modelAnswered()
      this.#watch(signal)
      this.#hearOfBadWeights(signal)
      if (loaded.device.recordsSteps === null) this.#hearOfSteps(signal)
      if (settings.memory !== memory) void applyMemory()
      answerWaiting()
    } catch (error) {
      const failure = toFailure(error)
      if (failure.code === 'device-lost' && !signal.aborted) return this.#get().deviceLost(failure)
      if (failure.code === 'device-lost') this.#engine.restart(failure)
      // A thread may remember for ever that a script did not come (HTML, module map).
      if (['stalled', 'network'].includes(failure.code)) this.#died = failure
      if (!signal.aborted) this.#set({ model: { status: 'failed', failure } })
    }
    return false
  }

  /** Loads again when the device goes away, until another model takes its place, which lets go of it on purpose. */
  #watch(signal: AbortSignal): void {
    const hear = (failure: Failure | null): void => {
      if (failure !== null && !signal.aborted && this.#get().deviceLost(failure)) void this.#again(signal)
    }
    this.#engine.call('untilLost', null).then(hear, () => undefined)
  }

  /** Loads again, behind what is just ending, unless another model is wanted by then. */
  async #again(signal: AbortSignal): Promise<void> {
    await this.#underWay
    if (!signal.aborted) await this.load()
  }

  /** Loads again when weights had gone bad and were mended; the engine has let go of the model by then. */
  #hearOfBadWeights(signal: AbortSignal): void {
    const hear = (bad: BadWeights | null): void => {
      if (bad !== null && !signal.aborted && this.#get().weightsBad(bad)) void this.#again(signal)
    }
    this.#engine.call('untilChecked', null).then(hear, () => undefined)
  }

  /** Says of the device whether steps are recorded, once the first of them has shown it. */
  #hearOfSteps(signal: AbortSignal): void {
    const hear = (recordsSteps: boolean | null): void => {
      const { model } = this.#get()
      if (recordsSteps === null || signal.aborted || model.status !== 'ready') return
      const { loaded } = model
      this.#set({
        model: { status: 'ready', loaded: { ...loaded, device: { ...loaded.device, recordsSteps } } },
      })
    }
    this.#engine.call('untilStepsKnown', null).then(hear, () => undefined)
  }
}
