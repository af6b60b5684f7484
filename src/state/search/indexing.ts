/** Brings sources up to date one after the other, in the background, and stops in between when told to. */
import { toFailure, type Failure } from '../../pack/failure.ts'
import type { Comparing } from './comparing.ts'
import type { Search } from './search-slice.ts'

export interface IndexingView {
  show: (part: Partial<Pick<Search, 'indexing' | 'waiting' | 'paused'>>) => void
  fail: (failure: Failure) => void
  onIndexed: () => Promise<void>
}

export class Indexing {
  readonly #comparing: Comparing
  readonly #view: IndexingView
  #waiting: string[] = []
  #running: { source: string; stop: AbortController; ended: Promise<void> } | null = null
  #paused = false

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

  /** Leaves a source alone, and resolves when nothing is done with it any more. */
  async leave(source: string): Promise<void> {
    this.#waiting = this.#waiting.filter((one) => one !== source)
    const running = this.#running
    if (running?.source === source) {
      running.stop.abort('left')
      await running.ended
    }
    this.#show()
  }

  async leaveAll(): Promise<void> {
    this.#waiting = []
    if (this.#running !== null) await this.leave(this.#running.source)
  }

  #next(): void {
    const [source] = this.#waiting
    if (this.#running === null && !this.#paused && source !== undefined) {
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
      await this.#comparing.call('index', { source }, { onEvent, signal })
    } catch (error) {
      const failure = toFailure(error)
      if (failure.code !== 'cancelled') this.#view.fail(failure)
      // A pause: it is the first to go on.
      else if (signal.reason !== 'left') this.#waiting = [source, ...this.#waiting]
    }
    this.#running = null
    this.#next()
    // Nobody waits for what is only shown.
    this.#view.onIndexed().catch((error: unknown) => this.#view.fail(toFailure(error)))
  }

  #show(): void {
    this.#view.show({
      ...(this.#running === null && { indexing: null }),
      waiting: [...this.#waiting],
      paused: this.#paused,
    })
  }
}
