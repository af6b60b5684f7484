/** Values by channel, as kernels for many tokens take them, and a product with a matrix of floats. */
import { productReference, type ProductResult, type StoredMatrix } from '../product/reference.ts'
import type { TokenTiles } from './token-tiles.ts'

/** [tokens, channels] → [channels, columns]; `filling` stands in columns without a token. */
export function byChannel(
  values: ArrayLike<number>,
  { tokens, quads }: Pick<TokenTiles, 'tokens' | 'quads'>,
  filling = 0,
): Float32Array<ArrayBuffer> {
  const columns = 4 * quads
  const channels = values.length / tokens
  const out = new Float32Array(channels * columns).fill(filling)
  for (let token = 0; token < tokens; token += 1)
    for (let channel = 0; channel < channels; channel += 1)
      out[channel * columns + token] = values[token * channels + channel] ?? 0
  return out
}

/** [channels, columns] → [tokens, channels]. */
export function byToken(
  values: ArrayLike<number>,
  { tokens, quads }: Pick<TokenTiles, 'tokens' | 'quads'>,
): Float32Array<ArrayBuffer> {
  const columns = 4 * quads
  const channels = values.length / columns
  const out = new Float32Array(tokens * channels)
  for (let token = 0; token < tokens; token += 1)
    for (let channel = 0; channel < channels; channel += 1)
      out[token * channels + channel] = values[channel * columns + token] ?? 0
  return out
}

/** A matrix of floats [inputs, outputs]. */
export interface FloatMatrix {
  inputs: number
  outputs: number
  values: ArrayLike<number>
}

/** input [tokens, inputs] times the matrix, each as [tokens, outputs]. */
export function wideReference(matrix: FloatMatrix | StoredMatrix, input: ArrayLike<number>): ProductResult {
  if ('packed' in matrix) return productReference(matrix, input, null)
  const { inputs, outputs, values: weights } = matrix
  const rows = input.length / inputs
  const values = new Float64Array(rows * outputs)
  const sizes = new Float64Array(rows * outputs)
  for (let row = 0; row < rows; row += 1) {
    for (let i = 0; i < inputs; i += 1) {
      for (let output = 0; output < outputs; output += 1) {
        const term = (weights[i * outputs + output] ?? 0) * (input[row * inputs + i] ?? 0)
        const at = row * outputs + output
        values[at] = (values[at] ?? 0) + term
        sizes[at] = (sizes[at] ?? 0) + Math.abs(term)
      }
    }
  }
  return { values, sizes }
}
