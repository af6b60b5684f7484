import type { Runtime } from './runtime.ts'
import type { Session } from './session.ts'
import { disposeTensors, type DeviceTensor } from './tensor.ts'

export interface RunOptions {
  /** Cancels opening. A run that has begun is not cut short. */
  signal?: AbortSignal | undefined
  /** Told when the session has to be opened before the run. */
  onOpening?: (() => void) | undefined
  /** Told behind `onOpening`, when it is open. */
  onOpened?: (() => void) | undefined
}

/**
 * A graph whose session need not exist all the time: it is opened when it is run, and released behind the run unless
 * it is to be kept. One piece of work at a time, so nothing is released under a run. A failed opening leaves it closed,
 * and the next run tries again.
 */
export class OnDemandSession {
  readonly #runtime: Runtime
  readonly #openSession: (signal: AbortSignal | undefined) => Promise<Session>
  #session: Session | null = null
  #keep = true
  #lastTurn: Promise<unknown> = Promise.resolve()

  constructor(runtime: Runtime, openSession: (signal: AbortSignal | undefined) => Promise<Session>) {
    this.#runtime = runtime
    this.#openSession = openSession
  }

  get isOpen(): boolean {
    return this.#session !== null
  }

  async open(signal: AbortSignal | undefined): Promise<void> {
    await this.#inTurn(() => this.#opened({ signal }))
  }

  /** Whether the session stays behind a run. When not, one that is open is released at once, or behind the next run. */
  async keepOpen(keep: boolean, { now = true } = {}): Promise<void> {
    this.#keep = keep
    if (now) await this.#inTurn(() => this.#releaseUnlessKept())
  }

  /** Runs the graph. What comes out is the caller's and outlives the session. */
  run(feeds: Record<string, DeviceTensor>, options: RunOptions = {}): Promise<Record<string, DeviceTensor>> {
    return this.#inTurn(async () => {
      const session = await this.#opened(options)
      try {
        return await this.#copied(await session.run(feeds))
      } finally {
        await this.#releaseUnlessKept()
      }
    })
  }

  /** Releases the session for good. */
  dispose(): Promise<void> {
    return this.keepOpen(false)
  }

  async #opened({ signal, onOpening, onOpened }: RunOptions): Promise<Session> {
    if (this.#session === null) {
      onOpening?.()
      this.#session = await this.#openSession(signal)
      onOpened?.()
    }
    return this.#session
  }

  async #releaseUnlessKept(): Promise<void> {
    const session = this.#session
    if (this.#keep || session === null) return
    this.#session = null
    await session.dispose()
  }

  /** Into memory of our own: what ONNX Runtime gives its outputs belongs to the session that may be gone before them. */
  async #copied(outputs: Record<string, DeviceTensor>): Promise<Record<string, DeviceTensor>> {
    const copies: Record<string, DeviceTensor> = {}
    try {
      for (const [name, tensor] of Object.entries(outputs))
        copies[name] = await this.#runtime.repeat(tensor, 1)
      return copies
    } catch (error) {
      disposeTensors(copies)
      throw error
    } finally {
      disposeTensors(outputs)
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#lastTurn.then(work)
    this.#lastTurn = result.catch(() => undefined)
    return result
  }
}
