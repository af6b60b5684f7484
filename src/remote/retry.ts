/** Tries again what may succeed the next time: exponential backoff with jitter, and whatever the server asks for. */
import { AppError, throwIfCancelled, type FailureCode } from '../pack/failure.ts'
import type { Network } from './network.ts'

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
  message: string
}

export interface RetryOptions {
  signal?: AbortSignal | undefined
  /** Grows while things go well: an attempt that got further than the last is not held against the server. */
  progress?: () => number
  onDelay?: ((delay: Delay | null) => void) | undefined
}

/** Attempts in a row that get nowhere before we give up: some 15 seconds of waiting without jitter. */
const ATTEMPTS = 6
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
        onDelay?.({ why: 'offline', ms: null, message: error.message })
        await network.whenOnline(signal)
        onDelay?.(null)
        continue
      }
      failures = progress() > furthest ? 1 : failures + 1
      furthest = Math.max(furthest, progress())
      if (failures >= ATTEMPTS || (error.retryAfterMs ?? 0) > LONGEST_RETRY_AFTER_MS) throw error
      const ms = error.retryAfterMs ?? delayMs(failures, network.random())
      onDelay?.({ why: 'retry', ms, message: error.message })
      await network.wait(ms, signal)
      onDelay?.(null)
    }
  }
}

/** "Full jitter": anything between nothing and the backoff. */
function delayMs(failures: number, random: number): number {
  return random * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1))
}

/** `Retry-After` in milliseconds from now: seconds or a date (RFC 9110, 10.2.3); null for anything else. */
export function retryAfterMs(header: string | null, nowMs = Date.now()): number | null {
  if (header === null) return null
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? null : Math.max(0, date - nowMs)
}
