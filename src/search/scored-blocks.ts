/** The vectors of all blocks in one memory, where the kernel scores them: 10,000 pictures of 32 × 256 take 83 MB. */
import { AppError } from '../pack/failure.ts'
import type { Block, RoundedVectors } from './entries.ts'
import { largestText, scoreKernel, STEP, type Score } from './kernel.ts'

const PAGE_BYTES = 65_536

/** Where the text and the scores of one block lie, before the blocks. */
interface Layout {
  text: number
  out: number
  blocks: number
  blockBytes: number
}

export class ScoredBlocks {
  readonly #queries: number
  readonly #width: number
  readonly #padded: number
  readonly #capacity: number
  readonly #layout: Layout
  readonly #memory: WebAssembly.Memory
  readonly #score: Score
  /** Place and number of pictures of each block, by its number. */
  readonly #places = new Map<number, { place: number; count: number }>()
  #free: number[] = []

  /** Each block has at most `capacity` pictures of [queries, width]. */
  constructor({ queries, width }: { queries: number; width: number }, capacity: number) {
    this.#queries = queries
    this.#width = width
    this.#padded = Math.ceil(width / STEP) * STEP
    this.#capacity = capacity
    const out = 2 * this.#padded
    const blocks = Math.ceil((out + 4 * capacity) / STEP) * STEP
    this.#layout = { text: 0, out, blocks, blockBytes: capacity * queries * (this.#padded + 4) }
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(blocks / PAGE_BYTES) })
    this.#score = scoreKernel(this.#memory)
  }

  /** Bytes that the vectors take in memory. */
  get bytes(): number {
    return this.#memory.buffer.byteLength
  }

  /** Puts a block in, or in the place of what it was before. */
  set(number: number, { pictures, vectors, scales }: Block): void {
    const count = pictures.length
    const rows = count * this.#queries
    if (count > this.#capacity || vectors.length !== rows * this.#width || scales.length !== rows)
      throw new AppError('bug', 'A block of the index has another shape than the index.')
    const place = this.#places.get(number)?.place ?? this.#free.pop() ?? this.#places.size
    const { vectors: at, scales: scalesAt } = this.#startsOf(place)
    // First: where there is no memory, nothing is there that would be scored.
    this.#grow(scalesAt + 4 * this.#capacity * this.#queries)
    this.#places.set(number, { place, count })
    const bytes = new Int8Array(this.#memory.buffer, at, rows * this.#padded)
    if (this.#padded === this.#width) bytes.set(vectors)
    else
      for (let row = 0; row < rows; row += 1)
        bytes.set(vectors.subarray(row * this.#width, (row + 1) * this.#width), row * this.#padded)
    new Float32Array(this.#memory.buffer, scalesAt, rows).set(scales)
  }

  /** The vectors of the picture at place `at` of a block, as they were put in; undefined when it is not there. */
  vectors(number: number, at: number): RoundedVectors | undefined {
    const there = this.#places.get(number)
    if (there === undefined || at < 0 || at >= there.count) return undefined
    const { vectors: from, scales } = this.#startsOf(there.place)
    const out = new Int8Array(this.#queries * this.#width)
    for (let row = 0; row < this.#queries; row += 1) {
      const start = from + (at * this.#queries + row) * this.#padded
      out.set(new Int8Array(this.#memory.buffer, start, this.#width), row * this.#width)
    }
    const first = scales + 4 * at * this.#queries
    return { vectors: out, scales: new Float32Array(this.#memory.buffer, first, this.#queries).slice() }
  }

  delete(number: number): void {
    const there = this.#places.get(number)
    if (there === undefined) return
    this.#places.delete(number)
    this.#free.push(there.place)
  }

  /** For each picture of each block the best cosine of its queries with a vector of unit length. */
  score(text: Float32Array): Map<number, Float32Array<ArrayBuffer>> {
    if (text.length !== this.#width)
      throw new AppError('bug', 'This text was read by another model than the index was made with.')
    const { buffer } = this.#memory
    const most = text.reduce((so, value) => Math.max(so, Math.abs(value)), 0)
    const scale = most / largestText(this.#padded)
    const words = new Int16Array(buffer, this.#layout.text, this.#padded).fill(0)
    words.set(text.map((value) => (scale === 0 ? 0 : Math.round(value / scale))))
    const scores = new Map<number, Float32Array<ArrayBuffer>>()
    for (const [number, { place, count }] of this.#places) {
      if (count === 0) continue
      const { vectors, scales } = this.#startsOf(place)
      const { text: textAt, out } = this.#layout
      this.#score(vectors, scales, textAt, out, count, this.#queries, this.#padded)
      scores.set(
        number,
        new Float32Array(buffer, out, count).map((value) => value * scale),
      )
    }
    return scores
  }

  #startsOf(place: number): { vectors: number; scales: number } {
    const vectors = this.#layout.blocks + place * this.#layout.blockBytes
    return { vectors, scales: vectors + this.#capacity * this.#queries * this.#padded }
  }

  #grow(bytes: number): void {
    const missing = bytes - this.#memory.buffer.byteLength
    if (missing <= 0) return
    try {
      this.#memory.grow(Math.ceil(missing / PAGE_BYTES))
    } catch (cause) {
      throw new AppError(
        'out-of-memory',
        'There is not enough memory for the index of so many pictures here; close other tabs, or index fewer.',
        { cause },
      )
    }
  }
}
