/** Reads what is kept here and, where nothing can be opened for want of room, reads it again after a while: it is not gone. */
import { toFailure, type Failure } from '../pack/failure.ts'
import { AGAIN_MS } from './patience.ts'

export interface ReadingOptions {
  read: () => Promise<void>
  /** What is said of a failure just now, of whatever kind. */
  said: () => Failure | null
  /** Says why it cannot be read; null once it can after all. */
  say: (failure: Failure | null) => void
}

export class Reading {
  readonly #options: ReadingOptions
  /** Why it could not be read the last time. */
  #unread: Failure | null = null
  #later: ReturnType<typeof setTimeout> | undefined

  constructor(options: ReadingOptions) {
    this.#options = options
  }

  async run(): Promise<void> {
    const { read, said, say } = this.#options
    clearTimeout(this.#later)
    try {
      await read()
      if (this.#unread !== null && said() === this.#unread) say(null)
      this.#unread = null
    } catch (error) {
      this.#unread = toFailure(error)
      say(this.#unread)
      // A browser opens nothing on a disk without one block left.
      if (this.#unread.code === 'no-space') this.#later = setTimeout(() => void this.run(), AGAIN_MS)
    }
  }
}
