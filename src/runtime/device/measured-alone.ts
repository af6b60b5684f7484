/**
 * Measuring a device while no other tab of the page does: two that load at once would time each other, and find out twice
 * what is remembered for both. Where a browser has no Web Locks, or withholds them, everybody measures all the same.
 */
import { throwIfCancelled } from '../../pack/failure.ts'

const NAME = 'pictalk-measures-a-device'

/** Longer than a measurement takes on a card. Whoever holds it longer may hang, and no load waits for that. */
const MOST_MS = 20_000

/** What we use of `navigator.locks`. */
export interface MeasuringLocks {
  request<T>(name: string, options: { signal: AbortSignal }, granted: () => Promise<T>): Promise<T>
}

export interface AloneOptions {
  signal?: AbortSignal | undefined
  /** Null where there are none. */
  locks?: MeasuringLocks | null
  /** What others are waited for, in milliseconds. */
  mostMs?: number
}

/**
 * As `work`, once no other measures; it is told where it was waited for in vain, and another is at it still. Nothing that
 * `work` waits for may measure alone by itself. Rejects `cancelled` where the signal fires before it begins.
 */
export async function measuredAlone<T>(
  work: (another: boolean) => Promise<T>,
  { signal, locks = locksHere(), mostMs = MOST_MS }: AloneOptions = {},
): Promise<T> {
  throwIfCancelled(signal)
  if (locks === null) return work(false)
  const patience = new AbortController()
  const end = (): void => patience.abort()
  const timer = setTimeout(end, mostMs)
  signal?.addEventListener('abort', end)
  let measured: PromiseSettledResult<T>
  try {
    // What goes wrong in the measurement itself is told from a lock that did not come.
    measured = await locks.request(NAME, { signal: patience.signal }, async () => {
      const [done] = await Promise.allSettled([work(false)])
      return done
    })
  } catch {
    throwIfCancelled(signal)
    return await work(patience.signal.aborted)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', end)
  }
  if (measured.status === 'rejected') throw measured.reason
  return measured.value
}

function locksHere(): MeasuringLocks | null {
  const { navigator } = globalThis as { navigator?: { locks?: MeasuringLocks } }
  return navigator?.locks ?? null
}
