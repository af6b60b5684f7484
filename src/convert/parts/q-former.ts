/** Q-Former on its learned queries, with the language projection: image features → query embeddings. */
import { qFormer as treaty } from '../../pack/parts.ts'
import { visionTokens, type LookConfig } from '../families/blip2-look.ts'
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts'
import type { Linear, Norm, WeightsPlanner } from '../planner.ts'
import type { Initialiser } from '../weights.ts'
import type { Part } from './part.ts'
import { addNormOnly, attention, layerNorm, linear, split } from '../onnx/layers.ts'

interface Attention {
  output: Linear
  norm: Norm
}

interface Layer {
  self: Attention & { qkv: Linear }
  /** In every `crossAttentionFrequency`-th layer, counted from 0. */
  cross: (Attention & { query: Linear; keyValue: Linear }) | null
  intermediate: Linear
  output: Linear
  norm: Norm
}

interface QFormerWeights {
  queries: Initialiser
  norm: Norm
  layers: Layer[]
  projection: Linear
}

/** The learned queries, [1, queries, hidden]. */
export const QUERY_TOKENS = 'query_tokens'

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
  const { hiddenSize: hidden, intermediateSize, layerNormEps, crossAttentionFrequency } = config.qFormer
  const norm = (tensor: string): Norm => planner.norm(tensor, hidden, layerNormEps)
  const one = (tensor: string, outputs: number, inputs: number): Linear =>
    planner.linear(tensor, [tensor], outputs, inputs)
  const queries = planner.floats(QUERY_TOKENS, [{ tensor: QUERY_TOKENS, shape: [1, config.queries, hidden] }])
  const inputNorm = norm('qformer.layernorm')
  const layers = Array.from({ length: config.qFormer.layers }, (_, i): Layer => {
    const at = (name: string): string => `qformer.encoder.layer.${i}.${name}`
    const stack = (name: string, parts: string[], inputs: number): Linear =>
      planner.linear(
        at(`${name}.${parts.join('_')}`),
        parts.map((part) => at(`${name}.${part}`)),
        hidden,
        inputs,
      )
    const closing = (name: string): Attention => ({
      output: one(at(`${name}.output.dense`), hidden, hidden),
      norm: norm(at(`${name}.output.LayerNorm`)),
    })
    const crosses = i % crossAttentionFrequency === 0
    return {
      self: { qkv: stack('attention.attention', ['query', 'key', 'value'], hidden), ...closing('attention') },
      cross: crosses
        ? {
            query: stack('crossattention.attention', ['query'], hidden),
            keyValue: stack('crossattention.attention', ['key', 'value'], config.vision.hiddenSize),
            ...closing('crossattention'),
          }
        : null,
      intermediate: one(at('intermediate_query.dense'), intermediateSize, hidden),
      output: one(at('output_query.dense'), hidden, intermediateSize),
      norm: norm(at('output_query.LayerNorm')),
    }
  })
  return {
    queries,
    norm: inputNorm,
    layers,
    projection: one('language_projection', embeddingSize, hidden),
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
    const wide = graph.op('Gelu', [linear(graph, hidden, layer.intermediate)])
    hidden = addNormOnly(graph, linear(graph, wide, layer.output, false), hidden, layer.norm, layer.output)
  }
  graph.output(treaty.output.queries, hidden, 'float32', [1, config.queries, hiddenSize])
  const embeddings = linear(graph, hidden, weights.projection)
  graph.output(treaty.output.embeddings, embeddings, 'float32', [1, config.queries, embeddingSize])
}

/** Post-norm: LayerNorm(dense(attended) + residual). */
function close(graph: GraphBuilder, attended: Value, residual: Value, weights: Attention): Value {
  return addNormOnly(
    graph,
    linear(graph, attended, weights.output, false),
    residual,
    weights.norm,
    weights.output,
  )
}
