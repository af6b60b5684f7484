/** Attention of every token over all tokens, in blocks. */

/**
 * queries (scaled), keys, values [tokens, heads · headSize] → [tokens, heads · headSize]: for each head the values,
 * weighted by the softmax of the scores.
 */
export function blockAttentionReference(
  { queries, keys, values }: Record<'queries' | 'keys' | 'values', ArrayLike<number>>,
  { tokens, heads, headSize }: { tokens: number; heads: number; headSize: number },
): Float64Array {
  const hidden = heads * headSize
  const out = new Float64Array(tokens * hidden)
  for (let head = 0; head < heads; head += 1) {
    for (let token = 0; token < tokens; token += 1) {
      const scores = Array.from({ length: tokens }, (_, key) => {
        let score = 0
        for (let i = head * headSize; i < (head + 1) * headSize; i += 1)
          score += (queries[token * hidden + i] ?? 0) * (keys[key * hidden + i] ?? 0)
        return score
      })
      const most = scores.reduce((a, b) => Math.max(a, b))
      const weights = scores.map((score) => Math.exp(score - most))
      const sum = weights.reduce((a, b) => a + b)
      weights.forEach((weight, key) => {
        for (let i = head * headSize; i < (head + 1) * headSize; i += 1) {
          const at = token * hidden + i
          out[at] = (out[at] ?? 0) + (weight / sum) * (values[key * hidden + i] ?? 0)
        }
      })
    }
  }
  return out
}
