/** Everything a conversion will write, worked out from the configuration alone: weights files and graph files. */
import type { PackModel, PartName } from '../pack/families.ts'
import type { Precision } from '../pack/manifest.ts'
import { partShapes, type Blip2Config } from './families/blip2-opt.ts'
import { GraphBuilder, type AccuracyLevel, type ComputeType } from './onnx/graph-builder.ts'
import { buildDecoder, planDecoder } from './parts/opt.ts'
import { buildQFormer, planQFormer } from './parts/q-former.ts'
import { buildVision, planVision } from './parts/vision-eva.ts'
import { storagePolicy, WeightsPlanner } from './planner.ts'
import type { WeightsPlan } from './weights.ts'

export interface ConversionPlan {
  weights: WeightsPlan[]
  graphs: { path: string; bytes: Uint8Array<ArrayBuffer> }[]
  /** What the manifest says of the parts. */
  model: PackModel
}

export function planConversion(
  config: Blip2Config,
  precision: Precision,
  accuracyLevel: AccuracyLevel = 0,
): ConversionPlan {
  const planner = (part: PartName): WeightsPlanner =>
    new WeightsPlanner(weightsPath(part), storagePolicy(precision, part))
  const planners = { vision: planner('vision'), 'q-former': planner('q-former'), decoder: planner('decoder') }
  const vision = planVision(planners.vision, config.vision)
  const qFormer = planQFormer(planners['q-former'], config, config.text.hiddenSize)
  const decoder = planDecoder(planners.decoder, config.text)

  const graphs: ConversionPlan['graphs'] = []
  const write = (
    graph: PartName,
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

  const shapes = partShapes(config)
  return {
    weights: Object.values(planners).map((one) => one.finish()),
    graphs,
    model: {
      family: 'blip2-opt',
      parts: {
        vision: {
          graphs: { wasm: fullVision, webgpu: fullVision, ...(halfVision && { 'webgpu-f16': halfVision }) },
          weights: weightsPath('vision'),
          shape: shapes.vision,
        },
        'q-former': {
          graphs: { wasm: fullQFormer, webgpu: fullQFormer, ...(f16 && { 'webgpu-f16': fullQFormer }) },
          weights: weightsPath('q-former'),
          shape: shapes['q-former'],
        },
        decoder: {
          graphs: {
            wasm: cpuDecoder,
            webgpu: fullDecoder,
            ...(halfDecoder && { 'webgpu-f16': halfDecoder }),
          },
          weights: weightsPath('decoder'),
          shape: shapes.decoder,
        },
      },
    },
  }
}

/** The weights file that all graphs of a part share: `location` of their external data. */
function weightsPath(part: PartName): string {
  return `${part}.weights`
}
