/** Work passes while it is open, and waits while it is shut. */
import { orCancelled } from '../pack/failure.ts'

export class Gate {
  #passable: Promise<void> = Promise.resolve()
  #release: (() => void) | null = null

  /** Whoever waits goes on at once when it opens. */
  set(open: boolean): void {
    if (open) {
      this.#release?.()
      this.#release = null
    } else if (this.#release === null) this.#passable = new Promise((resolve) => (this.#release = resolve))
  }

  /** Rejects `cancelled` as soon as the signal fires. */
  pass(signal: AbortSignal): Promise<void> {
    return orCancelled(this.#passable, signal)
  }
}
