/** Has conversations written to where they are kept, each in the order of its changes, until nothing of it has changed meanwhile. */
import { toFailure, type Failure } from '../pack/failure.ts'
import { AGAIN_MS } from './patience.ts'

export interface WritingDownOptions {
  /** Writes a conversation as it is now. */
  keep: (id: string) => Promise<void>
  /** Tells what could not be kept, once for each change; null once all of that is kept after all. */
  say: (failure: Failure | null) => void
}

export class WritingDown {
  readonly #options: WritingDownOptions
  /** Conversations that are being written, and those among them that have changed again since. */
  readonly #writing = new Set<string>()
  readonly #changed = new Set<string>()
  /** Conversations of which something could not be kept. */
  readonly #unkept = new Set<string>()
  /** Those of them that have not changed since that was said. */
  readonly #said = new Set<string>()
  #later: ReturnType<typeof setTimeout> | undefined

  constructor(options: WritingDownOptions) {
    this.#options = options
  }

  save(id: string): void {
    this.#said.delete(id)
    this.#begin(id)
  }

  #begin(id: string): void {
    this.#changed.add(id)
    if (this.#writing.has(id)) return
    this.#writing.add(id)
    void this.#write(id)
  }

  /** Whether something of a conversation is still to be written. */
  isDue(id: string): boolean {
    return this.#changed.has(id) || this.#unkept.has(id)
  }

  /** Tries again what could not be kept: there may be room by now. */
  again(): void {
    for (const id of this.#unkept) this.#begin(id)
  }

  async #write(id: string): Promise<void> {
    while (this.#changed.delete(id))
      await this.#options.keep(id).then(
        () => this.#noteKept(id),
        (error: unknown) => this.#noteUnkept(id, toFailure(error)),
      )
    // In the same breath in which nothing more was found to write, so that no change slips by.
    this.#writing.delete(id)
    // What made room for this one may have made it for others.
    if (!this.#unkept.has(id)) this.again()
  }

  #noteUnkept(id: string, failure: Failure): void {
    this.#unkept.add(id)
    if (!this.#said.has(id)) this.#options.say(failure)
    this.#said.add(id)
    clearTimeout(this.#later)
    this.#later = setTimeout(() => this.again(), AGAIN_MS)
  }

  #noteKept(id: string): void {
    this.#said.delete(id)
    if (!this.#unkept.delete(id) || this.#unkept.size > 0) return
    clearTimeout(this.#later)
    this.#options.say(null)
  }
}
