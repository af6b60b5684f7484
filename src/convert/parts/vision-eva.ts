/** ViT (EVA-CLIP's g/14 in the published models): pixels → image features, post-layernorm included. */
import { vision as treaty } from '../../pack/parts.ts'
import { patchGrid, visionTokens, type VisionConfig } from '../families/blip2-look.ts'
import type { GraphBuilder } from '../onnx/graph-builder.ts'
import type { Linear, Norm, WeightsPlanner } from '../planner.ts'
import type { Initialiser } from '../weights.ts'
import type { Part } from './part.ts'
import { addNorm, addNormOnly, attention, linear, split } from '../onnx/layers.ts'

interface Block {
  norm1: Norm
  qkv: Linear
  projection: Linear
  norm2: Norm
  fc1: Linear
  fc2: Linear
}

interface VisionWeights {
  patch: { weight: Initialiser; bias: Initialiser }
  classToken: Initialiser
  positions: Initialiser
  blocks: Block[]
  postNorm: Norm
}

/** The vision encoder that `config` describes. */
export function visionPart(config: VisionConfig): Part {
  return {
    name: 'vision',
    sensitive: false,
    halfGraph: true,
    ownWasmGraph: false,
    plan: (planner) => {
      const weights = planVision(planner, config)
      return (graph) => buildVision(graph, config, weights)
    },
  }
}

const MODEL = 'vision_model'

/** Of query, key and value, [3 · hidden]. */
export function qkvBiasTensor(layer: number): string {
  return `${MODEL}.encoder.layers.${layer}.self_attn.qkv.bias`
}

/**
 * The post-layernorm comes last in the file: it is the only part that differs between checkpoints trained on the same
 * frozen tower, so their other chunks are the same bytes.
 */
function planVision(planner: WeightsPlanner, config: VisionConfig): VisionWeights {
  const { hiddenSize: hidden, intermediateSize, patchSize, layerNormEps } = config
  const at = (name: string): string => `${MODEL}.${name}`
  const float = (name: string, shape: number[]): Initialiser =>
    planner.floats(at(name), [{ tensor: at(name), shape }])
  const patch = {
    weight: float('embeddings.patch_embedding.weight', [hidden, 3, patchSize, patchSize]),
    bias: float('embeddings.patch_embedding.bias', [hidden]),
  }
  const classToken = float('embeddings.class_embedding', [1, 1, hidden])
  const positions = planPositions(planner, config)
  const blocks = Array.from({ length: config.layers }, (_, i): Block => {
    const block = (name: string): string => at(`encoder.layers.${i}.${name}`)
    const one = (name: string, outputs: number, inputs: number, bias = true): Linear =>
      planner.linear(block(name), [block(name)], outputs, inputs, { bias })
    return {
      norm1: planner.norm(block('layer_norm1'), hidden, layerNormEps),
      qkv: one('self_attn.qkv', 3 * hidden, hidden, config.qkvBias),
      projection: one('self_attn.projection', hidden, hidden),
      norm2: planner.norm(block('layer_norm2'), hidden, layerNormEps),
      fc1: one('mlp.fc1', intermediateSize, hidden),
      fc2: one('mlp.fc2', hidden, intermediateSize),
    }
  })
  return {
    patch,
    classToken,
    positions,
    blocks,
    postNorm: planner.norm(at('post_layernorm'), hidden, layerNormEps),
  }
}

/** The stored positions, interpolated where pictures have another grid of patches. */
function planPositions(planner: WeightsPlanner, config: VisionConfig): Initialiser {
  const tensor = `${MODEL}.embeddings.position_embedding`
  const [stored, wanted] = [patchGrid(config, config.trainedSize), patchGrid(config)]
  const source = { tensor, shape: [1, 1 + stored ** 2, config.hiddenSize] }
  return stored === wanted
    ? planner.floats(tensor, [source])
    : planner.interpolated(tensor, source, stored, wanted)
}

function buildVision(graph: GraphBuilder, config: VisionConfig, weights: VisionWeights): void {
  const { imageSize, hiddenSize } = config
  const pixels = graph.input(treaty.input.pixels, 'float32', [1, 3, imageSize, imageSize])
  const tokens = embed(graph, config, weights, graph.cast(pixels, 'float32', graph.computeType))
  const norms = [...weights.blocks.map((block) => block.norm1), weights.postNorm]
  let [normed, stream] = addNorm(graph, tokens, graph.weight(weights.positions), norms[0] ?? weights.postNorm)
  weights.blocks.forEach((block, i) => {
    const [query = '', key = '', value = ''] = split(graph, linear(graph, normed, block.qkv), 3)
    const attended = attention(graph, query, key, value, config.heads) // [1, tokens, hidden]
    const mixed = linear(graph, attended, block.projection, false)
    const [normed2, stream2] = addNorm(graph, mixed, stream, block.norm2, block.projection)
    const wide = graph.op('Gelu', [linear(graph, normed2, block.fc1)]) // erf form, [1, tokens, intermediate]
    const narrow = linear(graph, wide, block.fc2, false)
    // The norm that follows a block belongs to the next one; after the last it is the post-layernorm.
    const next = norms[i + 1] ?? weights.postNorm
    if (i === weights.blocks.length - 1) normed = addNormOnly(graph, narrow, stream2, next, block.fc2)
    else [normed, stream] = addNorm(graph, narrow, stream2, next, block.fc2)
  })
  const features = graph.cast(normed, graph.computeType, 'float32')
  graph.output(treaty.output.features, features, 'float32', [1, visionTokens(config), hiddenSize])
}

/** Patches row by row behind the class token, [1, tokens, hidden], without positions. */
function embed(graph: GraphBuilder, config: VisionConfig, weights: VisionWeights, pixels: string): string {
  const { patchSize, hiddenSize } = config
  const inputs = [pixels, graph.weight(weights.patch.weight), graph.weight(weights.patch.bias)]
  const patches = graph.op('Conv', inputs, {
    kernel_shape: [patchSize, patchSize],
    strides: [patchSize, patchSize],
  })
  const flat = graph.op('Reshape', [patches, graph.integers([1, hiddenSize, -1])])
  const rows = graph.op('Transpose', [flat], { perm: [0, 2, 1] })
  return graph.op('Concat', [graph.weight(weights.classToken), rows], { axis: 1 })
}
