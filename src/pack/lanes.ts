/** How much of one thing is done at once. */

/**
 * Works through `items` in order, at most `lanes` of them at once. The first failure has the others stop through the
 * signal that `work` is given, nothing new is begun, and it is thrown once all have ended.
 */
export async function inLanes<T>(
  items: readonly T[],
  { lanes, signal }: { lanes: number; signal: AbortSignal },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  const onAbort = (): void => stop.abort()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) stop.abort()
  const pending = [...items]
  let first: { error: unknown } | null = null
  const lane = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const item = pending.shift()
      if (item === undefined) return
      try {
        await work(item, stop.signal)
      } catch (error) {
        first ??= { error }
        stop.abort()
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: lanes }, lane))
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
  throwFirst(first)
}

function throwFirst(first: { error: unknown } | null): void {
  if (first !== null) throw first.error
}
