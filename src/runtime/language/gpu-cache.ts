/** A cache of fixed GPU buffers, which every run writes in place. */
import type { Runtime } from '../ort/runtime.ts'
import type { BufferCopy } from '../ort/tensor.ts'
import type { CacheMemory, CacheSet } from './cache-memory.ts'
import { headBytes, tensorAt, type KvCache, type Tensors } from './kv-cache.ts'

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
    const { names } = this.#memory.layout
    return Object.fromEntries(names.map(({ past, present }) => [present, tensorAt(this.#set.tensors, past)]))
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

  async reorder(parents: readonly number[], length: number): Promise<void> {
    if (parents.every((parent, row) => parent === row)) return
    this.#spare ??= await this.#memory.take(this.#set.batch, this.#set.capacity)
    await this.#gather(parents, length, this.#spare)
    const before = this.#set
    this.#set = this.#spare
    this.#spare = before
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
  async #copied(parents: readonly number[], length: number, capacity: number): Promise<CacheSet> {
    const set = await this.#memory.take(parents.length, capacity)
    try {
      await this.#gather(parents, length, set)
      return set
    } catch (error) {
      this.#memory.give(set)
      throw error
    }
  }

  async #gather(parents: readonly number[], length: number, into: CacheSet): Promise<void> {
    if (length === 0) return
    const { names } = this.#memory.layout
    const ranges =
      into.capacity === this.#set.capacity ? this.#wholeRows(parents) : this.#heads(parents, length, into)
    const copies = names.flatMap(({ past }) => {
      const [from, to] = [tensorAt(this.#set.tensors, past), tensorAt(into.tensors, past)]
      return ranges.map((range): BufferCopy => ({ ...range, from, to }))
    })
    await this.#runtime.copy(copies)
  }

  /** Where capacities are the same: positions behind the length go along, which costs less than a copy per head. */
  #wholeRows(parents: readonly number[]): Omit<BufferCopy, 'from' | 'to'>[] {
    const { heads } = this.#memory.layout
    const bytes = heads * this.#set.capacity * headBytes(this.#memory.layout)
    return parents.map((parent, row) => ({ fromOffset: parent * bytes, toOffset: row * bytes, bytes }))
  }

  #heads(parents: readonly number[], length: number, into: CacheSet): Omit<BufferCopy, 'from' | 'to'>[] {
    const { heads } = this.#memory.layout
    const position = headBytes(this.#memory.layout)
    return parents.flatMap((parent, row) =>
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
