/** T5's encoder behind the query embeddings, and the keys and values of the decoder's cross-attention. */
import { textEncoder as treaty } from '../../pack/parts.ts'
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts'
import { addRmsNorm, linear, rmsNorm, split } from '../onnx/layers.ts'
import { lookUp } from '../onnx/token-table.ts'
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
  type FeedForward,
  type SelfAttention,
  type T5Config,
} from './t5-layers.ts'

interface T5EncoderWeights {
  embedding: Table
  biases: Initialiser
  layers: { attention: SelfAttention; feedForward: FeedForward }[]
  finalNorm: RmsNorm
  /** Of each decoder layer: all keys, then all values. */
  cross: Linear[]
}

/** Computes in float32 whatever its weights are stored as: what T5 computes leaves the range of float16. */
export function t5EncoderPart(config: T5Config, queries: number): Part {
  return {
    name: 'text-encoder',
    sensitive: false,
    halfGraph: false,
    ownWasmGraph: false,
    plan: (planner) => {
      const weights = planT5Encoder(planner, config)
      return (graph) => buildT5Encoder(graph, config, queries, weights)
    },
  }
}

function planT5Encoder(planner: WeightsPlanner, config: T5Config): T5EncoderWeights {
  const embedding = planTable(planner, config, config.embeddings.encoder)
  const biases = planBiases(planner, config, 'encoder')
  const layers = Array.from({ length: config.encoderLayers }, (_, i) => ({
    attention: planSelfAttention(planner, config, 'encoder', i),
    feedForward: planFeedForward(planner, config, 'encoder', i, 1),
  }))
  const finalNorm = planFinalNorm(planner, config, 'encoder')
  const cross = Array.from({ length: config.decoderLayers }, (_, i) => {
    const at = (part: string): string => inBlock('decoder', i, `layer.1.EncDecAttention.${part}`)
    return planner.linear(at('kv'), [at('k'), at('v')], config.heads * config.headSize, config.hiddenSize, {
      bias: false,
    })
  })
  return { embedding, biases, layers, finalNorm, cross }
}

/** `queries`: how many query embeddings a picture has. */
function buildT5Encoder(
  graph: GraphBuilder,
  config: T5Config,
  queries: number,
  weights: T5EncoderWeights,
): void {
  const { heads, hiddenSize: hidden } = config
  const type = graph.computeType
  const tokens = graph.input(treaty.input.tokens, 'int64', [1, 'tokens'])
  const seen = graph.input(treaty.input.queries, 'float32', [1, queries, hidden])
  const buckets = graph.input(treaty.input.buckets, 'int64', ['length', 'length'])

  const embedded = lookUp(graph, weights.embedding, tokens) // [1, T, hidden]
  const bias = positionBias(graph, weights.biases, buckets) // [1, heads, L, L]
  let stream = graph.op('Concat', [graph.cast(seen, 'float32', type), embedded], { axis: 1 })
  const norms = [...weights.layers.map(({ attention }) => attention.norm), weights.finalNorm]
  let normed = rmsNorm(graph, stream, norms[0] ?? weights.finalNorm)
  weights.layers.forEach(({ attention, feedForward: wide }, i) => {
    const qkv = split(graph, linear(graph, normed, attention.qkv), 3)
    const attended = graph.op('MultiHeadAttention', [...qkv, '', '', bias], {
      num_heads: heads,
      scale: { float: 1 },
    })
    ;[normed, stream] = addRmsNorm(graph, linear(graph, attended, attention.output), stream, wide.norm)
    const fed = feedForward(graph, normed, wide, config.gelu)
    ;[normed, stream] = addRmsNorm(graph, fed, stream, norms[i + 1] ?? weights.finalNorm)
  })
  graph.output(treaty.output.hidden, graph.cast(normed, type, 'float32'), 'float32', [1, 'length', hidden])
  weights.cross.forEach((keyValue, i) => {
    const [keys = '', values = ''] = split(graph, linear(graph, normed, keyValue), 2)
    const shape = [1, heads, 'length', config.headSize]
    graph.output(treaty.crossKey(i), byHeads(graph, config, keys), type, shape)
    graph.output(treaty.crossValue(i), byHeads(graph, config, values), type, shape)
  })
}

/** [1, L, heads · size] → [1, heads, L, size]. */
function byHeads(graph: GraphBuilder, { heads, headSize }: T5Config, x: Value): Value {
  const divided = graph.op('Reshape', [x, graph.integers([0, 0, heads, headSize])])
  return graph.op('Transpose', [divided], { perm: [0, 2, 1, 3] })
}
