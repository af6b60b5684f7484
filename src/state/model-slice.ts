import { toFailure, type Failure } from '../pack/failure.ts'
import type { LoadedModel, LoadProgress, Provider } from '../protocol/calls.ts'
import type { EngineAccess, GetState, SetState } from './store.ts'

export type ModelState =
  | { status: 'absent' }
  | { status: 'loading'; progress: LoadProgress | null }
  | { status: 'ready'; loaded: LoadedModel }
  | { status: 'failed'; failure: Failure }

export interface ModelSlice {
  model: ModelState
  /** Loads the built-in model on what the settings prefer. */
  loadModel: () => Promise<void>
  /** Loads it again elsewhere: on the graphics card or on the processor. */
  switchProvider: (prefer: Provider) => Promise<void>
  /** The engine's worker died: calls have failed already, and the next load starts a new one. */
  engineDied: (failure: Failure) => void
}

export function modelSlice(
  set: SetState,
  get: GetState,
  engine: EngineAccess,
  builtInModelUrl: string,
): ModelSlice {
  let died = false
  return {
    model: { status: 'absent' },
    async loadModel() {
      if (get().model.status === 'loading') return
      if (died) engine.restart()
      died = false
      set({ model: { status: 'loading', progress: null } })
      const onEvent = (progress: LoadProgress): void => set({ model: { status: 'loading', progress } })
      try {
        const input = { packUrl: builtInModelUrl, prefer: get().settings.prefer }
        const loaded = await engine.call('load', input, { onEvent })
        set({ model: { status: 'ready', loaded } })
        void get().answerWaiting()
      } catch (error) {
        set({ model: { status: 'failed', failure: toFailure(error) } })
      }
    },
    async switchProvider(prefer) {
      get().changeSettings({ prefer })
      await get().loadModel()
    },
    engineDied(failure) {
      died = true
      set({ model: { status: 'failed', failure } })
    },
  }
}
