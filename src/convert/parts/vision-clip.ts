/**
 * CLIP's ViT (L/14 in the published models) as LAVIS has it: a norm in front of the blocks, no bias for the patches,
 * QuickGELU; post-layernorm included. Names of tensors are those of `lavis/names`.
 */
import type { VisionConfig } from '../families/blip2-look.ts'
import type { GraphBuilder, Value } from '../onnx/graph-builder.ts'
import { addNormOnly, layerNorm } from '../onnx/layers.ts'
import type { Linear, Norm, WeightsPlanner } from '../planner.ts'
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

interface ClipWeights extends TowerWeights {
  preNorm: Norm
}

/** Plans the weights, and gives what writes their graph. */
export function planClip(planner: WeightsPlanner, config: VisionConfig): BuildGraph {
  const weights = planWeights(planner, config)
  return (graph, _, part) =>
    part === 'pooled-class' ? buildPooled(graph, config, weights) : buildClip(graph, config, weights)
}

/** The post-layernorm comes last in the file, as in EVA's. */
function planWeights(planner: WeightsPlanner, config: VisionConfig): ClipWeights {
  const { hiddenSize: hidden, intermediateSize, patchSize, layerNormEps } = config
  const at = (name: string): string => `${VISION_MODULE}.${name}`
  const patch = at('conv1.weight')
  const patchShape = [hidden, 3, patchSize, patchSize]
  const classToken = { tensor: at('class_embedding'), shape: [hidden] }
  return {
    patch: { weight: planner.floats(patch, [{ tensor: patch, shape: patchShape }]), bias: null },
    classToken: planner.floats(classToken.tensor, [classToken], [1, 1, hidden]),
    // LAVIS aligns the corners of this tower's positions when it stretches them.
    positions: planPositions(planner, config, at('positional_embedding'), {
      leading: [],
      corners: 'aligned',
    }),
    preNorm: planner.norm(at('ln_pre'), hidden, layerNormEps),
    blocks: Array.from({ length: config.layers }, (_, i): Block => {
      const block = (name: string): string => at(`blocks.${i}.${name}`)
      const one = (name: string, outputs: number, inputs: number): Linear =>
        planner.linear(block(name), [block(name)], outputs, inputs)
      return {
        norm1: planner.norm(block('ln_1'), hidden, layerNormEps),
        qkv: one('attn.in_proj', 3 * hidden, hidden),
        projection: one('attn.out_proj', hidden, hidden),
        norm2: planner.norm(block('ln_2'), hidden, layerNormEps),
        fc1: one('mlp.c_fc', intermediateSize, hidden),
        fc2: one('mlp.c_proj', hidden, intermediateSize),
      }
    }),
    postNorm: planner.norm(at('post_layernorm'), hidden, config.postNormEps),
  }
}

function buildClip(graph: GraphBuilder, config: VisionConfig, weights: ClipWeights): void {
  const tokens = embedPatches(graph, config, weights, pixelsOf(graph, config))
  const stream = addNormOnly(graph, tokens, graph.weight(weights.positions), weights.preNorm)
  const normed = layerNorm(graph, stream, weights.blocks[0]?.norm1 ?? weights.postNorm)
  runBlocks(graph, config, weights, { normed, stream }, (x) => quickGelu(graph, x))
}

/** x · sigmoid(1.702 x) */
function quickGelu(graph: GraphBuilder, x: Value): Value {
  const slope = graph.cast(graph.float32(Float32Array.of(1.702), []), 'float32', graph.computeType)
  const gate = graph.op('Sigmoid', [graph.op('Mul', [x, slope])])
  return graph.op('Mul', [x, gate])
}
