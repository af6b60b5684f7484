/** Brings sources up to date one after the other, in the background, and stops in between when told to. */
import { toFailure, type Failure } from '../../pack/failure.ts'
import type { Comparing } from './comparing.ts'
import type { Search } from './search-slice.ts'

export interface IndexingView {
  show: (part: Partial<Pick<Search, 'indexing' | 'waiting' | 'paused'>>) => void
  fail: (failure: Failure) => void
  /** Never rejects. */
  onIndexed: () => Promise<void>
}

export class Indexing {
  readonly #comparing: Comparing
  readonly #view: IndexingView
  #waiting: string[] = []
  #running: { source: string; stop: AbortController; ended: Promise<void> } | null = null
  #paused = false
  /** How many works are done that nothing may be indexed beside. */
  #aside = 0
  #held = false

  constructor(comparing: Comparing, view: IndexingView) {
    this.#comparing = comparing
    this.#view = view
  }

  /** A source that is brought up to date already is not begun again. */
  add(source: string): void {
    if (this.#running?.source === source || this.#waiting.includes(source)) return
    this.#waiting.push(source)
    this.#next()
  }

  /** What is done stays done. */
  pause(): void {
    this.#paused = true
    this.#running?.stop.abort()
    this.#show()
  }

  resume(): void {
    this.#paused = false
    this.#next()
  }

  /** While an answer is written no further picture is looked at; what is under way stays so. */
  hold(held: boolean): void {
    this.#held = held
    if (this.#running !== null) void this.#tellHeld().catch(() => undefined)
  }

  /** Does `work` while nothing is indexed. Sources that it `leaves` are not gone on with afterwards; the others are. */
  async aside<T>(leaves: (source: string) => boolean, work: () => Promise<T>): Promise<T> {
    this.#aside += 1
    try {
      this.#running?.stop.abort()
      await this.#running?.ended
      this.#waiting = this.#waiting.filter((source) => !leaves(source))
      this.#show()
      return await work()
    } finally {
      this.#aside -= 1
      this.#next()
    }
  }

  #next(): void {
    const [source] = this.#waiting
    if (this.#running === null && !this.#paused && this.#aside === 0 && source !== undefined) {
      this.#waiting = this.#waiting.slice(1)
      const stop = new AbortController()
      this.#running = { source, stop, ended: this.#index(source, stop.signal) }
    }
    this.#show()
  }

  async #index(source: string, signal: AbortSignal): Promise<void> {
    this.#view.show({ indexing: { source, progress: null } })
    try {
      const onEvent = (progress: NonNullable<Search['indexing']>['progress']): void =>
        this.#view.show({ indexing: { source, progress } })
      await this.#tellHeld()
      await this.#comparing.call('index', { source }, { onEvent, signal })
    } catch (error) {
      const failure = toFailure(error)
      if (failure.code !== 'cancelled') this.#view.fail(failure)
      // Something comes between: it is the first to go on.
      else this.#waiting = [source, ...this.#waiting]
    }
    this.#running = null
    this.#next()
    // Nobody waits for what is only shown.
    void this.#view.onIndexed()
  }

  async #tellHeld(): Promise<void> {
    await this.#comparing.call('holdIndexing', { held: this.#held })
  }

  #show(): void {
    this.#view.show({
      ...(this.#running === null && { indexing: null }),
      waiting: [...this.#waiting],
      paused: this.#paused,
    })
  }
}
