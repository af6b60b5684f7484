/** How far adding a model is, as the page is told. */
import type { AddProgress, FetchDelay } from '../protocol/keeper-calls.ts'
import type { Delay } from '../remote/retry.ts'

export type Report = (progress: AddProgress) => void

export interface WorkOptions {
  report: Report
  signal: AbortSignal
}

/** Why nothing comes from the server just now, as long as that lasts. A tree tells it to whoever listens by then. */
export class Delays {
  now: Delay | null = null
  #changed = (): void => undefined

  readonly note = (delay: Delay | null): void => {
    this.now = delay
    this.#changed()
  }

  listen(changed: () => void): void {
    this.#changed = changed
  }
}

export function fetchDelay(delay: Delay | null): FetchDelay | null {
  if (delay === null || delay.why === 'offline') return delay && 'offline'
  return { failure: delay.failure, seconds: Math.ceil((delay.ms ?? 0) / 1000) }
}
