/**
 * One look at one picture, for everybody who wants it. It begins when the turn of one of them has come, and is given up
 * when nobody wants it any more.
 */
import { AppError, orCancelled, throwIfCancelled } from '../pack/failure.ts'
import type { LookProgress } from '../protocol/engine-calls.ts'

export type ReportLook = (event: LookProgress) => void

export interface JoinOptions {
  /** An answer waits for it, so it is not given up for another picture. */
  urgent: boolean
  signal: AbortSignal
}

export class SharedLook<T> {
  readonly #work: (report: ReportLook, signal: AbortSignal) => Promise<T>
  readonly #abort = new AbortController()
  readonly #wanting = new Set<{ urgent: boolean; report: ReportLook }>()
  readonly #result: Promise<T>
  #settle: (result: Promise<T>) => void = () => undefined
  #running: Promise<T> | null = null
  /** The last that was told of it, for who comes later. */
  #last: LookProgress | null = null

  constructor(work: (report: ReportLook, signal: AbortSignal) => Promise<T>) {
    this.#work = work
    this.#result = new Promise<T>((resolve) => (this.#settle = resolve))
    // Whoever wants it hears of its failure; when nobody does any more, nobody needs to.
    this.#result.catch(() => undefined)
  }

  /** Only looks ahead wait for it. */
  get canWait(): boolean {
    return [...this.#wanting].every(({ urgent }) => !urgent)
  }

  get hasBegun(): boolean {
    return this.#running !== null
  }

  /** It was given up, so whoever comes now needs another. */
  get isCut(): boolean {
    return this.#abort.signal.aborted
  }

  /** What the look gives; `report` is told how it goes from here on. Rejects `cancelled` as soon as the signal fires. */
  async join(report: ReportLook, { urgent, signal }: JoinOptions): Promise<T> {
    throwIfCancelled(signal)
    const own = { urgent, report }
    this.#wanting.add(own)
    if (this.#last !== null) report(this.#last)
    try {
      return await orCancelled(this.#result, signal)
    } finally {
      this.#wanting.delete(own)
      if (this.#wanting.size === 0) this.cut()
    }
  }

  /** Looks, if that was not done yet and is still wanted. Settles when nothing of it is under way; never rejects. */
  async begin(): Promise<void> {
    if (this.#running === null) {
      if (this.isCut) return
      this.#running = this.#work((event) => this.#tell(event), this.#abort.signal)
      this.#settle(this.#running)
    }
    await this.#running.catch(() => undefined)
  }

  /** Gives it up, for everybody: whoever waits for it hears `cancelled`. Once it is done this changes nothing. */
  cut(): void {
    this.#abort.abort()
    if (this.#running === null) this.#settle(Promise.reject(new AppError('cancelled', 'Stopped.')))
  }

  #tell(event: LookProgress): void {
    this.#last = event
    for (const { report } of this.#wanting) report(event)
  }
}
