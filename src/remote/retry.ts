/** Tries again what may succeed the next time: exponential backoff with jitter, and whatever the server asks for. */
import { AppError, throwIfCancelled, toFailure, type Failure, type FailureCode } from '../pack/failure.ts'
import { LEAST_BYTES, type Network } from './network.ts'

/** A failure that may pass. Everything else is final. */
export class TemporaryError extends AppError {
  /** How long the server asks us to wait, in milliseconds; null when it does not say. */
  readonly retryAfterMs: number | null

  constructor(
    code: FailureCode,
    message: string,
    options: ErrorOptions & { retryAfterMs?: number | null } = {},
  ) {
    super(code, message, options)
    this.retryAfterMs = options.retryAfterMs ?? null
  }
}

/** Why nothing arrives just now. */
export interface Delay {
  why: 'offline' | 'retry'
  /** Until the next attempt; null while offline. */
  ms: number | null
  failure: Failure
}

export interface RetryOptions {
  signal?: AbortSignal | undefined
  /** Bytes that have come: an attempt that brought enough of them is not held against the server. */
  progress?: () => number
  onDelay?: ((delay: Delay | null) => void) | undefined
}

const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 30_000
/** A server that wants us to stay away for longer is busy in a way that a person should hear of. */
const LONGEST_RETRY_AFTER_MS = 120_000

export async function withRetries<T>(
  network: Network,
  attempt: () => Promise<T>,
  { signal, progress = () => 0, onDelay }: RetryOptions = {},
): Promise<T> {
  let failures = 0
  let furthest = progress()
  for (;;) {
    throwIfCancelled(signal)
    try {
      return await attempt()
    } catch (error) {
      throwIfCancelled(signal)
      if (!(error instanceof TemporaryError)) throw error
      if (!network.online()) {
        onDelay?.({ why: 'offline', ms: null, failure: toFailure(error) })
        await network.whenOnline(signal)
        onDelay?.(null)
        continue
      }
      // A few bytes, again and again, would go on for ever.
      failures = progress() - furthest >= LEAST_BYTES ? 1 : failures + 1
      furthest = Math.max(furthest, progress())
      const asked = error.retryAfterMs ?? 0
      if (failures >= network.attempts || asked > LONGEST_RETRY_AFTER_MS) throw error
      const ms = Math.max(asked, delayMs(failures, network.random()))
      onDelay?.({ why: 'retry', ms, failure: toFailure(error) })
      await network.wait(ms, signal)
      onDelay?.(null)
    }
  }
}

/** Between half of the backoff and all of it: spread out, but never nothing. */
function delayMs(failures: number, random: number): number {
  return ((1 + random) / 2) * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1))
}

/**
 * `Retry-After` in milliseconds from now: seconds or a date (RFC 9110, 10.2.3); null for anything else. A date is meant
 * by the server's clock, which its answer's `Date` tells; by ours where that is hidden or nonsense.
 */
export function retryAfterMs(
  header: string | null,
  answered: string | null,
  nowMs = Date.now(),
): number | null {
  if (header === null) return null
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  if (Number.isNaN(date)) return null
  const now = Date.parse(answered ?? '')
  return Math.max(0, date - (Number.isNaN(now) ? nowMs : now))
}

/** The rest of "try again …", without more digits than anybody believes. */
export function whenToTryAgain(ms: number | null): string {
  if (ms === null || ms === 0) return 'later'
  const seconds = Math.ceil(ms / 1000)
  if (seconds <= 120) return `in ${seconds} second${seconds === 1 ? '' : 's'}`
  if (seconds <= 2 * 3600) return `in ${Math.ceil(seconds / 60)} minutes`
  if (seconds <= 24 * 3600) return `in ${Math.ceil(seconds / 3600)} hours`
  return 'in more than a day'
}
