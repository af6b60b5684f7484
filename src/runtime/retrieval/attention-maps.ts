/** Where the queries of a picture look, by layer and head. */

export interface AttentionMaps {
  /** Layers that look at the picture. */
  layers: number
  heads: number
  queries: number
  /** Image tokens; the first is the class token, the others are patches by rows. */
  tokens: number
  /** [layers, heads, Q, tokens], each row a probability over the tokens */
  byHead: Float32Array<ArrayBuffer>
}

/** The mean over the heads, [layers, Q, tokens]. */
export function meanOverHeads({
  layers,
  heads,
  queries,
  tokens,
  byHead,
}: AttentionMaps): Float32Array<ArrayBuffer> {
  const size = queries * tokens
  const mean = new Float32Array(layers * size)
  for (let layer = 0; layer < layers; layer += 1)
    for (let head = 0; head < heads; head += 1)
      for (let i = 0; i < size; i += 1)
        mean[layer * size + i] =
          (mean[layer * size + i] ?? 0) + (byHead[(layer * heads + head) * size + i] ?? 0) / heads
  return mean
}
