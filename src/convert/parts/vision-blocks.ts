/** What vision towers have in common: patches behind a class token, and pre-norm blocks up to the post-layernorm. */
import { pooledClass, vision as treaty } from '../../pack/parts.ts'
import { patchGrid, visionTokens, type VisionConfig } from '../families/blip2-look.ts'
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts'
import { addNorm, addNormOnly, attention, layerNorm, linear, split } from '../onnx/layers.ts'
import type { Linear, Norm, WeightsPlanner } from '../planner.ts'
import type { GridChange, Initialiser } from '../weights.ts'

/** Every tensor of the tower, in all of its checkpoints. */
export const VISION_MODULE = 'vision_model'

export interface Block {
  norm1: Norm
  qkv: Linear
  projection: Linear
  norm2: Norm
  fc1: Linear
  fc2: Linear
}

export interface TowerWeights {
  patch: { weight: Initialiser; bias: Initialiser | null }
  classToken: Initialiser
  /** [1, tokens, hidden] */
  positions: Initialiser
  blocks: Block[]
  /** Over all tokens, behind the last block. */
  postNorm: Norm
}

/**
 * The stored positions, interpolated where pictures have another grid of patches. They are [1 + grid², hidden] behind
 * the axes `leading`.
 */
export function planPositions(
  planner: WeightsPlanner,
  config: VisionConfig,
  tensor: string,
  { leading, corners }: { leading: readonly number[]; corners: GridChange['corners'] },
): Initialiser {
  const [stored, wanted] = [patchGrid(config, config.trainedSize), patchGrid(config)]
  const rows = [1 + stored ** 2, config.hiddenSize]
  const source = { tensor, shape: [...leading, ...rows] }
  return stored === wanted
    ? planner.floats(tensor, [source], [1, ...rows])
    : planner.interpolated(tensor, source, { from: stored, to: wanted, corners })
}

/** The graph's input, in the type that it computes in: [1, 3, S, S]. */
export function pixelsOf(graph: GraphBuilder, { imageSize }: VisionConfig): Value {
  const pixels = graph.input(treaty.input.pixels, 'float32', [1, 3, imageSize, imageSize])
  return graph.cast(pixels, 'float32', graph.computeType)
}

/** Patches row by row behind the class token, [1, tokens, hidden], without positions. */
export function embedPatches(
  graph: GraphBuilder,
  { patchSize, hiddenSize }: VisionConfig,
  { patch, classToken }: TowerWeights,
  pixels: Value,
): Value {
  const bias = patch.bias === null ? [] : [graph.weight(patch.bias)]
  const patches = graph.op('Conv', [pixels, graph.weight(patch.weight), ...bias], {
    kernel_shape: [patchSize, patchSize],
    strides: [patchSize, patchSize],
  })
  const flat = graph.op('Reshape', [patches, graph.integers([1, hiddenSize, -1])])
  const rows = graph.op('Transpose', [flat], { perm: [0, 2, 1] })
  return graph.op('Concat', [graph.weight(classToken), rows], { axis: 1 })
}

/** What goes into the first block: the stream [1, tokens, hidden], and the same behind that block's first norm. */
export interface Entry {
  normed: Value
  stream: Value
}

/** All blocks and the post-layernorm, to the graph's output [1, tokens, hidden]. */
export function runBlocks(
  graph: GraphBuilder,
  config: VisionConfig,
  weights: TowerWeights,
  { normed, stream }: Entry,
  activation: (x: Value) => Value,
): void {
  const { blocks, postNorm } = weights
  blocks.forEach((block, i) => {
    const [query = '', key = '', value = ''] = split(graph, linear(graph, normed, block.qkv), 3)
    const attended = attention(graph, query, key, value, config.heads) // [1, tokens, hidden]
    const mixed = linear(graph, attended, block.projection, false)
    const [normed2, stream2] = addNorm(graph, mixed, stream, block.norm2, block.projection)
    const wide = activation(linear(graph, normed2, block.fc1)) // [1, tokens, intermediate]
    const narrow = linear(graph, wide, block.fc2, false)
    // The norm that follows a block belongs to the next one; after the last it is the post-layernorm.
    const next = blocks[i + 1]?.norm1 ?? postNorm
    if (i === blocks.length - 1) normed = addNormOnly(graph, narrow, stream2, next, block.fc2)
    else [normed, stream] = addNorm(graph, narrow, stream2, next, block.fc2)
  })
  const features = graph.cast(normed, graph.computeType, 'float32')
  graph.output(treaty.output.features, features, 'float32', [1, visionTokens(config), config.hiddenSize])
}

/** The last norm over the class token, which it has gone over before. */
export function buildPooled(graph: GraphBuilder, { hiddenSize }: VisionConfig, weights: TowerWeights): void {
  const type = graph.computeType
  const token = graph.input(pooledClass.input.classToken, 'float32', [1, hiddenSize])
  const pooled = layerNorm(graph, graph.cast(token, 'float32', type), weights.postNorm)
  graph.output(pooledClass.output.pooled, graph.cast(pooled, type, 'float32'), 'float32', [1, hiddenSize])
}
