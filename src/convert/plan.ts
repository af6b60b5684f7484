/** Everything a conversion will write, worked out from the configuration alone: weights files and graph files. */
import { GRAPHS, weightsPath, type GraphName, type Precision, type Target } from '../pack/manifest.ts'
import type { Blip2Config } from './families/blip2-opt.ts'
import { GraphBuilder, type AccuracyLevel, type ComputeType } from './onnx/graph-builder.ts'
import { buildDecoder, planDecoder } from './parts/opt.ts'
import { buildQFormer, planQFormer } from './parts/q-former.ts'
import { buildVision, planVision } from './parts/vision-eva.ts'
import { storagePolicy, WeightsPlanner } from './planner.ts'
import type { WeightsPlan } from './weights.ts'

export interface ConversionPlan {
  weights: WeightsPlan[]
  graphs: { path: string; bytes: Uint8Array<ArrayBuffer> }[]
  /** Which graph file serves which target. */
  targets: Record<GraphName, Partial<Record<Target, string>>>
}

export function planConversion(
  config: Blip2Config,
  precision: Precision,
  accuracyLevel: AccuracyLevel = 0,
): ConversionPlan {
  const planner = (graph: GraphName): WeightsPlanner =>
    new WeightsPlanner(graph, storagePolicy(precision, graph))
  const planners = { vision: planner('vision'), 'q-former': planner('q-former'), decoder: planner('decoder') }
  const vision = planVision(planners.vision, config.vision)
  const qFormer = planQFormer(planners['q-former'], config, config.text.hiddenSize)
  const decoder = planDecoder(planners.decoder, config.text)

  const graphs: ConversionPlan['graphs'] = []
  const write = (
    graph: GraphName,
    variant: string,
    type: ComputeType,
    build: (builder: GraphBuilder) => void,
  ): string => {
    const builder = new GraphBuilder(type, weightsPath(graph), accuracyLevel)
    build(builder)
    const path = `${graph}.${variant}.onnx`
    graphs.push({ path, bytes: builder.finish(graph) })
    return path
  }
  const f16 = precision === 'fp16' || precision === 'q4f16'
  const halfVision =
    f16 && write('vision', 'f16', 'float16', (graph) => buildVision(graph, config.vision, vision))
  const fullVision = write('vision', 'f32', 'float32', (graph) => buildVision(graph, config.vision, vision))
  const fullQFormer = write('q-former', 'f32', 'float32', (graph) =>
    buildQFormer(graph, config, config.text.hiddenSize, qFormer),
  )
  const halfDecoder =
    f16 && write('decoder', 'f16', 'float16', (graph) => buildDecoder(graph, config, decoder, true))
  const fullDecoder = write('decoder', 'f32', 'float32', (graph) =>
    buildDecoder(graph, config, decoder, true),
  )
  const cpuDecoder = write('decoder', 'wasm', 'float32', (graph) =>
    buildDecoder(graph, config, decoder, false),
  )

  return {
    weights: GRAPHS.map((graph) => planners[graph].finish()),
    graphs,
    targets: {
      vision: { wasm: fullVision, webgpu: fullVision, ...(halfVision && { 'webgpu-f16': halfVision }) },
      'q-former': { wasm: fullQFormer, webgpu: fullQFormer, ...(f16 && { 'webgpu-f16': fullQFormer }) },
      decoder: { wasm: cpuDecoder, webgpu: fullDecoder, ...(halfDecoder && { 'webgpu-f16': halfDecoder }) },
    },
  }
}
