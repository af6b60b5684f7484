/**
 * Positions for pictures of another size than a vision encoder was trained on: the stored ones, interpolated as
 * transformers' `interpolate_pos_encoding` does (5.18: `torch.nn.functional.interpolate`, bicubic, corners not aligned),
 * and LAVIS for CLIP's tower, with corners aligned.
 */
import type { GridChange } from './weights.ts'

/** The cubic convolution coefficient of PyTorch's bicubic (`get_cubic_upsample_coefficients`); Pillow's is −0.5. */
const A = -0.75

/** What an output place takes: weights [4] of the inputs at `places` [4], which lie inside the row. */
interface Taps {
  places: number[]
  weights: number[]
}

/**
 * Stored positions [1 + from², width] → [1 + to², width]. The class token's position comes first and stays as it is;
 * the others lie row by row.
 */
export function interpolatePositions(
  stored: Float32Array,
  { from, to, corners }: GridChange,
  width: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array((1 + to * to) * width)
  out.set(stored.subarray(0, width))
  const taps = Array.from({ length: to }, (_, place) => tapsOf(placeIn(place, { from, to, corners }), from))
  taps.forEach((vertical, row) =>
    taps.forEach((horizontal, column) => {
      const target = out.subarray((1 + row * to + column) * width).subarray(0, width)
      addSquare(stored, from, [vertical, horizontal], target)
    }),
  )
  return out
}

/** Adds the weighted sum of 4 × 4 stored positions to `target` [width]. */
function addSquare(
  stored: Float32Array,
  from: number,
  [vertical, horizontal]: [Taps, Taps],
  target: Float32Array,
): void {
  const width = target.length
  const sums = new Float64Array(width)
  vertical.places.forEach((row, i) =>
    horizontal.places.forEach((column, j) => {
      const weight = (vertical.weights[i] ?? 0) * (horizontal.weights[j] ?? 0)
      const first = (1 + row * from + column) * width
      for (let k = 0; k < width; k += 1) sums[k] = (sums[k] ?? 0) + weight * (stored[first + k] ?? 0)
    }),
  )
  target.set(sums)
}

/** Where a place of the new grid lies among those of the old one (PyTorch's `area_pixel_compute_source_index`). */
function placeIn(place: number, { from, to, corners }: GridChange): number {
  if (corners === 'free') return ((place + 0.5) * from) / to - 0.5
  return to > 1 ? (place * (from - 1)) / (to - 1) : 0
}

/** Places beyond the border are the border's, and nothing is smoothed where the grid gets smaller. */
function tapsOf(centre: number, from: number): Taps {
  const left = Math.floor(centre)
  const t = centre - left
  const places = [-1, 0, 1, 2].map((step) => Math.min(Math.max(left + step, 0), from - 1))
  return { places, weights: [outer(t + 1), inner(t), inner(1 - t), outer(2 - t)] }
}

/** The kernel for distances up to 1. */
function inner(x: number): number {
  return ((A + 2) * x - (A + 3)) * x * x + 1
}

/** The kernel for distances from 1 to 2. */
function outer(x: number): number {
  return ((A * x - 5 * A) * x + 8 * A) * x - 4 * A
}
