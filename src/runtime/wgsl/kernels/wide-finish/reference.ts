/** What stands between the products of a vision encoder. */

/**
 * The error function, to some 1e-12 for |x| ≤ 4 by its series; beyond, where it is 1 within 2e-8, that is what it is.
 * https://dlmf.nist.gov/7.6#E1
 */
export function erf(x: number): number {
  if (Math.abs(x) > 4) return Math.sign(x)
  let term = x
  let sum = x
  for (let n = 1; n < 100; n += 1) {
    term *= -(x ** 2) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

/** x · Φ(x), the exact form. */
export function geluReference(x: number): number {
  return 0.5 * x * (1 + erf(x / Math.SQRT2))
}

/** x · sigmoid(1.702 x), as CLIP has it. */
export function quickGeluReference(x: number): number {
  return x / (1 + Math.exp(-1.702 * x))
}
