/** Q-Former on its learned queries, with the language projection: image features → query embeddings. */
import { qFormer as treaty } from '../../pack/parts.ts'
import { visionTokens, type LookConfig } from '../families/blip2-look.ts'
import type { GraphBuilder } from '../onnx/graph-builder.ts'
import { attention, layerNorm, linear, split } from '../onnx/layers.ts'
import type { Linear, Norm, WeightsPlanner } from '../planner.ts'
import type { Initialiser } from '../weights.ts'
import type { Part } from './part.ts'
import {
  close,
  feedForward,
  INPUT_NORM,
  planLayer,
  QUERY_TOKENS,
  type QFormerLayer,
} from './q-former-layers.ts'

interface QFormerWeights {
  queries: Initialiser
  norm: Norm
  layers: QFormerLayer[]
  projection: Linear
}

/** `embeddingSize`: width of the language model that the embeddings go to. */
export function qFormerPart(config: LookConfig, embeddingSize: number): Part {
  return {
    name: 'q-former',
    sensitive: true,
    halfGraph: false,
    ownWasmGraph: false,
    plan: (planner) => {
      const weights = planQFormer(planner, config, embeddingSize)
      return (graph) => buildQFormer(graph, config, embeddingSize, weights)
    },
  }
}

function planQFormer(planner: WeightsPlanner, config: LookConfig, embeddingSize: number): QFormerWeights {
  const { hiddenSize: hidden, layerNormEps } = config.qFormer
  return {
    queries: planner.floats(QUERY_TOKENS, [{ tensor: QUERY_TOKENS, shape: [1, config.queries, hidden] }]),
    norm: planner.norm(INPUT_NORM, hidden, layerNormEps),
    layers: Array.from({ length: config.qFormer.layers }, (_, i) => planLayer(planner, config, i)),
    projection: planner.linear('language_projection', ['language_projection'], embeddingSize, hidden),
  }
}

/** Computed in f32 throughout: its layer-norm epsilon of 1e-12 vanishes in f16 (transformers keeps it in f32 too). */
function buildQFormer(
  graph: GraphBuilder,
  config: LookConfig,
  embeddingSize: number,
  weights: QFormerWeights,
): void {
  const { heads, hiddenSize } = config.qFormer
  const features = graph.input(treaty.input.features, 'float32', [
    1,
    visionTokens(config.vision),
    config.vision.hiddenSize,
  ])
  let hidden = layerNorm(graph, graph.weight(weights.queries), weights.norm) // [1, queries, hidden]
  for (const layer of weights.layers) {
    const [query = '', key = '', value = ''] = split(graph, linear(graph, hidden, layer.self.qkv), 3)
    hidden = close(graph, attention(graph, query, key, value, heads), hidden, layer.self)
    if (layer.cross !== null) {
      const [seenKey = '', seenValue = ''] = split(graph, linear(graph, features, layer.cross.keyValue), 2)
      const looked = attention(graph, linear(graph, hidden, layer.cross.query), seenKey, seenValue, heads)
      hidden = close(graph, looked, hidden, layer.cross)
    }
    hidden = feedForward(graph, hidden, layer.feedForward)
  }
  graph.output(treaty.output.queries, hidden, 'float32', [1, config.queries, hiddenSize])
  const embeddings = linear(graph, hidden, weights.projection)
  graph.output(treaty.output.embeddings, embeddings, 'float32', [1, config.queries, embeddingSize])
}
