/** What `finish` has to compute, with float64 sums. */
import type { HeadsShape } from '../attention/cache.ts'

export interface PartialSums {
  /** [splits, rows, outputs filled up to four] */
  partial: Float32Array
  splits: number
  rows: number
  outputs: number
  /** [outputs] */
  bias: Float32Array | null
}

/** Parts and bias added up: [rows, outputs]. */
export function finishReference({ partial, splits, rows, outputs, bias }: PartialSums): Float64Array {
  const size = Math.ceil(outputs / 4) * 4
  const sums = new Float64Array(rows * outputs)
  for (let row = 0; row < rows; row += 1) {
    for (let i = 0; i < outputs; i += 1) {
      let sum = bias?.[i] ?? 0
      for (let s = 0; s < splits; s += 1) sum += partial[(s * rows + row) * size + i] ?? NaN
      sums[row * outputs + i] = sum
    }
  }
  return sums
}

/** A cache before and behind it: [slots, heads, capacity, cache head size]. */
export interface Caches {
  keys: Float32Array
  values: Float32Array
  capacity: number
}

/** Of sums [rows, 3 · hidden] the queries, scaled; keys and values go into the caches, at each row's slot and position. */
export function qkvReference(
  sums: Float64Array,
  { heads, headSize, cacheHeadSize, scale }: Omit<HeadsShape, 'cacheType'>,
  places: readonly { slot: number; position: number }[],
  { keys, values, capacity }: Caches,
): Float64Array {
  const hidden = heads * headSize
  const queries = new Float64Array(places.length * hidden)
  places.forEach(({ slot, position }, row) => {
    for (let head = 0; head < heads; head += 1) {
      for (let i = 0; i < headSize; i += 1) {
        const column = head * headSize + i
        const from = row * 3 * hidden + column
        const at = ((slot * heads + head) * capacity + position) * cacheHeadSize + i
        queries[row * hidden + column] = scale * (sums[from] ?? NaN)
        keys[at] = sums[from + hidden] ?? NaN
        values[at] = sums[from + 2 * hidden] ?? NaN
      }
    }
  })
  return queries
}
