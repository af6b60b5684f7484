/** OPT: token embedding, prefill and one-token step over a KV cache, in one graph. */
import { decoder as treaty, POSITION_OFFSET, textStates } from '../../pack/parts.ts'
import type { GraphBuilder } from '../onnx/graph-builder.ts'
import type { Linear, Norm, Table, WeightsPlanner } from '../planner.ts'
import type { BlockSize } from '../quantise.ts'
import type { Initialiser } from '../weights.ts'
import type { Part } from './part.ts'
import { padHeads, unpadHeads } from '../onnx/heads.ts'
import { addNorm, addNormOnly, layerNorm, linear, split } from '../onnx/layers.ts'
import { lookUp, scoreRows } from '../onnx/token-table.ts'

interface Layer {
  norm1: Norm
  qkv: Linear
  output: Linear
  norm2: Norm
  fc1: Linear
  fc2: Linear
}

export interface DecoderWeights {
  embedding: Table
  positions: Initialiser
  layers: Layer[]
  finalNorm: Norm
  /** The head when it is not the embedding itself. */
  head: Linear | null
}

/** Where a checkpoint keeps the modules of the language model. */
export interface OptModules {
  decoder: string
  head: string
}

export interface OptConfig {
  modules: OptModules
  hiddenSize: number
  intermediateSize: number
  layers: number
  heads: number
  /** Rows of the token embedding. */
  vocabulary: number
  maxPositions: number
  tiedHead: boolean
}

/** The decoder behind `queries` query embeddings. */
export function optPart(config: OptConfig, queries: number): Part {
  return {
    name: 'decoder',
    alsoOver: ['text-states'],
    sensitive: false,
    halfGraph: true,
    ownWasmGraph: true,
    plan: (planner) => {
      const weights = planDecoder(planner, config)
      return (graph, target, part) => {
        if (part === 'text-states') buildTextStates(graph, config, weights)
        else buildDecoder(graph, config, queries, weights, target !== 'wasm')
      }
    },
  }
}

export function embeddingTensor({ decoder }: OptModules): string {
  return `${decoder}.embed_tokens.weight`
}

export function headTensor({ head }: OptModules): string {
  return `${head}.weight`
}

/**
 * `GroupQueryAttention` takes head sizes that are multiples of 8, as every published model has. Others are filled up
 * with zeros, which change neither the scores nor what is kept of the result.
 */
export function cacheHeadSize({ hiddenSize, heads }: OptConfig): number {
  return Math.ceil(hiddenSize / heads / 8) * 8
}

export function planDecoder(planner: WeightsPlanner, config: OptConfig): DecoderWeights {
  const { hiddenSize: hidden, intermediateSize, vocabulary, maxPositions, modules } = config
  const model = modules.decoder
  const norm = (tensor: string): Norm => planner.norm(tensor, hidden, OPT_LAYER_NORM_EPS)
  const blocks = blocksOf(config)
  const table = { tensor: embeddingTensor(modules), shape: [vocabulary, hidden] }
  const embedding = planner.table('embed_tokens', table, blocks.table)
  const positionShape = [maxPositions + POSITION_OFFSET, hidden]
  const positions = planner.floats('embed_positions', [
    { tensor: `${model}.embed_positions.weight`, shape: positionShape },
  ])
  const layers = Array.from({ length: config.layers }, (_, i): Layer => {
    const at = (name: string): string => `${model}.layers.${i}.${name}`
    const one = (name: string, outputs: number, inputs: number, sharedBy: BlockSize): Linear =>
      planner.linear(at(name), [at(name)], outputs, inputs, { sharedBy })
    const qkv = ['q_proj', 'k_proj', 'v_proj'].map((part) => at(`self_attn.${part}`))
    return {
      norm1: norm(at('self_attn_layer_norm')),
      qkv: planner.linear(at('self_attn.qkv_proj'), qkv, hidden, hidden, { sharedBy: blocks.reading }),
      output: one('self_attn.out_proj', hidden, hidden, blocks.writing),
      norm2: norm(at('final_layer_norm')),
      fc1: one('fc1', intermediateSize, hidden, blocks.reading),
      fc2: one('fc2', hidden, intermediateSize, blocks.writing),
    }
  })
  const finalNorm = norm(`${model}.final_layer_norm`)
  const head = config.tiedHead
    ? null
    : planner.linear('lm_head', [modules.head], vocabulary, hidden, { bias: false })
  return { embedding, positions, layers, finalNorm, head }
}

/** How many weights share a scale, by what a matrix reads and writes. */
interface Blocks {
  table: BlockSize
  /** Matrices that read the stream, in which a few channels are far larger than the rest. */
  reading: BlockSize
  /** Matrices that write it. */
  writing: BlockSize
}

/**
 * From OPT-6.7B's width on more weights share a scale, so that its pack stays within 4.3 GB. Larger blocks cost most
 * where channels differ, which is why those that read the stream have the smaller ones (docs/quantisation.md).
 */
function blocksOf({ hiddenSize }: OptConfig): Blocks {
  if (hiddenSize < 4096) return { table: 32, reading: 32, writing: 32 }
  return { table: 64, reading: 64, writing: 128 }
}

/** `nn.LayerNorm`'s default, which OPT leaves as it is. */
const OPT_LAYER_NORM_EPS = 1e-5

/**
 * `inFront`: query embeddings before the tokens. `sharedTable`: whether look-up and tied head may name the quantised table by the same two dimensions. The WebGPU
 * kernels take it so (one upload); the CPU's `MatMulNBits` insists on three.
 */
function buildDecoder(
  graph: GraphBuilder,
  config: OptConfig,
  inFront: number,
  weights: DecoderWeights,
  sharedTable: boolean,
): void {
  const { hiddenSize: hidden, heads, vocabulary } = config
  const type = graph.computeType
  const sizes = { size: hidden / heads, filled: cacheHeadSize(config) }
  const { input } = treaty
  const tokens = graph.input(input.tokens, 'int64', ['batch', 'tokens'])
  const queries = graph.input(input.queries, 'float32', ['batch', inFront, hidden])
  const rows = graph.input(input.rows, 'int64', ['rows'])
  const positions = graph.input(input.positions, 'int64', ['batch', 'rows'])
  const logitRows = graph.input(input.logitRows, 'int64', ['logit_rows'])
  const lastPosition = graph.input(input.lastPosition, 'int32', ['batch'])
  const totalLength = graph.input(input.totalLength, 'int32', [1])

  const embedded = lookUp(graph, weights.embedding, tokens) // [B, T, hidden]
  const both = graph.op('Concat', [graph.cast(queries, 'float32', type), embedded], { axis: 1 })
  const chosen = graph.op('Gather', [both, rows], { axis: 1 }) // [B, S, hidden]
  const position = graph.op('Gather', [graph.weight(weights.positions), positions], { axis: 0 })

  const norms = [...weights.layers.map((layer) => layer.norm1), weights.finalNorm]
  let [normed, stream] = addNorm(graph, chosen, position, norms[0] ?? weights.finalNorm)
  weights.layers.forEach((layer, i) => {
    const cache = ['batch', heads, 'past', cacheHeadSize(config)]
    const pastKey = graph.input(treaty.pastKey(i), type, cache)
    const pastValue = graph.input(treaty.pastValue(i), type, cache)
    const qkv = linear(graph, normed, layer.qkv) // [B, S, 3 · hidden]: all of q, then k, then v
    const [padded = ''] = graph.ops(
      'GroupQueryAttention',
      [padHeads(graph, qkv, 3 * heads, sizes), '', '', pastKey, pastValue, lastPosition, totalLength],
      [null, treaty.presentKey(i), treaty.presentValue(i)],
      { num_heads: heads, kv_num_heads: heads, do_rotary: 0, scale: { float: (hidden / heads) ** -0.5 } },
    )
    const attended = unpadHeads(graph, padded, heads, sizes)
    const present = ['batch', heads, 'total', cacheHeadSize(config)]
    graph.namedOutput(treaty.presentKey(i), type, present)
    graph.namedOutput(treaty.presentValue(i), type, present)
    const [normed2, stream2] = addNorm(
      graph,
      linear(graph, attended, layer.output, false),
      stream,
      layer.norm2,
      layer.output,
    )
    const wide = graph.op('Relu', [linear(graph, normed2, layer.fc1)])
    const narrow = linear(graph, wide, layer.fc2, false)
    const next = norms[i + 1] ?? weights.finalNorm
    if (i === weights.layers.length - 1) normed = addNormOnly(graph, narrow, stream2, next, layer.fc2)
    else [normed, stream] = addNorm(graph, narrow, stream2, next, layer.fc2)
  })
  const wanted = graph.op('Gather', [normed, logitRows], { axis: 1 }) // [B, R, hidden]
  const flat = graph.op('Reshape', [wanted, graph.integers([1, -1, hidden])])
  const logits =
    weights.head === null
      ? scoreRows(graph, flat, weights.embedding, sharedTable)
      : linear(graph, flat, weights.head)
  graph.output(treaty.output.logits, graph.cast(logits, type, 'float32'), 'float32', [
    1,
    'logits',
    vocabulary,
  ])
}

/** A text by itself, every state on its way: no picture, no cache, and what a token sees is an input. */
function buildTextStates(graph: GraphBuilder, config: OptConfig, weights: DecoderWeights): void {
  const { hiddenSize: hidden, heads } = config
  const type = graph.computeType
  const { input, output } = textStates
  const tokens = graph.input(input.tokens, 'int64', [1, 'tokens'])
  const positions = graph.input(input.positions, 'int64', [1, 'tokens'])
  const mask = graph.cast(graph.input(input.mask, 'float32', [1, 1, 'tokens', 'tokens']), 'float32', type)
  const position = graph.op('Gather', [graph.weight(weights.positions), positions], { axis: 0 })
  let stream = graph.op('Add', [lookUp(graph, weights.embedding, tokens), position]) // [1, T, hidden]
  const states = [stream]
  for (const layer of weights.layers) {
    const qkv = split(graph, linear(graph, layerNorm(graph, stream, layer.norm1), layer.qkv), 3)
    const attended = graph.op('MultiHeadAttention', [...qkv, '', '', mask], { num_heads: heads })
    const seen = graph.op('Add', [stream, linear(graph, attended, layer.output)])
    const wide = graph.op('Relu', [linear(graph, layerNorm(graph, seen, layer.norm2), layer.fc1)])
    stream = graph.op('Add', [seen, linear(graph, wide, layer.fc2)])
    states.push(stream)
  }
  states[states.length - 1] = layerNorm(graph, stream, weights.finalNorm)
  const all = graph.cast(graph.op('Concat', states, { axis: 0 }), type, 'float32')
  graph.output(output.states, all, 'float32', [states.length, 'tokens', hidden])
}
