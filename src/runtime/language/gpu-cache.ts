/** A cache of fixed GPU buffers, which every run writes in place. */
import { AppError } from '../../pack/failure.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { BufferCopy } from '../ort/tensor.ts'
import { BranchedCache } from './branched-cache.ts'
import type { CacheMemory, CacheSet } from './cache-memory.ts'
import { headBytes, presentIn, tensorAt, type BranchCache, type KvCache, type Tensors } from './kv-cache.ts'

/** `row` of one set becomes what `parent` of another is. */
interface CopiedRow {
  parent: number
  row: number
}

type CopiedRange = Omit<BufferCopy, 'from' | 'to'>

export class GpuCache implements KvCache {
  readonly #memory: CacheMemory
  #set: CacheSet
  /** A second set for reordering: rows are gathered from one into the other. Made when first needed. */
  #spare: CacheSet | null = null

  /** Takes over `set`. */
  constructor(memory: CacheMemory, set: CacheSet) {
    this.#memory = memory
    this.#set = set
  }

  get capacity(): number {
    return this.#set.capacity
  }

  get recording(): number {
    return this.#set.recording
  }

  past(): Tensors {
    return this.#set.tensors
  }

  /** Past and present are the same buffers, so a step writes one row and moves nothing. */
  into(): Tensors {
    return presentIn(this.#memory.layout, this.#set.tensors)
  }

  keep(): void {
    // Written in place.
  }

  truncate(): Promise<void> {
    // Rows behind the length are overwritten before they are read.
    return Promise.resolve()
  }

  async reserve(capacity: number, length: number): Promise<void> {
    if (capacity <= this.#set.capacity) return
    const larger = await this.#copied(this.#rows(), length, capacity)
    this.dispose()
    this.#set = larger
  }

  async fork(parents: readonly number[], length: number, capacity: number): Promise<KvCache> {
    return new GpuCache(this.#memory, await this.#copied(parents, length, capacity))
  }

  async branch(count: number, length: number, capacity: number): Promise<BranchCache> {
    const set = await this.#filled(count, [0], length, capacity)
    return new BranchedCache(this.#memory, set, length)
  }

  async reorder(parents: readonly number[], length: number): Promise<void> {
    if (parents.every((parent, row) => parent === row)) return
    this.#spare ??= await this.#memory.take(this.#set.batch, this.#set.capacity)
    await this.#gather(parents, length, this.#spare)
    const before = this.#set
    this.#set = this.#spare
    this.#spare = before
  }

  async place(row: number, from: KvCache, length: number): Promise<void> {
    if (!(from instanceof GpuCache)) throw new AppError('bug', 'A cache on the GPU takes rows of such.')
    await from.#gather([0], length, this.#set, row)
  }

  dispose(): void {
    this.#memory.give(this.#set)
    if (this.#spare !== null) this.#memory.give(this.#spare)
    this.#spare = null
  }

  #rows(): number[] {
    return Array.from({ length: this.#set.batch }, (_, row) => row)
  }

  /** A set of its own with the first `length` positions of these rows. */
  #copied(parents: readonly number[], length: number, capacity: number): Promise<CacheSet> {
    return this.#filled(parents.length, parents, length, capacity)
  }

  /** A set of so many rows, of which the first ones have the first `length` positions of these. */
  async #filled(
    batch: number,
    parents: readonly number[],
    length: number,
    capacity: number,
  ): Promise<CacheSet> {
    const set = await this.#memory.take(batch, capacity)
    try {
      await this.#gather(parents, length, set)
      return set
    } catch (error) {
      this.#memory.give(set)
      throw error
    }
  }

  /** Copies rows into those of `into` from `firstRow` on. */
  async #gather(parents: readonly number[], length: number, into: CacheSet, firstRow = 0): Promise<void> {
    if (length === 0) return
    const { names } = this.#memory.layout
    const rows = parents.map((parent, i) => ({ parent, row: firstRow + i }))
    const ranges =
      into.capacity === this.#set.capacity ? this.#wholeRows(rows) : this.#heads(rows, length, into)
    const copies = names.flatMap(({ past }) => {
      const [from, to] = [tensorAt(this.#set.tensors, past), tensorAt(into.tensors, past)]
      return ranges.map((range): BufferCopy => ({ ...range, from, to }))
    })
    await this.#runtime.copy(copies)
  }

  /** Where capacities are the same: positions behind the length go along, which costs less than a copy per head. */
  #wholeRows(rows: readonly CopiedRow[]): CopiedRange[] {
    const { heads } = this.#memory.layout
    const bytes = heads * this.#set.capacity * headBytes(this.#memory.layout)
    return rows.map(({ parent, row }) => ({ fromOffset: parent * bytes, toOffset: row * bytes, bytes }))
  }

  #heads(rows: readonly CopiedRow[], length: number, into: CacheSet): CopiedRange[] {
    const { heads } = this.#memory.layout
    const position = headBytes(this.#memory.layout)
    return rows.flatMap(({ parent, row }) =>
      Array.from({ length: heads }, (_, head) => ({
        fromOffset: (parent * heads + head) * this.#set.capacity * position,
        toOffset: (row * heads + head) * into.capacity * position,
        bytes: length * position,
      })),
    )
  }

  get #runtime(): Runtime {
    return this.#memory.runtime
  }
}
