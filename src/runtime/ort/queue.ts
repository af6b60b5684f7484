/**
 * The one queue that all work of all sessions goes through: ONNX Runtime Web allows one session under creation at a
 * time and no overlapping runs.
 */
let queue: Promise<unknown> = Promise.resolve()

/** Does `work` behind everything that was handed over before, whether that failed or not. */
export function enqueue<T>(work: () => Promise<T>): Promise<T> {
  const result = queue.then(work)
  queue = result.catch(() => undefined)
  return result
}

/** Does a piece of work in the queue; what it throws can be told apart. See `Runtime.attempt`. */
export type Attempt = <T>(work: () => Promise<T>) => Promise<T>
