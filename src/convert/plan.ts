/** Everything a conversion will write, worked out from the model's description alone: weights files and graph files. */
import { AppError } from '../pack/failure.ts'
import type { PackModel, PartName, Target } from '../pack/families.ts'
import type { Precision } from '../pack/manifest.ts'
import type { CheckpointModel, Places } from './families/family.ts'
import { GraphBuilder, type AccuracyLevel, type ComputeType } from './onnx/graph-builder.ts'
import type { Part } from './parts/part.ts'
import { storagePolicy, WeightsPlanner } from './planner.ts'
import type { WeightsPlan } from './weights.ts'

export interface ConversionPlan {
  /** Of each part, in order. */
  weights: WeightsPlan[]
  graphs: GraphFile[]
  /** What the manifest says of the parts. */
  model: PackModel
}

interface GraphFile {
  path: string
  bytes: Uint8Array<ArrayBuffer>
}

interface PartPlan {
  weights: WeightsPlan
  graphs: GraphFile[]
  /** Of the part, and of those whose graphs go over the same weights. */
  places: Map<PartName, Places>
}

export function planConversion(
  model: CheckpointModel,
  precision: Precision,
  accuracyLevel: AccuracyLevel = 0,
): ConversionPlan {
  const parts = model.parts.map((part) => planPart(part, precision, accuracyLevel))
  const places = new Map(parts.flatMap((part) => [...part.places]))
  return {
    weights: parts.map(({ weights }) => weights),
    graphs: parts.flatMap(({ graphs }) => graphs),
    model: model.describe((name) => {
      const found = places.get(name)
      if (found === undefined) throw new AppError('bug', `The model has no ${name}.`)
      return found
    }),
  }
}

function planPart(part: Part, precision: Precision, accuracyLevel: AccuracyLevel): PartPlan {
  const location = `${part.name}.weights`
  const planner = new WeightsPlanner(location, storagePolicy(precision, part.sensitive))
  const build = part.plan(planner)
  const graphs: GraphFile[] = []
  const forHalf = precision === 'fp16' || precision === 'q4f16'
  const placesOfOne = (name: PartName): Places => {
    const write = (variant: string, type: ComputeType, target: Target): string => {
      const builder = new GraphBuilder(type, location, accuracyLevel)
      build(builder, target, name)
      const path = `${name}.${variant}.onnx`
      graphs.push({ path, bytes: builder.finish(name) })
      return path
    }
    const half = forHalf && part.halfGraph ? write('f16', 'float16', 'webgpu-f16') : null
    const full = write('f32', 'float32', 'webgpu')
    const wasm = part.ownWasmGraph && name === part.name ? write('wasm', 'float32', 'wasm') : full
    const targets = { wasm, webgpu: full, ...(half !== null && { 'webgpu-f16': half }) }
    return { graphs: targets, weights: location }
  }
  const names = [part.name, ...(part.alsoOver ?? [])]
  const places = new Map(names.map((name) => [name, placesOfOne(name)]))
  return { weights: planner.finish(), graphs, places }
}
