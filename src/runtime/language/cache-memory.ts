/** What all caches of one language model take of the device's memory, and the GPU tensors that they take in turns. */
import { AppError } from '../../pack/failure.ts'
import { rowsOfBatch } from '../../pack/memory-budget.ts'
import type { Runtime } from '../ort/runtime.ts'
import { disposeTensors } from '../ort/tensor.ts'
import { positionBytes, type CacheLayout, type Tensors } from './kv-cache.ts'

/** The GPU tensors of one cache. */
export interface CacheSet {
  batch: number
  capacity: number
  tensors: Tensors
  /** Runs over these tensors may be recorded under this number. */
  recording: number
}

/** How many sets of one row are kept for the next cache. */
const SPARE_SETS = 2

/** Beams are gathered from one set of tensors into another, but for those that share their positions. */
const SETS_OF_BRANCHES = { copied: 2, shared: 1 }

/**
 * Sets of one row come back and are used again: what was recorded over them stays of use, and a recording cannot be
 * given back to ONNX Runtime.
 */
export class CacheMemory {
  readonly runtime: Runtime
  readonly layout: CacheLayout
  readonly #limitBytes: number
  readonly #spare: CacheSet[] = []
  #heldBytes = 0
  #recordings = 0
  #longest = Infinity

  /** `limitBytes`: what branches must fit into together with everything else that is held; above it no set is kept to spare. */
  constructor(runtime: Runtime, layout: CacheLayout, limitBytes = Infinity) {
    this.runtime = runtime
    this.layout = layout
    this.#limitBytes = limitBytes
  }

  /** Positions of one row that the device has room for, as far as it was found out by asking for more. */
  get longest(): number {
    return this.#longest
  }

  /** Bytes of all caches there are, spare sets included. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /**
   * Makes sure that `count` branches of `positions` positions fit, at the cost of spare sets if need be. Throws
   * `out-of-memory` when they do not, before anything is allocated.
   */
  admitBranches(count: number, positions: number, kind: keyof typeof SETS_OF_BRANCHES = 'copied'): void {
    const bytes = SETS_OF_BRANCHES[kind] * this.#bytesOf(count, positions)
    this.#makeRoom(bytes)
    const left = Math.max(0, this.#limitBytes - this.#heldBytes)
    if (bytes <= left) return
    const need = `${count} answers side by side, over ${positions} positions each, need ${megabytes(bytes)} of memory`
    throw new AppError(
      'out-of-memory',
      `${need}, and ${megabytes(left)} are left for them on this device; ask for fewer at once, or for shorter ones.`,
    )
  }

  /** Rows of `positions` positions that a batch may have, at the cost of spare sets. */
  rowsOfBatch(positions: number): number {
    const spare = this.#spare.reduce((sum, { batch, capacity }) => sum + this.#bytesOf(batch, capacity), 0)
    const rows = rowsOfBatch(this.#limitBytes - this.#heldBytes + spare, this.#bytesOf(1, positions))
    this.#makeRoom(this.#bytesOf(rows, positions))
    return rows
  }

  /** What is in the tensors is left over from their last use. Throws `out-of-memory` when the GPU cannot give them. */
  async take(batch: number, capacity: number): Promise<CacheSet> {
    const known = this.#spare.findIndex((set) => set.batch === batch && set.capacity === capacity)
    const [spare] = known < 0 ? [] : this.#spare.splice(known, 1)
    if (spare !== undefined) return spare
    const { names, heads, headSize, type } = this.layout
    this.#makeRoom(this.#bytesOf(batch, capacity))
    const what = `keys and values of ${batch === 1 ? '' : `${batch} times `}${capacity} positions`
    const made = await this.runtime
      .gpuTensors(type, [batch, heads, capacity, headSize], names.length, what)
      .catch((error: unknown) => {
        // A conversation grows by doubling, so half of it is what there was room for.
        if (batch === 1 && error instanceof AppError && error.code === 'out-of-memory')
          this.#longest = Math.min(this.#longest, capacity >> 1)
        throw error
      })
    const tensors = Object.fromEntries(made.map((tensor, i) => [names[i]?.past ?? '', tensor]))
    this.#recordings += 1
    this.#heldBytes += this.#bytesOf(batch, capacity)
    return { batch, capacity, tensors, recording: this.#recordings }
  }

  give(set: CacheSet): void {
    if (set.batch > 1) {
      this.#drop(set)
      return
    }
    this.#spare.push(set)
    if (this.#spare.length > SPARE_SETS) this.#drop(this.#spare.shift())
    this.#makeRoom(0)
  }

  /** Counts what a cache on the processor has taken, or (negative) let go of. */
  count(bytes: number): void {
    this.#heldBytes += bytes
  }

  dispose(): void {
    this.#dropSpares()
  }

  /** For so much more within the limit, as far as spare sets can. */
  #makeRoom(bytes: number): void {
    if (this.#heldBytes + bytes > this.#limitBytes) this.#dropSpares()
  }

  #dropSpares(): void {
    for (const set of this.#spare.splice(0)) this.#drop(set)
  }

  #drop(set: CacheSet | undefined): void {
    if (set === undefined) return
    disposeTensors(set.tensors)
    this.#heldBytes -= this.#bytesOf(set.batch, set.capacity)
  }

  #bytesOf(batch: number, positions: number): number {
    return batch * positions * positionBytes(this.layout)
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}
