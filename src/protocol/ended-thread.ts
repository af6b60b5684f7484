import type { Failure } from '../pack/failure.ts'

/** An `Event` or an `ErrorEvent`, which lib.dom promises to be the latter. */
interface EndOfWorker {
  type: string
  message?: string
}

/**
 * Why a thread is no more, from the `error` event of its worker. `thread` completes "The thread that …", `remedy` says what to
 * do in the imperative. An event without words is the browser's for a script that did not come: one that stops has some,
 * if empty.
 */
export function endOfThread(event: EndOfWorker, thread: string, remedy: string): Failure {
  if (event.message === undefined)
    return {
      code: 'network',
      message: `The part of this page that ${thread} could not be fetched; ${remedy} when you are online.`,
    }
  return {
    code: 'out-of-memory',
    message: `The thread that ${thread} stopped (${event.message || 'no reason given'}); ${remedy}.`,
  }
}
