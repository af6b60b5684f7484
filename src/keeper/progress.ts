/** How far adding a model is, in the words of the page. */
import type { AddProgress } from '../protocol/keeper-calls.ts'
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

export function delaySentence({ why, message, ms }: Delay): string {
  if (why === 'offline') return 'There is no connection; it goes on when there is one.'
  return `${message} Next attempt in ${Math.ceil((ms ?? 0) / 1000)} s.`
}
