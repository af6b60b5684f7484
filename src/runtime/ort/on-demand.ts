/** What need not be open all the time. */
export interface RunOptions {
  /** Cancels opening. A run that has begun is not cut short. */
  signal?: AbortSignal | undefined
  /** Told when it has to be opened before the run. */
  onOpening?: (() => void) | undefined
  /** Told behind `onOpening`, when it is open. */
  onOpened?: (() => void) | undefined
}

/**
 * Something that holds memory and need not exist all the time: it is opened when it is used, and released behind that
 * unless it is to be kept. One piece of work at a time, so nothing is released under a run. A failed opening leaves it
 * closed, and the next use tries again.
 */
export class OnDemand<T extends { dispose(): Promise<void> }> {
  readonly #open: (signal: AbortSignal | undefined) => Promise<T>
  #opened: T | null
  #keep = true
  #lastTurn: Promise<unknown> = Promise.resolve()

  /** `opened` is taken over; left out: nothing is open. */
  constructor(open: (signal: AbortSignal | undefined) => Promise<T>, opened: T | null = null) {
    this.#open = open
    this.#opened = opened
  }

  get isOpen(): boolean {
    return this.#opened !== null
  }

  async open(signal: AbortSignal | undefined): Promise<void> {
    await this.#inTurn(() => this.#whenOpen({ signal }))
  }

  /** Whether it stays behind a run. When not, what is open is released at once, or behind the next run. */
  async keepOpen(keep: boolean, { now = true } = {}): Promise<void> {
    this.#keep = keep
    if (now) await this.#inTurn(() => this.#releaseUnlessKept())
  }

  /** Does `work` with what is open. */
  use<R>(work: (opened: T) => Promise<R>, options: RunOptions = {}): Promise<R> {
    return this.#inTurn(async () => {
      const opened = await this.#whenOpen(options)
      try {
        return await work(opened)
      } finally {
        await this.#releaseUnlessKept()
      }
    })
  }

  /** Releases it for good. */
  dispose(): Promise<void> {
    return this.keepOpen(false)
  }

  async #whenOpen({ signal, onOpening, onOpened }: RunOptions): Promise<T> {
    if (this.#opened === null) {
      onOpening?.()
      this.#opened = await this.#open(signal)
      onOpened?.()
    }
    return this.#opened
  }

  async #releaseUnlessKept(): Promise<void> {
    const opened = this.#opened
    if (this.#keep || opened === null) return
    this.#opened = null
    await opened.dispose()
  }

  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const result = this.#lastTurn.then(work)
    this.#lastTurn = result.catch(() => undefined)
    return result
  }
}
