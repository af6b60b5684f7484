/** What products with quantised matrices have to compute, one row or many. */
import { floatsIn } from '../../../../pack/float16.ts'
import type { BlockFormat } from '../../gpu/weights-format.ts'

/** A quantised matrix [outputs, inputs] as a pack stores it. */
export interface StoredMatrix {
  outputs: number
  inputs: number
  format: BlockFormat
  packed: Uint8Array
  /** Bytes of float32 or float16. */
  scales: Uint8Array
}

/** The weights themselves. */
export function dequantised({ outputs, inputs, format, packed, scales }: StoredMatrix): Float64Array {
  const { bits, blockSize } = format
  const values = floatsIn(scales, format.scales === 'float16')
  const weights = new Float64Array(outputs * inputs)
  for (let i = 0; i < weights.length; i += 1) {
    const byte = packed[bits === 8 ? i : i >>> 1] ?? 0
    const integer = bits === 8 ? byte - 128 : ((byte >>> ((i & 1) * 4)) & 15) - 8
    weights[i] = integer * (values[Math.floor(i / blockSize)] ?? 0)
  }
  return weights
}

export interface ProductResult {
  /** [rows, outputs] */
  values: Float64Array
  /** Σ |weight · input| of each: what rounding is measured by. */
  sizes: Float64Array
}

/** input [rows, inputs] times the matrix, plus a bias [outputs]. */
export function productReference(
  matrix: StoredMatrix,
  input: ArrayLike<number>,
  bias: Float32Array | null,
): ProductResult {
  const { outputs, inputs } = matrix
  const weights = dequantised(matrix)
  const rows = input.length / inputs
  const values = new Float64Array(rows * outputs)
  const sizes = new Float64Array(rows * outputs)
  for (let row = 0; row < rows; row += 1) {
    for (let output = 0; output < outputs; output += 1) {
      let sum = bias?.[output] ?? 0
      let size = Math.abs(sum)
      for (let i = 0; i < inputs; i += 1) {
        const term = (weights[output * inputs + i] ?? 0) * (input[row * inputs + i] ?? 0)
        sum += term
        size += Math.abs(term)
      }
      values[row * outputs + output] = sum
      sizes[row * outputs + output] = size
    }
  }
  return { values, sizes }
}
