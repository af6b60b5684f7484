import type { Failure } from '../pack/failure.ts'

/** An `Event` or an `ErrorEvent`, which lib.dom promises to be the latter. */
interface EndOfWorker {
  type: string
  message?: string
}

/**
 * What V8, SpiderMonkey and JavaScriptCore say of memory that they did not get: "Array buffer allocation failed", "could not
 * allocate memory", "allocation size overflow", "out of memory". A RangeError alone may be a stack that is too deep.
 */
const OF_MEMORY = /out of memory|allocat/i

/**
 * Why a thread is no more, from the `error` event of its worker. `thread` completes "The thread that …", `remedy` says what to
 * do in the imperative. An event without words is the browser's for a script that did not come: one that stops has some,
 * if empty. That memory was short is said only where those words say it.
 */
export function endOfThread(event: EndOfWorker, thread: string, remedy: string): Failure {
  if (event.message === undefined)
    return {
      code: 'network',
      message: `The part of this page that ${thread} could not be fetched; ${remedy} when you are online.`,
    }
  return {
    code: OF_MEMORY.test(event.message) ? 'out-of-memory' : 'unresponsive',
    message: `The thread that ${thread} stopped (${event.message || 'no reason given'}); ${remedy}.`,
  }
}
