/** A logistic regression, fitted by Newton's method: some hundred features, some thousand rows. */

export interface Fitted {
  weights: Float64Array
  bias: number
}

/** On standardised features; see `fitLogistic`. */
const RIDGE = 1e-3
const STEPS = 12

/**
 * Rows inside (label 0) and outside (label 1), each side with half of the weight, and the sum of squared weights of
 * standardised features held down. What comes out goes with features as they are.
 */
export function fitLogistic(inside: readonly Float32Array[], out: readonly Float32Array[]): Fitted {
  const rows = [...inside, ...out]
  const width = (rows[0]?.length ?? 0) + 1
  const { mean, deviation } = standardOf(rows)
  const design = rows.map((row) => {
    const line = new Float64Array(width).fill(1)
    for (let i = 0; i < width - 1; i += 1) line[i] = ((row[i] ?? 0) - (mean[i] ?? 0)) / (deviation[i] ?? 1)
    return line
  })
  const [insideShare, outsideShare] = [0.5 / inside.length, 0.5 / out.length]
  let weights = new Float64Array(width)
  for (let step = 0; step < STEPS; step += 1) {
    const { gradient, hessian } = derivatives(design, weights, (i) =>
      i < inside.length ? { label: 0, share: insideShare } : { label: 1, share: outsideShare },
    )
    const change = solve(hessian, gradient)
    weights = weights.map((value, i) => value - (change[i] ?? 0))
  }
  const plain = new Float64Array(width - 1).map((_, i) => (weights[i] ?? 0) / (deviation[i] ?? 1))
  const shift = plain.reduce((sum, value, i) => sum + value * (mean[i] ?? 0), 0)
  return { weights: plain, bias: (weights[width - 1] ?? 0) - shift }
}

function standardOf(rows: readonly Float32Array[]): { mean: Float64Array; deviation: Float64Array } {
  const width = rows[0]?.length ?? 0
  const mean = new Float64Array(width).map(
    (_, i) => rows.reduce((sum, row) => sum + (row[i] ?? 0), 0) / rows.length,
  )
  const deviation = mean.map((middle, i) =>
    Math.sqrt(rows.reduce((sum, row) => sum + ((row[i] ?? 0) - middle) ** 2, 0) / rows.length + 1e-9),
  )
  return { mean, deviation }
}

function derivatives(
  design: readonly Float64Array[],
  weights: Float64Array,
  of: (row: number) => { label: number; share: number },
): { gradient: Float64Array; hessian: Float64Array[] } {
  const width = weights.length
  // The bias is held down a little too, which keeps the matrix positive.
  const gradient = weights.map((value) => 2 * RIDGE * value)
  const hessian = Array.from({ length: width }, (_, i) => new Float64Array(width).fill(2 * RIDGE, i, i + 1))
  for (const [row, line] of design.entries()) {
    const { label, share } = of(row)
    const chance = 1 / (1 + Math.exp(-line.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), 0)))
    const [slope, bend] = [share * (chance - label), share * chance * (1 - chance)]
    for (let i = 0; i < width; i += 1) {
      const value = line[i] ?? 0
      gradient[i] = (gradient[i] ?? 0) + slope * value
      const target = hessian[i]
      if (target === undefined) continue
      for (let k = 0; k <= i; k += 1) target[k] = (target[k] ?? 0) + bend * value * (line[k] ?? 0)
    }
  }
  return { gradient, hessian }
}

/** By Cholesky's decomposition of a symmetric positive matrix, of which the lower half is read and overwritten. */
function solve(matrix: Float64Array[], right: Float64Array): Float64Array {
  const size = right.length
  const at = (i: number, k: number): number => matrix[i]?.[k] ?? 0
  const found = Float64Array.from(right)
  for (let i = 0; i < size; i += 1) {
    const row = matrix[i] ?? new Float64Array()
    for (let k = 0; k <= i; k += 1) {
      let sum = at(i, k)
      for (let j = 0; j < k; j += 1) sum -= at(i, j) * at(k, j)
      row[k] = i === k ? Math.sqrt(sum) : sum / at(k, k)
    }
  }
  for (let i = 0; i < size; i += 1) {
    for (let k = 0; k < i; k += 1) found[i] = (found[i] ?? 0) - at(i, k) * (found[k] ?? 0)
    found[i] = (found[i] ?? 0) / at(i, i)
  }
  for (let i = size - 1; i >= 0; i -= 1) {
    for (let k = i + 1; k < size; k += 1) found[i] = (found[i] ?? 0) - at(k, i) * (found[k] ?? 0)
    found[i] = (found[i] ?? 0) / at(i, i)
  }
  return found
}

export function scoreOf({ weights, bias }: Fitted, features: Float32Array): number {
  return features.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), bias)
}

/** The score that `share` of these do not reach. */
export function quantile(scores: readonly number[], share: number): number {
  const sorted = scores.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}

/** How often one of `above` has the higher score than one of `below`: the area under the ROC curve. */
export function areaUnder(below: readonly number[], above: readonly number[]): number {
  const wins = above.reduce(
    (sum, high) => sum + below.reduce((so, low) => so + (high > low ? 1 : high === low ? 0.5 : 0), 0),
    0,
  )
  return wins / (below.length * above.length)
}
