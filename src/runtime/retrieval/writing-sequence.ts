/**
 * Writing with the Q-Former of stage 1, as a sequence that decoding can work with. Nothing is cached: each step runs the
 * whole text again behind the queries. A caption has a dozen words, and what is run is a twentieth of one look at the
 * picture.
 */
import type { Begun, Branches, Logits, Sequence } from '../language/language-model.ts'

/** Logits [vocabulary] of what may follow each of the texts, which are ids, all of one length. */
export type NextWords = (texts: readonly (readonly number[])[]) => Promise<Logits[]>

export class WritingSequence implements Sequence {
  readonly #next: NextWords
  readonly #queries: number
  #prompt: readonly number[] = []
  #answer: number[] = []

  /** `queries`: rows that stand before the text. */
  constructor(next: NextWords, queries: number) {
    this.#next = next
    this.#queries = queries
  }

  async begin(prompt: readonly number[]): Promise<Begun> {
    this.#prompt = prompt
    this.#answer = []
    return { logits: await this.#last(), ran: this.#queries + prompt.length }
  }

  step(token: number): Promise<Logits> {
    this.#answer.push(token)
    return this.#last()
  }

  rewind(count: number): Promise<void> {
    this.#answer.length = Math.min(count, this.#answer.length)
    return Promise.resolve()
  }

  fork(count: number): Promise<Branches> {
    const text = [...this.#prompt, ...this.#answer]
    let rows = Array.from({ length: count }, () => text)
    return Promise.resolve({
      step: async (tokens, parents) => {
        rows = tokens.map((token, i) => [...(rows[parents?.[i] ?? i] ?? text), token])
        return joined(await this.#next(rows))
      },
      dispose: () => undefined,
    })
  }

  dispose(): void {
    this.#answer = []
  }

  async #last(): Promise<Logits> {
    return joined(await this.#next([[...this.#prompt, ...this.#answer]]))
  }
}

/** Rows one behind the other; a single one is given as it is. */
export function joined(rows: readonly Float32Array<ArrayBuffer>[]): Float32Array<ArrayBuffer> {
  const [first] = rows
  if (first !== undefined && rows.length === 1) return first
  const all = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0))
  let end = 0
  for (const row of rows) {
    all.set(row, end)
    end += row.length
  }
  return all
}
