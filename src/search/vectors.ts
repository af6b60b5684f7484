/**
 * Vectors in eight bits: each row of unit length becomes whole numbers from −127 to 127 and one scale. That is a quarter
 * of float32 and half of float16; what it costs in finding is measured by `lab/search` (decision 037).
 */
import { AppError } from '../pack/failure.ts'
import type { RoundedVectors } from './entries.ts'

const LARGEST = 127

/** `vectors` [rows, width] */
export function rounded(vectors: Float32Array, width: number): RoundedVectors {
  if (width === 0 || vectors.length % width !== 0)
    throw new AppError('bug', 'These vectors are not of the width that they are said to have.')
  const rows = vectors.length / width
  const out = { vectors: new Int8Array(vectors.length), scales: new Float32Array(rows) }
  for (let row = 0; row < rows; row += 1) {
    const values = vectors.subarray(row * width, (row + 1) * width)
    const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / LARGEST
    out.scales[row] = scale
    if (scale === 0) continue
    for (let i = 0; i < width; i += 1) out.vectors[row * width + i] = Math.round((values[i] ?? 0) / scale)
  }
  return out
}

/** The rows again, [rows, width]. */
export function unrounded({ vectors, scales }: RoundedVectors): Float32Array<ArrayBuffer> {
  const width = vectors.length / scales.length
  return Float32Array.from(vectors, (value, i) => value * (scales[Math.floor(i / width)] ?? 0))
}

/** The mean of the rows, of length 1: what stands for a picture where one vector must. */
export function meanRow(vectors: Float32Array, width: number): Float32Array<ArrayBuffer> {
  const mean = new Float32Array(width)
  vectors.forEach((value, i) => (mean[i % width] = (mean[i % width] ?? 0) + value))
  const length = Math.hypot(...mean)
  return length === 0 ? mean : mean.map((value) => value / length)
}

/** How alike two pictures are: the mean, over the queries of the one, of the best cosine with a query of the other. */
export function likenessOf(one: Float32Array, other: Float32Array, width: number): number {
  let sum = 0
  for (let from = 0; from < one.length; from += width) {
    let best = -Infinity
    for (let to = 0; to < other.length; to += width) {
      let dot = 0
      for (let i = 0; i < width; i += 1) dot += (one[from + i] ?? 0) * (other[to + i] ?? 0)
      if (dot > best) best = dot
    }
    sum += best
  }
  return sum / (one.length / width)
}
