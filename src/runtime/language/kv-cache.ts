/** Keys and values of every layer, [batch, heads, positions, head size] each, as decoding uses them. */
import { decoder as treaty } from '../../pack/parts.ts'
import { CACHE_NUMBER_BYTES, type CacheType } from '../../pack/targets.ts'
import type { DeviceTensor } from '../ort/tensor.ts'

/** What a run reads and writes. */
export interface RunCache {
  /** Positions that fit. */
  readonly capacity: number
  /** Under which number a run over these tensors may be recorded; null where there is nothing to record. */
  readonly recording: number | null
  /** Where positions of rows lie in other rows; undefined where each row has its own. */
  readonly owners?: Owners | undefined
  past(): Tensors
  /** Tensors that the run writes its present keys and values to; none when it makes new ones. */
  into(): Tensors
  /** Takes over the present tensors that a run has made. */
  keep(present: Tensors): void
}

/** In which row each position of each row lies. */
export interface Owners {
  /** The positions before this one are row 0's for all rows. */
  base: number
  /** [rows, span]: of the positions from `base` on, in which row they lie. */
  rows: Uint32Array<ArrayBuffer>
  span: number
}

/** The rows of branches of one sequence, all of the same length. */
export interface BranchCache extends RunCache {
  /** Row i becomes what row `parents[i]` was. As many parents as rows. */
  reorder(parents: readonly number[], length: number): Promise<void>
  dispose(): void
}

export interface KvCache extends BranchCache {
  /** Forgets positions from `length` on. */
  truncate(length: number): Promise<void>
  /** Makes room for `capacity` positions, keeping the first `length`. When that fails, all is as before. */
  reserve(capacity: number, length: number): Promise<void>
  /**
   * A cache with room for `capacity` positions, whose row i continues row `parents[i]` of this one, of which `length`
   * positions count.
   */
  fork(parents: readonly number[], length: number, capacity: number): Promise<KvCache>
  /**
   * `count` branches of the only row, of which `length` positions count and are copied once: for runs that read
   * `owners`. Undefined where there are no fixed rows to point at.
   */
  branch?(count: number, length: number, capacity: number): Promise<BranchCache>
  /** `row` becomes the only row of `from`, of which `length` positions count and which is of the same memory. */
  place(row: number, from: KvCache, length: number): Promise<void>
}

/** Tensors by the name of a graph's input or output. */
export type Tensors = Record<string, DeviceTensor>

/** Which tensors a graph keeps keys and values in, and how large one position of them is. */
export interface CacheLayout {
  /** Each past input and the present output that takes its place: keys and values of every layer. */
  names: readonly { past: string; present: string }[]
  heads: number
  headSize: number
  type: CacheType
}

/** Of a decoder with so many layers and heads. */
export function cacheLayout(
  { layers, heads, cacheHeadSize }: { layers: number; heads: number; cacheHeadSize: number },
  type: CacheType,
): CacheLayout {
  const names = Array.from({ length: layers }, (_, i) => [
    { past: treaty.pastKey(i), present: treaty.presentKey(i) },
    { past: treaty.pastValue(i), present: treaty.presentValue(i) },
  ]).flat()
  return { names, heads, headSize: cacheHeadSize, type }
}

/** Bytes of one position of one head of one tensor. */
export function headBytes({ headSize, type }: CacheLayout): number {
  return headSize * CACHE_NUMBER_BYTES[type]
}

/** Bytes of one position of one row: all heads of all tensors. */
export function positionBytes(layout: CacheLayout): number {
  return layout.names.length * layout.heads * headBytes(layout)
}

/** Of a cache that is written in place: past and present are the same tensors. */
export function presentIn({ names }: CacheLayout, tensors: Tensors): Tensors {
  return Object.fromEntries(names.map(({ past, present }) => [present, tensorAt(tensors, past)]))
}

export function tensorAt(tensors: Tensors, name: string): DeviceTensor {
  const tensor = tensors[name]
  if (tensor === undefined) throw new Error(`The KV cache has no ${name}.`)
  return tensor
}
