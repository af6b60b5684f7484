import { toFailure, type Failure } from '../pack/failure.ts'
import type { LoadedModel, LoadProgress, PackPlace, Provider } from '../protocol/calls.ts'
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

  /** The first loss is mended at once; when it happens again before an answer was finished, people decide. */
  function lost(failure: Failure): void {
    // A worker whose device is gone holds dead sessions; a fresh one begins with nothing.
    engine.restart(failure)
    const losses = get().losses + 1
    set({ model: { status: 'failed', failure }, losses, announcement: failure.message })
    if (losses === 1) void get().loadModel()
  }

  function watch(): void {
    engine.call('untilLost', null).then(lost, () => undefined)
  }

  return {
    model: { status: 'absent' },
    losses: 0,
    async loadModel() {
      if (get().model.status === 'loading') return
      if (died !== null) engine.restart(died)
      died = null
      set({ model: { status: 'loading', progress: null } })
      const onEvent = (progress: LoadProgress): void => set({ model: { status: 'loading', progress } })
      try {
        const input = { pack: placeOf(get().settings.model), prefer: get().settings.prefer }
        const loaded = await engine.call('load', input, { onEvent })
        set({ model: { status: 'ready', loaded } })
        watch()
        void get().answerWaiting()
      } catch (error) {
        set({ model: { status: 'failed', failure: toFailure(error) } })
      }
    },
    async changeModel(id) {
      get().changeSettings({ model: id })
      await get().loadModel()
    },
    async switchProvider(prefer) {
      get().changeSettings({ prefer })
      await get().loadModel()
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
