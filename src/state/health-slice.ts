/** What goes wrong beneath a model (its graphics device goes away, its thread hangs), and what is held against it. */
import type { Note } from '../messages/note.ts'
import type { Failure } from '../pack/failure.ts'
import type { BadWeights } from '../protocol/engine-calls.ts'
import type { EngineAccess } from './engine-access.ts'
import { failureNote } from './failure-note.ts'
import type { GetState, SetState } from './store.ts'

export interface HealthSlice {
  /** How often the graphics device went away since the last finished answer. */
  losses: number
  /** Why the page began with another model than the one that was chosen; null when it did not. */
  setAside: Failure | null
  /** What was said when weights of the loaded model had gone bad and were mended; null when there was nothing. */
  mended: Failure | null
  /** Chooses the built-in model in place of one that the engine was lost in when it was used last. */
  setAsideUnresponsive: () => void
  /**
   * The graphics device went away. Ends the worker: it holds dead sessions, and a fresh one begins with nothing. Gives
   * whether to load again by itself: after the first loss, but not when it happens again before an answer was finished.
   */
  deviceLost: (failure: Failure) => boolean
  /**
   * Weights of the loaded model had gone bad where they are kept, so the engine let go of it. Gives whether to load it
   * again by itself.
   */
  weightsBad: (bad: BadWeights) => boolean
  /** The engine's worker did not end what it was told to end, so it is ended; people decide what is loaded next. */
  engineUnresponsive: (failure: Failure, isBlocked: boolean) => void
  /** The engine's thread has stopped answering while it works, or answers again. */
  engineBlocked: (isBlocked: boolean) => void
  /** The model in the engine is sound, whatever was held against it. */
  modelAnswered: () => void
  /** An answer was finished, so the device is sound, too. */
  answerFinished: () => void
}

/** `inEngine` gives the id of the model that is loaded or being loaded; null for the built-in one. */
export function healthSlice(
  set: SetState,
  get: GetState,
  engine: Pick<EngineAccess, 'restart'>,
  inEngine: () => string | null,
): HealthSlice {
  return {
    losses: 0,
    setAside: null,
    mended: null,
    setAsideUnresponsive() {
      const { settings, changeSettings } = get()
      if (settings.model === null || settings.model !== settings.unresponsive) return
      changeSettings({ model: null })
      set({ setAside: SET_ASIDE })
    },
    deviceLost(failure) {
      engine.restart(failure)
      const losses = get().losses + 1
      const loadsAgain = losses === 1
      const next: Note = loadsAgain
        ? { key: 'models:lost.loading' }
        : { key: 'models:lossesInARow', values: { count: losses } }
      set({
        ...{ model: { status: 'failed', failure }, losses },
        announcement: [{ key: 'models:lost.gone' }, next],
      })
      return loadsAgain
    },
    weightsBad({ failure, mended }) {
      set({
        model: { status: 'failed', failure },
        announcement: failureNote(failure),
        mended: mended ? failure : null,
      })
      return mended
    },
    engineUnresponsive(failure, isBlocked) {
      if (isBlocked) get().engineBlocked(true)
      engine.restart(failure)
      set({ model: { status: 'failed', failure }, announcement: failureNote(failure) })
    },
    engineBlocked(isBlocked) {
      const model = inEngine()
      // The built-in model is what there is otherwise.
      if (model !== null) get().changeSettings({ unresponsive: isBlocked ? model : null })
    },
    modelAnswered() {
      const model = inEngine()
      const { settings, changeSettings } = get()
      if (model !== null && settings.unresponsive === model) changeSettings({ unresponsive: null })
    },
    answerFinished() {
      get().modelAnswered()
      if (get().losses > 0) set({ losses: 0 })
    },
  }
}

const SET_ASIDE: Failure = {
  code: 'unresponsive',
  message:
    'The model that was chosen did not answer any more when it was used last, so the built-in one was loaded instead.',
}
