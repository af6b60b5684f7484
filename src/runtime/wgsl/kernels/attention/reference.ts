/** What `attention` has to compute. */

export interface AttentionInput {
  /** [rows, heads, head size], scaled. */
  queries: Float32Array
  /** [sequences, heads, capacity, cache head size] */
  keys: Float32Array
  values: Float32Array
  heads: number
  headSize: number
  cacheHeadSize: number
  capacity: number
  /** Of each row: which sequence, and its own position there. */
  rows: readonly { slot: number; position: number }[]
}

/** softmax(q·k)·v over the positions up to each row's own: [rows, heads, head size]. */
export function attentionReference(input: AttentionInput): Float64Array {
  const { queries, keys, values, heads, headSize, cacheHeadSize, capacity, rows } = input
  const out = new Float64Array(rows.length * heads * headSize)
  rows.forEach(({ slot, position }, row) => {
    for (let head = 0; head < heads; head += 1) {
      const at = (key: number): number => ((slot * heads + head) * capacity + key) * cacheHeadSize
      const from = (row * heads + head) * headSize
      const scores = Array.from({ length: position + 1 }, (_, key) => {
        let sum = 0
        for (let i = 0; i < headSize; i += 1) sum += (queries[from + i] ?? 0) * (keys[at(key) + i] ?? 0)
        return sum
      })
      const most = Math.max(...scores)
      const weights = scores.map((score) => Math.exp(score - most))
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      weights.forEach((weight, key) => {
        for (let i = 0; i < headSize; i += 1)
          out[from + i] = (out[from + i] ?? 0) + (weight / total) * (values[at(key) + i] ?? 0)
      })
    }
  })
  return out
}
