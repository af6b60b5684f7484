/** Layer normalisation of each row [rows, size]. */
export function normReference(
  input: ArrayLike<number>,
  weight: Float32Array,
  bias: Float32Array,
  epsilon: number,
): Float64Array {
  const size = weight.length
  const out = new Float64Array(input.length)
  for (let from = 0; from < input.length; from += size) {
    let mean = 0
    for (let i = 0; i < size; i += 1) mean += (input[from + i] ?? 0) / size
    let variance = 0
    for (let i = 0; i < size; i += 1) variance += ((input[from + i] ?? 0) - mean) ** 2 / size
    const factor = 1 / Math.sqrt(variance + epsilon)
    for (let i = 0; i < size; i += 1)
      out[from + i] = ((input[from + i] ?? 0) - mean) * factor * (weight[i] ?? 0) + (bias[i] ?? 0)
  }
  return out
}
