/**
 * The engine as slices see it: one client after another. A thread that is told to end something and does not answer in
 * time (a graph that is folded for hours, a pattern that backtracks for ever) is ended itself.
 */
import type { Failure } from '../pack/failure.ts'
import type { EngineCalls } from '../protocol/engine-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import { isIn } from './patience.ts'

export interface Engine {
  client: Client<EngineCalls>
  /** Ends the worker, fails its calls, and starts a fresh one, whose client takes the old one's place. */
  restart(failure: Failure): Client<EngineCalls>
}

export interface EngineAccess extends Pick<Client<EngineCalls>, 'call'> {
  /** Lets go of the loaded model. Never rejects: a thread that cannot do it is ended with the model in it. */
  unload(): Promise<void>
  restart(failure: Failure): void
}

export interface EngineWatch {
  /** How long a thread has for an answer. */
  patienceMs: number
  /** It did not end in time what it was told to end. `isBlocked`: it answered nothing else either. */
  onUnresponsive: (failure: Failure, isBlocked: boolean) => void
  /** In the midst of its work it has stopped answering, or answers again. */
  onBlocked: (isBlocked: boolean) => void
}

/** Calls that compute, so that a thread may be lost in them. */
const LONG_CALLS: readonly (keyof EngineCalls)[] = ['load', 'look', 'answer', 'changeMemory']

export function engineAccess(engine: Engine, watch: EngineWatch): EngineAccess {
  const { patienceMs } = watch
  let client = engine.client
  let underWay = 0
  let isWatched = false

  /** Whether the thread answers in time. One that died is no matter of patience. */
  const answers = (): Promise<boolean> => isIn(client.call('ping', null), patienceMs)

  /** `call` was told to end, so it has to settle in time. */
  async function expectEnd(call: Promise<unknown>): Promise<void> {
    const asked = client
    const [ended, alive] = await Promise.all([isIn(call, patienceMs), answers()])
    // Another call may have ended the thread meanwhile.
    if (ended || asked !== client) return
    const seconds = Math.round(patienceMs / 1000)
    const message = `The model did not stop within ${seconds} seconds, so it was ended; load it again or use another one.`
    watch.onUnresponsive({ code: 'unresponsive', message }, !alive)
  }

  /** Looks now and then, as long as something is under way, whether the thread still answers. */
  async function lookAfter(): Promise<void> {
    if (isWatched) return
    isWatched = true
    for (;;) {
      await delay(patienceMs)
      if (underWay === 0) break
      const answer = client.call('ping', null)
      if (await isIn(answer, patienceMs)) continue
      watch.onBlocked(true)
      await answer.then(
        () => watch.onBlocked(false),
        () => undefined,
      )
    }
    isWatched = false
  }

  return {
    call(kind, input, options = {}) {
      const result = client.call(kind, input, options)
      const { signal } = options
      const onAbort = (): void => void expectEnd(result)
      if (signal?.aborted === true) onAbort()
      signal?.addEventListener('abort', onAbort, { once: true })
      const isLong = LONG_CALLS.includes(kind)
      if (isLong) underWay += 1
      const onSettled = (): void => {
        signal?.removeEventListener('abort', onAbort)
        if (isLong) underWay -= 1
      }
      result.then(onSettled, onSettled)
      if (isLong) void lookAfter()
      return result
    },
    async unload() {
      const unloading = client.call('unload', null)
      void expectEnd(unloading)
      // Where the thread was ended the model went with it.
      await unloading.catch(() => undefined)
    },
    restart(failure) {
      client = engine.restart(failure)
    },
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
