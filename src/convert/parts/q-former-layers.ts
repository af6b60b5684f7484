/** The layers of a Q-Former: its self-attention, its look at the picture, and the feed-forward of its queries. */
import type { LookConfig } from '../families/blip2-look.ts'
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts'
import { addNormOnly, linear } from '../onnx/layers.ts'
import type { Linear, Norm, WeightsPlanner } from '../planner.ts'

/** What stands behind an attention: its projection, and the norm of that and the residual. */
export interface Closing {
  output: Linear
  norm: Norm
}

export interface FeedForward {
  intermediate: Linear
  output: Linear
  norm: Norm
}

export interface QFormerLayer {
  self: Closing & { qkv: Linear }
  /** In every `crossAttentionFrequency`-th layer, counted from 0. */
  cross: (Closing & { query: Linear; keyValue: Linear }) | null
  /** Of the queries; rows of text have their own. */
  feedForward: FeedForward
}

/** The learned queries, [1, queries, hidden]. */
export const QUERY_TOKENS = 'query_tokens'

/** Stands in front of the layers, for queries and text alike. */
export const INPUT_NORM = 'qformer.layernorm'

/** The name of a tensor of one layer. */
export function inLayer(layer: number, name: string): string {
  return `qformer.encoder.layer.${layer}.${name}`
}

export function planLayer(planner: WeightsPlanner, { vision, qFormer }: LookConfig, i: number): QFormerLayer {
  const { hiddenSize: hidden, layerNormEps, crossAttentionFrequency } = qFormer
  const at = (name: string): string => inLayer(i, name)
  const stack = (name: string, parts: string[], inputs: number): Linear =>
    planner.linear(
      at(`${name}.${parts.join('_')}`),
      parts.map((part) => at(`${name}.${part}`)),
      hidden,
      inputs,
    )
  const closing = (name: string): Closing => ({
    output: planner.linear(at(`${name}.output.dense`), [at(`${name}.output.dense`)], hidden, hidden),
    norm: planner.norm(at(`${name}.output.LayerNorm`), hidden, layerNormEps),
  })
  const crosses = i % crossAttentionFrequency === 0
  return {
    self: { qkv: stack('attention.attention', ['query', 'key', 'value'], hidden), ...closing('attention') },
    cross: crosses
      ? {
          query: stack('crossattention.attention', ['query'], hidden),
          keyValue: stack('crossattention.attention', ['key', 'value'], vision.hiddenSize),
          ...closing('crossattention'),
        }
      : null,
    feedForward: planFeedForward(planner, { qFormer }, i, '_query'),
  }
}

/** `of`: behind the names of its tensors, `_query` for that of the queries and nothing for that of text. */
export function planFeedForward(
  planner: WeightsPlanner,
  { qFormer }: Pick<LookConfig, 'qFormer'>,
  layer: number,
  of: '_query' | '',
): FeedForward {
  const { hiddenSize: hidden, intermediateSize, layerNormEps } = qFormer
  const one = (name: string, outputs: number, inputs: number): Linear =>
    planner.linear(inLayer(layer, name), [inLayer(layer, name)], outputs, inputs)
  return {
    intermediate: one(`intermediate${of}.dense`, intermediateSize, hidden),
    output: one(`output${of}.dense`, hidden, intermediateSize),
    norm: planner.norm(inLayer(layer, `output${of}.LayerNorm`), hidden, layerNormEps),
  }
}

export function feedForward(graph: GraphBuilder, x: Value, weights: FeedForward): Value {
  const wide = graph.op('Gelu', [linear(graph, x, weights.intermediate)])
  return addNormOnly(graph, linear(graph, wide, weights.output, false), x, weights.norm, weights.output)
}

/** Post-norm: LayerNorm(dense(attended) + residual). */
export function close(graph: GraphBuilder, attended: Value, residual: Value, weights: Closing): Value {
  return addNormOnly(
    graph,
    linear(graph, attended, weights.output, false),
    residual,
    weights.norm,
    weights.output,
  )
}
