/**
 * The outside world as far as reading from servers needs it. Handed in, so that a test can answer, wait and be offline
 * as it likes.
 */
import { AppError } from '../pack/failure.ts'

export interface Network {
  fetch(url: URL, init: RequestInit): Promise<Response>
  /** Resolves after `ms` milliseconds; rejects with `cancelled` once the signal fires. */
  wait(ms: number, signal: AbortSignal | undefined): Promise<void>
  /** 0 ≤ value < 1: spreads retries, so that many visitors do not come back at the same moment. */
  random(): number
  /** Milliseconds of a clock that never goes back. */
  now(): number
  /** False when the device knows that it has no connection. */
  online(): boolean
  /** Resolves when there is a connection again. */
  whenOnline(signal: AbortSignal | undefined): Promise<void>
  /** A server that sends nothing for this long, or too little (`patience.ts`), is given up, in milliseconds. */
  stallMs: number
  /** Attempts in a row that get nowhere before a server is given up (`retry.ts`). */
  attempts: number
  /**
   * Where the page that asks comes from: of other servers its browser asks whether it may read from them, and does not tell
   * when they say no (CORS). Null for a program, which asks nobody.
   */
  pageOrigin: string | null
}

const STALL_MS = 30_000
/** Between six attempts lie 8 to 15 seconds. */
const ATTEMPTS = 6

/**
 * What a server must send, at the least, in each `stallMs` that are spent waiting for it: 546 bytes a second for one
 * request. Four at once still pass on a line of 2.2 kB/s, slower than the slowest mobile one (GPRS); a server that sends
 * a byte now and then to keep us waiting does not.
 */
export const LEAST_BYTES = 2 ** 14

/** The network of a program that cannot tell whether it is online: Node, or a test. */
export function plainNetwork(overrides: Partial<Network> = {}): Network {
  return {
    fetch: (url, init) => fetch(url, init),
    wait,
    random: () => Math.random(),
    now: () => performance.now(),
    online: () => true,
    whenOnline: () => Promise.resolve(),
    stallMs: STALL_MS,
    attempts: ATTEMPTS,
    pageOrigin: null,
    ...overrides,
  }
}

/** What somebody in front of the screen waits for is given up sooner than a download that goes on by itself. */
const WAITED_FOR = { stallMs: 8_000, attempts: 2 }

/** The network for a question that somebody waits for: it is not waited for a connection, and briefly for servers. */
export function waitedFor(network: Network): Network {
  return {
    ...network,
    stallMs: Math.min(network.stallMs, WAITED_FOR.stallMs),
    attempts: Math.min(network.attempts, WAITED_FOR.attempts),
    whenOnline: () =>
      Promise.reject(
        new AppError(
          'network',
          'There is no connection, and this model is not kept on this device; look at it again when there is one.',
        ),
      ),
  }
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer)
      reject(new AppError('cancelled', 'Stopped.'))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}
