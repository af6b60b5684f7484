/**
 * Block quantisation as ONNX Runtime's `MatMulNBits` and `GatherBlockQuantized` read it: each row is cut into blocks
 * of 32 values, or more, and a value is (q - zero point) · scale with one scale per block and the zero point in the middle, 2^(bits-1).
 * Scales are chosen for the least squared error; docs/quantisation.md says how and what that gains.
 */
import { f16ToF32 } from '../pack/float16.ts'
import { f32ToF16 } from './dtypes.ts'

/** Values that share a scale. */
export type BlockSize = 32 | 64 | 128

export const BLOCK_SIZE = 32

export type ScaleType = 'float32' | 'float16'

export interface QuantisedBlocks {
  /**
   * [rows, blocks · block size · bits / 8]. With 4 bits, element k lies in byte k / 2, even k in the low nibble. A row that
   * does not fill its last block is padded with the zero point, which stands for 0.
   */
  packed: Uint8Array<ArrayBuffer>
  /** [rows, blocks]: float32, or the bit patterns of float16. */
  scales: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>
  /** Scales beyond what float16 holds. Where this is not 0 the blocks are of no use. */
  overflows: number
}

/**
 * Where the search tries to put the largest value of a block, as a multiple of the step: with 4 bits to both sides,
 * since -8 reaches one step further than 7, and beyond either end, where that value is clipped but all others get a
 * finer step. -8 and 7 are the plain choices, so the search never does worse. With 8 bits hardly anything is to gain.
 */
export const TARGETS = {
  4: Float64Array.of(-8, -7.2, -7.6, -8.4, -8.8, 7, 6.2, 6.6, 7.4, 7.8),
  8: Float64Array.of(-128, 127),
} as const

/** Adding and subtracting 1.5 · 2^52 rounds a float64 of small magnitude to an integer, ties to even. */
const ROUND = 1.5 * 2 ** 52

/** `rows` is float32 [rowCount, columns] and must be finite. Rows are independent: any band of a matrix will do. */
export type Quantise = (
  rows: Float32Array,
  rowCount: number,
  columns: number,
  bits: 4 | 8,
  scaleType: ScaleType,
  blockSize?: BlockSize,
) => QuantisedBlocks

/** What quantising is, in plain words; `simd/quantise.ts` does the same faster. */
export const quantiseBlocks: Quantise = (
  rows,
  rowCount,
  columns,
  bits,
  scaleType,
  blockSize = BLOCK_SIZE,
) => {
  const { scales, values, overflows } = storedScales(
    findScales(rows, rowCount, columns, bits, blockSize),
    scaleType,
  )
  return { packed: pack(rows, values, rowCount, columns, bits, blockSize), scales, overflows }
}

/**
 * Scales as they are stored, and as float32. Integers are chosen for the latter, so that the rounding of a scale is made
 * up for where possible.
 */
export function storedScales(
  wanted: Float32Array<ArrayBuffer>,
  scaleType: ScaleType,
): Pick<QuantisedBlocks, 'scales' | 'overflows'> & { values: Float32Array<ArrayBuffer> } {
  if (scaleType === 'float32') return { scales: wanted, values: wanted, overflows: 0 }
  const { values: scales, overflows } = f32ToF16(wanted)
  return { scales, values: f16ToF32(scales), overflows }
}

/** The inverse: float32 [rowCount, columns], as the kernels see the weights. */
export function dequantiseBlocks(
  { packed, scales }: Pick<QuantisedBlocks, 'packed' | 'scales'>,
  rowCount: number,
  columns: number,
  bits: 4 | 8,
  blockSize: BlockSize = BLOCK_SIZE,
): Float32Array<ArrayBuffer> {
  const stored = scales instanceof Uint16Array ? f16ToF32(scales) : scales
  const blocks = Math.ceil(columns / blockSize)
  const values = new Float32Array(rowCount * columns)
  for (let row = 0; row < rowCount; row++) {
    for (let column = 0; column < columns; column++) {
      const element = row * blocks * blockSize + column
      const byte = packed[bits === 8 ? element : element >>> 1] ?? 0
      const integer = bits === 8 ? byte - 128 : ((byte >>> ((element & 1) * 4)) & 15) - 8
      values[row * columns + column] = integer * (stored[Math.floor(element / blockSize)] ?? 0)
    }
  }
  return values
}

/** The scale of each block, [rowCount, blocks]; 0 for a block of zeros. */
function findScales(
  rows: Float32Array,
  rowCount: number,
  columns: number,
  bits: 4 | 8,
  blockSize: BlockSize,
): Float32Array<ArrayBuffer> {
  const blocks = Math.ceil(columns / blockSize)
  const scales = new Float32Array(rowCount * blocks)
  const block = new Float64Array(blockSize)
  for (let index = 0; index < scales.length; index++) {
    const start = (index % blocks) * blockSize
    const from = Math.floor(index / blocks) * columns + start
    const length = Math.min(blockSize, columns - start)
    for (let i = 0; i < blockSize; i++) block[i] = i < length ? (rows[from + i] ?? 0) : 0
    scales[index] = bestScale(block, TARGETS[bits], -(2 ** (bits - 1)))
  }
  return scales
}

/**
 * For given integers q the scale of least squared error is Σxq / Σq², and it lowers the error by (Σxq)² / Σq². So each
 * target is tried by rounding, and the one that lowers the error most wins. All sums are float64: squares of float32
 * neither overflow nor vanish in it. No closures and no calls in the loop: this is where a conversion spends its time.
 */
function bestScale(block: Float64Array, targets: Float64Array, low: number): number {
  const high = -low - 1
  const size = block.length
  let largest = 0
  let energy = 0
  for (let i = 0; i < size; i++) {
    const value = block[i] ?? 0
    energy += value * value
    if (Math.abs(value) > Math.abs(largest)) largest = value
  }
  if (largest === 0) return 0
  let gain = 0
  let scale = 0
  // One more round than there are targets: the last starts from the best scale, as its own integers may differ.
  for (let round = 0; round <= targets.length; round++) {
    const inverse = round < targets.length ? (targets[round] ?? 0) / largest : 1 / scale
    let xq = 0
    let qq = 0
    for (let i = 0; i < size; i++) {
      const value = block[i] ?? 0
      let q = value * inverse + ROUND - ROUND
      if (q < low) q = low
      if (q > high) q = high
      xq += value * q
      qq += q * q
    }
    if (xq * xq > gain * qq) {
      gain = (xq * xq) / qq
      scale = xq / qq
      // Nothing is left to gain: the block is exact, as sparse or already quantised weights often are.
      if (energy - gain <= 1e-12 * energy) break
    }
  }
  return scale
}

/** Rounds every value to the nearest multiple of its block's stored scale. */
function pack(
  rows: Float32Array,
  scales: Float32Array,
  rowCount: number,
  columns: number,
  bits: 4 | 8,
  blockSize: BlockSize,
): Uint8Array<ArrayBuffer> {
  const blocks = Math.ceil(columns / blockSize)
  const packed = new Uint8Array((rowCount * blocks * blockSize * bits) / 8)
  const zero = 2 ** (bits - 1)
  const high = 2 * zero - 1
  const integers = new Uint8Array(blockSize)
  let at = 0
  for (let index = 0; index < scales.length; index++) {
    const block = index % blocks
    const from = ((index - block) / blocks) * columns + block * blockSize
    const length = Math.min(blockSize, columns - block * blockSize)
    const scale = scales[index] ?? 0
    const inverse = scale === 0 ? 0 : 1 / scale
    for (let i = 0; i < blockSize; i++) {
      const q = i < length ? ((rows[from + i] ?? 0) * inverse + ROUND - ROUND + zero) | 0 : zero
      integers[i] = q < 0 ? 0 : q > high ? high : q
    }
    if (bits === 8) {
      packed.set(integers, at)
      at += blockSize
    } else {
      for (let i = 0; i < blockSize; i += 2) packed[at++] = (integers[i] ?? 0) | ((integers[i + 1] ?? 0) << 4)
    }
  }
  return packed
}
