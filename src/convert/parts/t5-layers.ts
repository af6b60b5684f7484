/** What T5's two stacks have in common: names of tensors, the table of position biases, and the gated feed-forward. */
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts'
import { linear, split } from '../onnx/layers.ts'
import type { Linear, RmsNorm, Table, WeightsPlanner } from '../planner.ts'
import type { Initialiser } from '../weights.ts'

export interface T5Config {
  /** `d_model` */
  hiddenSize: number
  heads: number
  /** `d_kv`: heads × head size need not be the hidden size. */
  headSize: number
  intermediateSize: number
  encoderLayers: number
  decoderLayers: number
  /** Rows of the token embedding. */
  vocabulary: number
  /** Rows of the table of position biases. */
  buckets: number
  /** From this distance on all positions share the last bucket. */
  maxDistance: number
  epsilon: number
  /** BLIP-2's T5 has the exact GELU, T5 by itself the tanh form. */
  gelu: 'erf' | 'tanh'
  /** Whether what goes into the head is multiplied by hidden size^-0.5, as the first T5 with its tied head does. */
  scaledHead: boolean
  /** The decoder's embedding serves as the head. */
  tiedHead: boolean
  /** The tensors that each stack's embedding and the head are: one table may be stored under any of its names. */
  embeddings: { encoder: string; decoder: string; head: string }
  startId: number
  eosIds: number[]
  padId: number
}

/** Head size in the cache: `GroupQueryAttention` takes multiples of 8. */
export function t5CacheHeadSize({ headSize }: T5Config): number {
  return Math.ceil(headSize / 8) * 8
}

const MODEL = 'language_model'

export const T5_SHARED = `${MODEL}.shared.weight`
export const T5_HEAD = `${MODEL}.lm_head.weight`

/** `stack` is `encoder` or `decoder`. */
export function embeddingOf(stack: T5Stack): string {
  return `${MODEL}.${stack}.embed_tokens.weight`
}

export type T5Stack = 'encoder' | 'decoder'

/** The module `name` of a block, or of the stack itself. */
export function inBlock(stack: T5Stack, block: number, name: string): string {
  return `${MODEL}.${stack}.block.${block}.${name}`
}

export function planTable(planner: WeightsPlanner, config: T5Config, tensor: string): Table {
  return planner.table('shared', { tensor, shape: [config.vocabulary, config.hiddenSize] })
}

/** [1, heads, buckets]: every layer of a stack adds the biases of its first block. */
export function planBiases(planner: WeightsPlanner, config: T5Config, stack: T5Stack): Initialiser {
  const tensor = inBlock(stack, 0, 'layer.0.SelfAttention.relative_attention_bias.weight')
  const source = { tensor, shape: [config.buckets, config.heads] }
  return planner.transposed('relative_attention_bias', source, [1, config.heads, config.buckets])
}

export function planFinalNorm(planner: WeightsPlanner, config: T5Config, stack: T5Stack): RmsNorm {
  return planner.rmsNorm(`${MODEL}.${stack}.final_layer_norm`, config.hiddenSize, config.epsilon)
}

/** A sub-layer is behind a norm of its own; what it yields is added to the stream. */
export interface SelfAttention {
  norm: RmsNorm
  /** All of q, then k, then v. */
  qkv: Linear
  output: Linear
}

export function planSelfAttention(
  planner: WeightsPlanner,
  config: T5Config,
  stack: T5Stack,
  block: number,
): SelfAttention {
  const { hiddenSize: hidden, heads, headSize } = config
  const at = (name: string): string => inBlock(stack, block, `layer.0.${name}`)
  const inner = heads * headSize
  const parts = ['q', 'k', 'v'].map((part) => at(`SelfAttention.${part}`))
  return {
    norm: planner.rmsNorm(at('layer_norm'), hidden, config.epsilon),
    qkv: planner.linear(at('SelfAttention.qkv'), parts, inner, hidden, { bias: false }),
    output: planner.linear(at('SelfAttention.o'), [at('SelfAttention.o')], hidden, inner, { bias: false }),
  }
}

export interface FeedForward {
  norm: RmsNorm
  /** The linear half `wi_1`, then the gate `wi_0`: the order that `BiasSplitGelu` takes. */
  wide: Linear
  narrow: Linear
}

/** `layer` is the sub-layer's number in its block: 1 in the encoder, 2 behind the decoder's cross-attention. */
export function planFeedForward(
  planner: WeightsPlanner,
  config: T5Config,
  stack: T5Stack,
  block: number,
  layer: number,
): FeedForward {
  const { hiddenSize: hidden, intermediateSize: inner } = config
  const at = (name: string): string => inBlock(stack, block, `layer.${layer}.${name}`)
  const halves = ['wi_1', 'wi_0'].map((half) => at(`DenseReluDense.${half}`))
  return {
    norm: planner.rmsNorm(at('layer_norm'), hidden, config.epsilon),
    wide: planner.linear(at('DenseReluDense.wi'), halves, inner, hidden, { bias: false }),
    narrow: planner.linear(at('DenseReluDense.wo'), [at('DenseReluDense.wo')], hidden, inner, {
      bias: false,
    }),
  }
}

/** wo(gelu(wi_0 x) · wi_1 x), x being what the norm made. */
export function feedForward(
  graph: GraphBuilder,
  x: Value,
  weights: FeedForward,
  gelu: T5Config['gelu'],
): Value {
  const [linearHalf = '', gate = ''] = split(graph, linear(graph, x, weights.wide), 2)
  const opened = graph.op(gelu === 'erf' ? 'Gelu' : 'FastGelu', [gate])
  return linear(graph, graph.op('Mul', [opened, linearHalf]), weights.narrow)
}

/** [1, heads, S, T] out of the table [1, heads, buckets] and bucket numbers [S, T]. */
export function positionBias(graph: GraphBuilder, table: Initialiser, buckets: Value): Value {
  return graph.op('Gather', [graph.weight(table), buckets], { axis: 2 })
}
