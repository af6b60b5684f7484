/**
 * A cache of branches that share what they have in common: a position lies where it was first written, and a table says
 * for each branch in which row that is. So reordering moves nothing on the device.
 */
import type { CacheMemory, CacheSet } from './cache-memory.ts'
import { presentIn, type BranchCache, type Owners, type Tensors } from './kv-cache.ts'

export class BranchedCache implements BranchCache {
  readonly #memory: CacheMemory
  readonly #set: CacheSet
  readonly #owners: Owners

  /** Takes over `set`, whose row 0 has the first `base` positions of all. */
  constructor(memory: CacheMemory, set: CacheSet, base: number) {
    const { batch, capacity } = set
    const span = Math.max(1, capacity - base)
    this.#memory = memory
    this.#set = set
    // Each row writes its own positions.
    this.#owners = {
      base,
      span,
      rows: Uint32Array.from({ length: batch * span }, (_, i) => Math.floor(i / span)),
    }
  }

  get capacity(): number {
    return this.#set.capacity
  }

  get recording(): number {
    return this.#set.recording
  }

  get owners(): Owners {
    return this.#owners
  }

  past(): Tensors {
    return this.#set.tensors
  }

  into(): Tensors {
    return presentIn(this.#memory.layout, this.#set.tensors)
  }

  keep(): void {
    // Written in place.
  }

  reorder(parents: readonly number[], length: number): Promise<void> {
    const { base, rows, span } = this.#owners
    const before = rows.slice()
    parents.forEach((parent, row) =>
      rows.set(before.subarray(parent * span, parent * span + length - base), row * span),
    )
    return Promise.resolve()
  }

  dispose(): void {
    this.#memory.give(this.#set)
  }
}
