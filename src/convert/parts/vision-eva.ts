/** ViT (EVA-CLIP's g/14 in the published models): pixels → image features, post-layernorm included. */
import type { VisionConfig } from '../families/blip2-look.ts'
import type { GraphBuilder } from '../onnx/graph-builder.ts'
import { addNorm } from '../onnx/layers.ts'
import type { Linear, WeightsPlanner } from '../planner.ts'
import type { Initialiser } from '../weights.ts'
import type { BuildGraph } from './part.ts'
import {
  buildPooled,
  embedPatches,
  pixelsOf,
  planPositions,
  runBlocks,
  VISION_MODULE,
  type Block,
  type TowerWeights,
} from './vision-blocks.ts'

/** Plans the weights, and gives what writes their graph. */
export function planEva(planner: WeightsPlanner, config: VisionConfig): BuildGraph {
  const weights = planWeights(planner, config)
  return (graph, _, part) =>
    part === 'pooled-class' ? buildPooled(graph, config, weights) : buildVision(graph, config, weights)
}

/** Of query, key and value, [3 · hidden]. */
export function qkvBiasTensor(layer: number): string {
  return `${VISION_MODULE}.encoder.layers.${layer}.self_attn.qkv.bias`
}

/**
 * The post-layernorm comes last in the file: it is the only part that differs between checkpoints trained on the same
 * frozen tower, so their other chunks are the same bytes.
 */
function planWeights(planner: WeightsPlanner, config: VisionConfig): TowerWeights {
  const { hiddenSize: hidden, intermediateSize, patchSize, layerNormEps, postNormEps } = config
  const at = (name: string): string => `${VISION_MODULE}.${name}`
  const float = (name: string, shape: number[]): Initialiser =>
    planner.floats(at(name), [{ tensor: at(name), shape }])
  const patch = {
    weight: float('embeddings.patch_embedding.weight', [hidden, 3, patchSize, patchSize]),
    bias: float('embeddings.patch_embedding.bias', [hidden]),
  }
  const classToken = float('embeddings.class_embedding', [1, 1, hidden])
  const positions = planPositions(planner, config, at('embeddings.position_embedding'), {
    leading: [1],
    corners: 'free',
  })
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
    postNorm: planner.norm(at('post_layernorm'), hidden, postNormEps),
  }
}

function buildVision(graph: GraphBuilder, config: VisionConfig, weights: TowerWeights): void {
  const tokens = embedPatches(graph, config, weights, pixelsOf(graph, config))
  const first = weights.blocks[0]?.norm1 ?? weights.postNorm
  const [normed, stream] = addNorm(graph, tokens, graph.weight(weights.positions), first)
  runBlocks(graph, config, weights, { normed, stream }, (x) => graph.op('Gelu', [x])) // erf form
}
