/** `GroupQueryAttention` takes head sizes that are multiples of 8; others are filled up with zeros on the way in. */
import type { GraphBuilder, Value } from './graph-builder.ts'

export interface HeadSizes {
  /** What a head has. */
  size: number
  /** What it has in the KV cache: the next multiple of 8. */
  filled: number
}

/** [B, S, heads · size] → [B, S, heads · filled]. Queries, keys and values one behind the other count as heads of one. */
export function padHeads(graph: GraphBuilder, x: Value, heads: number, { size, filled }: HeadSizes): Value {
  if (filled === size) return x
  const split = graph.op('Reshape', [x, graph.integers([0, 0, heads, size])])
  const padded = graph.op('Pad', [split, graph.integers([0, 0, 0, 0, 0, 0, 0, filled - size])])
  return graph.op('Reshape', [padded, graph.integers([0, 0, heads * filled])])
}

/** [B, S, heads · filled] → [B, S, heads · size]. */
export function unpadHeads(
  graph: GraphBuilder,
  attended: Value,
  heads: number,
  { size, filled }: HeadSizes,
): Value {
  if (filled === size) return attended
  const split = graph.op('Reshape', [attended, graph.integers([0, 0, heads, filled])])
  const kept = graph.op('Slice', [split, graph.integers([0]), graph.integers([size]), graph.integers([3])])
  return graph.op('Reshape', [kept, graph.integers([0, 0, heads * size])])
}
