/** Who may go next, when many want to and only some can: whoever had least so far. */
export class FairTurns {
  readonly #most: number
  #running = 0
  #waiting: { had: number; begin: () => void }[] = []

  constructor(most: number) {
    this.#most = most
  }

  /** Runs `work` once fewer than the most are running; `had` says how much its owner has had already. */
  async take<T>(had: number, work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) await new Promise<void>((begin) => this.#enqueue(had, begin))
    else this.#running += 1
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      // The turn passes on without becoming free in between.
      if (next === undefined) this.#running -= 1
      else next.begin()
    }
  }

  #enqueue(had: number, begin: () => void): void {
    const behind = this.#waiting.findIndex((other) => other.had > had)
    this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, { had, begin })
  }
}
