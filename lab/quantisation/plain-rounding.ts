/** The plain ways to choose a block's scale, to compare the converter's search with. */
const BLOCK_SIZE = 32

/** Where the largest value of a block goes: to 7 or -7, whatever its sign, or to -8. */
export type PlainTarget = 'seven' | 'minus-eight'

/** Every block of 32 of `values` (rows of a multiple of 32) as 4 bits with a float32 scale, and back again. */
export function plainRounding(values: Float32Array, target: PlainTarget): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length)
  for (let start = 0; start < values.length; start += BLOCK_SIZE) {
    let largest = 0
    for (const value of values.subarray(start, start + BLOCK_SIZE))
      if (Math.abs(value) > Math.abs(largest)) largest = value
    const scale = target === 'seven' ? Math.abs(largest) / 7 : largest / -8
    if (scale === 0) continue
    for (let i = start; i < start + BLOCK_SIZE; i += 1)
      out[i] = Math.min(7, Math.max(-8, Math.round((values[i] ?? 0) / scale))) * scale
  }
  return out
}
