/** T5's decoder: a step over a KV cache, looking at what the encoder made of picture and prompt. */
import { textDecoder as treaty, textEncoder } from '../../pack/parts.ts'
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts'
import { padHeads, unpadHeads, type HeadSizes } from '../onnx/heads.ts'
import { addRmsNorm, linear, rmsNorm } from '../onnx/layers.ts'
import { lookUp, scoreRows } from '../onnx/token-table.ts'
import type { Linear, RmsNorm, Table, WeightsPlanner } from '../planner.ts'
import type { Initialiser } from '../weights.ts'
import type { Part } from './part.ts'
import {
  feedForward,
  inBlock,
  planBiases,
  planFeedForward,
  planFinalNorm,
  planSelfAttention,
  planTable,
  positionBias,
  t5CacheHeadSize,
  type FeedForward,
  type SelfAttention,
  type T5Config,
} from './t5-layers.ts'

interface CrossAttention {
  norm: RmsNorm
  query: Linear
  output: Linear
}

interface Layer {
  attention: SelfAttention
  cross: CrossAttention
  feedForward: FeedForward
}

interface T5DecoderWeights {
  embedding: Table
  biases: Initialiser
  layers: Layer[]
  finalNorm: RmsNorm
  /** The head when it is not the embedding itself. */
  head: Linear | null
}

/** Computes in float32 as the encoder does. */
export function t5DecoderPart(config: T5Config): Part {
  return {
    name: 'text-decoder',
    sensitive: false,
    halfGraph: false,
    ownWasmGraph: true,
    plan: (planner) => {
      const weights = planT5Decoder(planner, config)
      return (graph, target) => buildT5Decoder(graph, config, weights, target !== 'wasm')
    },
  }
}

function planT5Decoder(planner: WeightsPlanner, config: T5Config): T5DecoderWeights {
  const { hiddenSize: hidden, heads, headSize, epsilon } = config
  const embedding = planTable(planner, config, config.embeddings.decoder)
  const biases = planBiases(planner, config, 'decoder')
  const layers = Array.from({ length: config.decoderLayers }, (_, i): Layer => {
    const at = (name: string): string => inBlock('decoder', i, `layer.1.${name}`)
    const one = (name: string, outputs: number, inputs: number): Linear =>
      planner.linear(at(name), [at(name)], outputs, inputs, { bias: false })
    return {
      attention: planSelfAttention(planner, config, 'decoder', i),
      cross: {
        norm: planner.rmsNorm(at('layer_norm'), hidden, epsilon),
        query: one('EncDecAttention.q', heads * headSize, hidden),
        output: one('EncDecAttention.o', hidden, heads * headSize),
      },
      feedForward: planFeedForward(planner, config, 'decoder', i, 2),
    }
  })
  const finalNorm = planFinalNorm(planner, config, 'decoder')
  const module = config.embeddings.head.replace(/\.weight$/, '')
  const head = config.tiedHead
    ? null
    : planner.linear('lm_head', [module], config.vocabulary, hidden, { bias: false })
  return { embedding, biases, layers, finalNorm, head }
}

/** `sharedTable`: see `scoreRows`. */
function buildT5Decoder(
  graph: GraphBuilder,
  config: T5Config,
  weights: T5DecoderWeights,
  sharedTable: boolean,
): void {
  const { hiddenSize: hidden, vocabulary } = config
  const type = graph.computeType
  const { input } = treaty
  const tokens = graph.input(input.tokens, 'int64', ['batch', 'rows'])
  const buckets = graph.input(input.buckets, 'int64', ['rows', 'total'])
  const lastPosition = graph.input(input.lastPosition, 'int32', ['batch'])
  const totalLength = graph.input(input.totalLength, 'int32', [1])

  let stream = lookUp(graph, weights.embedding, tokens) // [B, S, hidden]
  const bias = positionBias(graph, weights.biases, buckets) // [1, heads, S, P + S]
  const inner = graph.integers([config.heads * config.headSize])
  const shape = graph.op('Concat', [graph.op('Shape', [tokens]), inner], { axis: 0 })
  const norms = [...weights.layers.map(({ attention }) => attention.norm), weights.finalNorm]
  let normed = rmsNorm(graph, stream, norms[0] ?? weights.finalNorm)
  weights.layers.forEach(({ attention, cross, feedForward: wide }, i) => {
    const past = { bias, lastPosition, totalLength, layer: i }
    const attended = selfAttention(graph, config, linear(graph, normed, attention.qkv), past)
    ;[normed, stream] = addRmsNorm(graph, linear(graph, attended, attention.output), stream, cross.norm)
    const looked = crossAttention(graph, config, linear(graph, normed, cross.query), i, shape)
    ;[normed, stream] = addRmsNorm(graph, linear(graph, looked, cross.output), stream, wide.norm)
    const fed = feedForward(graph, normed, wide, config.gelu)
    ;[normed, stream] = addRmsNorm(graph, fed, stream, norms[i + 1] ?? weights.finalNorm)
  })
  const flat = graph.op('Reshape', [normed, graph.integers([1, -1, hidden])])
  const scaled = config.scaledHead
    ? graph.op('Mul', [
        flat,
        graph.cast(graph.float32(Float32Array.of(hidden ** -0.5), [1]), 'float32', type),
      ])
    : flat
  const logits =
    weights.head === null
      ? scoreRows(graph, scaled, weights.embedding, sharedTable)
      : linear(graph, scaled, weights.head)
  graph.output(treaty.output.logits, graph.cast(logits, type, 'float32'), 'float32', [
    1,
    'logits',
    vocabulary,
  ])
}

interface Past {
  bias: Value
  lastPosition: Value
  totalLength: Value
  layer: number
}

/** qkv [B, S, 3 · heads · size] → [B, S, heads · size]; not scaled, as in all of T5. */
function selfAttention(
  graph: GraphBuilder,
  config: T5Config,
  qkv: Value,
  { bias, lastPosition, totalLength, layer }: Past,
): Value {
  const { heads, headSize } = config
  const sizes: HeadSizes = { size: headSize, filled: t5CacheHeadSize(config) }
  const type = graph.computeType
  const pastKey = graph.input(treaty.pastKey(layer), type, ['batch', heads, 'past', sizes.filled])
  const pastValue = graph.input(treaty.pastValue(layer), type, ['batch', heads, 'past', sizes.filled])
  const lengths = [lastPosition, totalLength]
  const [attended = ''] = graph.ops(
    'GroupQueryAttention',
    [padHeads(graph, qkv, 3 * heads, sizes), '', '', pastKey, pastValue, ...lengths, '', '', '', bias],
    [null, treaty.presentKey(layer), treaty.presentValue(layer)],
    { num_heads: heads, kv_num_heads: heads, do_rotary: 0, scale: { float: 1 } },
  )
  graph.namedOutput(treaty.presentKey(layer), type, ['batch', heads, 'total', sizes.filled])
  graph.namedOutput(treaty.presentValue(layer), type, ['batch', heads, 'total', sizes.filled])
  return unpadHeads(graph, attended, heads, sizes)
}

/**
 * query [B, S, heads · size] → the same, which is `shape`. Nothing is masked and nothing depends on positions here, so
 * all rows of all beams are laid side by side and look at one set of keys and values.
 */
function crossAttention(
  graph: GraphBuilder,
  { heads, headSize }: T5Config,
  query: Value,
  layer: number,
  shape: Value,
): Value {
  const kept = [1, heads, 'length', headSize]
  const seen = [textEncoder.crossKey(layer), textEncoder.crossValue(layer)].map((name) =>
    graph.input(name, graph.computeType, kept),
  )
  const rows = graph.op('Reshape', [query, graph.integers([1, -1, heads * headSize])])
  const looked = graph.op('MultiHeadAttention', [rows, ...seen], { num_heads: heads, scale: { float: 1 } })
  return graph.op('Reshape', [looked, shape])
}
