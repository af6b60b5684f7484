/**
 * Captions of several pictures written together, in a turn of their own: as many as a batch has rows, and pictures of
 * the next being looked at meanwhile. What comes while it lasts joins, unless something else waits for its turn.
 */
import { CAPTIONS_TOGETHER } from '../protocol/engine-calls.ts'
import type { WorkTurns } from './work-turns.ts'

export class TogetherTurns {
  readonly #turns: WorkTurns
  #waiting: (() => Promise<void>)[] = []
  /** Tells the turn under way that something came. */
  #wake: (() => void) | null = null
  #asked = false

  constructor(turns: WorkTurns) {
    this.#turns = turns
  }

  /** Begins `work` when it has its turn, beside others of its kind. Settles as it does. */
  take<T>(work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push(async () => work().then(resolve, reject))
      if (this.#wake !== null) this.#wake()
      else this.#ask()
    })
  }

  #ask(): void {
    if (this.#asked) return
    this.#asked = true
    void this.#turns.take(() => this.#all())
  }

  async #all(): Promise<void> {
    this.#asked = false
    const underWay = new Set<Promise<void>>()
    const begin = (): void => {
      const work = this.#waiting.shift()
      if (work === undefined) return
      const done = work().then(() => void underWay.delete(done))
      underWay.add(done)
    }
    begin()
    while (underWay.size > 0) {
      while (this.#waiting.length > 0 && underWay.size < CAPTIONS_TOGETHER && !this.#turns.isWanted) begin()
      const woken = new Promise<void>((resolve) => (this.#wake = resolve))
      await Promise.race([...underWay, woken])
    }
    this.#wake = null
    if (this.#waiting.length > 0) this.#ask()
  }
}
