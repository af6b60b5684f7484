/**
 * The Q-Former of stage 1: queries and a text in one sequence, which share self-attention and have a feed-forward each,
 * only the queries looking at the picture. One graph serves all three of the paper's losses; what sees what is an input.
 * A second graph over the same weights tells where the queries look.
 */
import { crossAttention, textQFormer as treaty, wordHead } from '../../pack/parts.ts'
import type { LookConfig, QFormerConfig } from '../families/blip2-look.ts'
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts'
import { attention, layerNorm, linear, split } from '../onnx/layers.ts'
import { lookUp, scoreRows } from '../onnx/token-table.ts'
import type { Linear, Norm, Table, WeightsPlanner } from '../planner.ts'
import type { Initialiser } from '../weights.ts'
import type { Part } from './part.ts'
import {
  close,
  feedForward,
  INPUT_NORM,
  planFeedForward,
  planLayer,
  QUERY_TOKENS,
  type FeedForward,
  type QFormerLayer,
} from './q-former-layers.ts'

export interface TextQFormerConfig extends LookConfig {
  qFormer: QFormerConfig & {
    vocabulary: number
    /** Of texts; queries have none. */
    positions: number
  }
  /** Width of the vectors by which pictures and texts are compared. */
  projectionSize: number
  /** By which it writes; null where the checkpoint has none. `tied`: it scores words by their embeddings. */
  wordHead: { tied: boolean } | null
}

type Layer = QFormerLayer & { textFeedForward: FeedForward }

interface Weights {
  queries: Initialiser
  words: Table
  positions: Initialiser
  norm: Norm
  layers: Layer[]
  imageProjection: Linear
  textProjection: Linear
  matchHead: Linear
  wordHead: WordHead | null
}

interface WordHead {
  transform: Linear
  norm: Norm
  /** Null where words are scored by their embeddings. */
  decoder: Linear | null
  bias: Initialiser
}

/** The head that writes, as LAVIS has it of BERT. */
const HEAD = 'cls.predictions'
export const HEAD_TENSORS = {
  transform: `${HEAD}.transform.dense`,
  norm: `${HEAD}.transform.LayerNorm`,
  decoder: `${HEAD}.decoder`,
  bias: `${HEAD}.bias`,
} as const

/** Names of the tensors that no other Q-Former has. */
export const TEXT_TENSORS = {
  words: 'embeddings.word_embeddings.weight',
  positions: 'embeddings.position_embeddings.weight',
  imageProjection: 'vision_projection',
  textProjection: 'text_projection',
  matchHead: 'itm_head',
} as const

const LOOK_INSIDE = 'cross-attention'
const WRITING = 'word-head'

/** Parts of a pack over one file of weights: `text-q-former`, `cross-attention` and, where there is one, `word-head`. */
export function textQFormerPart(config: TextQFormerConfig): Part {
  return {
    name: 'text-q-former',
    alsoOver: config.wordHead === null ? [LOOK_INSIDE] : [LOOK_INSIDE, WRITING],
    sensitive: true,
    halfGraph: false,
    ownWasmGraph: false,
    plan: (planner) => {
      const weights = planWeights(planner, config)
      return (graph, _, name) => {
        if (name === WRITING) {
          buildWordHead(graph, config, weights)
          return
        }
        const maps: Value[] = []
        const hidden = buildLayers(graph, config, weights, name === LOOK_INSIDE ? maps : null)
        if (name === LOOK_INSIDE) declareMaps(graph, config, maps)
        else buildHeads(graph, config, weights, hidden)
      }
    },
  }
}

function planWeights(planner: WeightsPlanner, config: TextQFormerConfig): Weights {
  const { hiddenSize: hidden, layerNormEps, layers, vocabulary, positions } = config.qFormer
  const { words, positions: positionTable, imageProjection, textProjection, matchHead } = TEXT_TENSORS
  const project = (tensor: string): Linear => planner.linear(tensor, [tensor], config.projectionSize, hidden)
  return {
    queries: planner.floats(QUERY_TOKENS, [{ tensor: QUERY_TOKENS, shape: [1, config.queries, hidden] }]),
    words: planner.table(words, { tensor: words, shape: [vocabulary, hidden] }),
    positions: planner.floats(positionTable, [{ tensor: positionTable, shape: [positions, hidden] }]),
    norm: planner.norm(INPUT_NORM, hidden, layerNormEps),
    layers: Array.from({ length: layers }, (_, i) => ({
      ...planLayer(planner, config, i),
      textFeedForward: planFeedForward(planner, config, i, ''),
    })),
    imageProjection: project(imageProjection),
    textProjection: project(textProjection),
    matchHead: planMatchHead(planner, matchHead, hidden),
    wordHead: config.wordHead === null ? null : planWordHead(planner, config, config.wordHead.tied),
  }
}

/** Behind everything else, so that the file begins alike with a head and without one. */
function planWordHead(planner: WeightsPlanner, { qFormer }: TextQFormerConfig, tied: boolean): WordHead {
  const { hiddenSize: hidden, layerNormEps, vocabulary } = qFormer
  const { transform, norm, decoder, bias } = HEAD_TENSORS
  return {
    transform: planner.linear(transform, [transform], hidden, hidden),
    norm: planner.norm(norm, hidden, layerNormEps),
    decoder: tied ? null : planner.linear(decoder, [decoder], vocabulary, hidden, { bias: false }),
    bias: planner.floats(bias, [{ tensor: bias, shape: [vocabulary] }]),
  }
}

/** Two rows: nothing would be gained by fewer bits. */
function planMatchHead(planner: WeightsPlanner, tensor: string, hidden: number): Linear {
  const source = { tensor: `${tensor}.weight`, shape: [2, hidden] }
  return {
    kind: 'dense',
    weight: planner.transposed(`${tensor}.weight`, source, [hidden, 2]),
    bias: planner.floats(`${tensor}.bias`, [{ tensor: `${tensor}.bias`, shape: [2] }]),
  }
}

interface Rows {
  /** [B, Q, hidden] */
  queries: Value
  /** [B, L, hidden] */
  text: Value
}

/**
 * Inputs and layers. Computed in float32 throughout, as the Q-Former of the chat models. Where `maps` is given the
 * probabilities of each cross-attention go there, and what comes behind the last of them is left out.
 */
function buildLayers(
  graph: GraphBuilder,
  config: TextQFormerConfig,
  weights: Weights,
  maps: Value[] | null,
): Rows {
  const { heads, layers: count } = config.qFormer
  const { features, pictures, tokens, mask } = treaty.input
  const seen = graph.input(features, 'float32', ['pictures', 'image_tokens', config.vision.hiddenSize])
  const looking = graph.input(pictures, 'int64', ['batch'])
  const ids = graph.input(tokens, 'int64', ['batch', 'tokens'])
  const bias = graph.input(mask, 'float32', ['batch_or_1', 1, 'length', 'length'])
  const entered = graph.op('Concat', [queriesOf(graph, weights, ids), embed(graph, weights, ids)], {
    axis: 1,
  })
  let hidden = layerNorm(graph, entered, weights.norm) // [B, Q + L, hidden]
  let rows: Rows = { queries: hidden, text: hidden }
  const lastLook = weights.layers.findLastIndex(({ cross }) => cross !== null)
  for (const [i, layer] of weights.layers.entries()) {
    const qkv = split(graph, linear(graph, hidden, layer.self.qkv), 3)
    const attended = graph.op('MultiHeadAttention', [...qkv, '', '', bias], { num_heads: heads })
    rows = cut(graph, config, close(graph, attended, hidden, layer.self))
    if (layer.cross !== null) {
      const query = linear(graph, rows.queries, layer.cross.query)
      const keyValue = graph.op('Gather', [linear(graph, seen, layer.cross.keyValue), looking], { axis: 0 })
      const [key = '', value = ''] = split(graph, keyValue, 2) // [B, image tokens, hidden]
      const map = maps === null ? null : probabilities(graph, config.qFormer, query, key)
      if (map !== null) maps?.push(map)
      if (map !== null && i === lastLook) return rows
      const looked =
        map === null ? attention(graph, query, key, value, heads) : weighed(graph, config.qFormer, map, value)
      rows = { ...rows, queries: close(graph, looked, rows.queries, layer.cross) }
    }
    rows = {
      queries: feedForward(graph, rows.queries, layer.feedForward),
      text: feedForward(graph, rows.text, layer.textFeedForward),
    }
    if (i < count - 1) hidden = graph.op('Concat', [rows.queries, rows.text], { axis: 1 })
  }
  return rows
}

/** The learned queries, once for each row of the batch. */
function queriesOf(graph: GraphBuilder, weights: Weights, ids: Value): Value {
  const batch = graph.op('Shape', [ids], { start: 0, end: 1 })
  const times = graph.op('Concat', [batch, graph.integers([1, 1])], { axis: 0 })
  return graph.op('Expand', [graph.weight(weights.queries), times])
}

/** Words and their positions, which count from 0 at the text's own start. */
function embed(graph: GraphBuilder, weights: Weights, ids: Value): Value {
  const length = graph.op('Shape', [ids], { start: 1, end: 2 })
  const [from, step, first] = [graph.integers([0]), graph.integers([1]), graph.integers([0])]
  const positions = graph.op('Slice', [graph.weight(weights.positions), from, length, first, step])
  return graph.op('Add', [lookUp(graph, weights.words, ids), positions])
}

function cut(graph: GraphBuilder, { queries }: TextQFormerConfig, hidden: Value): Rows {
  const slice = (from: number, to: number): Value =>
    graph.op('Slice', [hidden, graph.integers([from]), graph.integers([to]), graph.integers([1])])
  return { queries: slice(0, queries), text: slice(queries, END) }
}

/** ONNX's way to say "to the end": beyond every length. */
const END = 2 ** 31 - 1

/** query [B, Q, hidden], key [B, M, hidden] → softmax(query · keyᵀ ÷ √head size), [B, heads, Q, M]. */
function probabilities(
  graph: GraphBuilder,
  { heads, hiddenSize }: QFormerConfig,
  query: Value,
  key: Value,
): Value {
  const size = hiddenSize / heads
  const divided = (x: Value): Value => graph.op('Reshape', [x, graph.integers([0, 0, heads, size])])
  const queries = graph.op('Transpose', [divided(query)], { perm: [0, 2, 1, 3] })
  const keys = graph.op('Transpose', [divided(key)], { perm: [0, 2, 3, 1] })
  const scale = graph.float32(new Float32Array([1 / Math.sqrt(size)]), [])
  const scores = graph.op('Mul', [graph.op('MatMul', [queries, keys]), scale])
  return graph.op('Softmax', [scores], { axis: -1 })
}

/** The values [B, M, hidden] as the probabilities weigh them, [B, Q, hidden]. */
function weighed(graph: GraphBuilder, { heads, hiddenSize }: QFormerConfig, map: Value, value: Value): Value {
  const divided = graph.op('Reshape', [value, graph.integers([0, 0, heads, hiddenSize / heads])])
  const values = graph.op('Transpose', [divided], { perm: [0, 2, 1, 3] })
  const mixed = graph.op('Transpose', [graph.op('MatMul', [map, values])], { perm: [0, 2, 1, 3] })
  return graph.op('Reshape', [mixed, graph.integers([0, 0, hiddenSize])])
}

function declareMaps(
  graph: GraphBuilder,
  { qFormer, queries }: TextQFormerConfig,
  maps: readonly Value[],
): void {
  maps.forEach((map, i) => {
    graph.output(crossAttention.output(i), map, 'float32', ['batch', qFormer.heads, queries, 'image_tokens'])
  })
}

function buildHeads(graph: GraphBuilder, config: TextQFormerConfig, weights: Weights, rows: Rows): void {
  const { queries: count, projectionSize, qFormer } = config
  const { queries, imageVectors, text, textVectors, match } = treaty.output
  graph.output(queries, rows.queries, 'float32', ['batch', count, qFormer.hiddenSize])
  graph.output(text, rows.text, 'float32', ['batch', 'tokens', qFormer.hiddenSize])
  const unit = (x: Value, layer: Linear): Value =>
    graph.op('LpNormalization', [linear(graph, x, layer)], { axis: -1, p: 2 })
  const image = unit(rows.queries, weights.imageProjection)
  graph.output(imageVectors, image, 'float32', ['batch', count, projectionSize])
  const words = unit(rows.text, weights.textProjection)
  graph.output(textVectors, words, 'float32', ['batch', 'tokens', projectionSize])
  const logits = graph.op(
    'ReduceMean',
    [linear(graph, rows.queries, weights.matchHead), graph.integers([1])],
    {
      keepdims: 0,
    },
  )
  graph.output(match, logits, 'float32', ['batch', 2])
}

function buildWordHead(graph: GraphBuilder, { qFormer }: TextQFormerConfig, weights: Weights): void {
  const { wordHead: head, words } = weights
  if (head === null) return
  const text = graph.input(wordHead.input.text, 'float32', [1, 'rows', qFormer.hiddenSize])
  const wide = graph.op('Gelu', [linear(graph, text, head.transform)])
  const normed = layerNorm(graph, wide, head.norm)
  const scores =
    head.decoder === null ? scoreRows(graph, normed, words, false) : linear(graph, normed, head.decoder)
  const logits = graph.op('Add', [scores, graph.weight(head.bias)])
  graph.output(wordHead.output.logits, logits, 'float32', [1, 'rows', qFormer.vocabulary])
}
