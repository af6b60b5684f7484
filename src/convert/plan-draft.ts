/** A conversion being planned: part by part, its weights and its graph files. */
import type { PackModel, PackPart, PartName } from '../pack/families.ts'
import type { Precision } from '../pack/manifest.ts'
import type { LookConfig } from './families/blip2-look.ts'
import { GraphBuilder, type AccuracyLevel, type ComputeType } from './onnx/graph-builder.ts'
import { buildQFormer, planQFormer } from './parts/q-former.ts'
import { buildVision, planVision } from './parts/vision-eva.ts'
import { storagePolicy, WeightsPlanner } from './planner.ts'
import type { WeightsPlan } from './weights.ts'

/** Everything a conversion will write: weights files and graph files. */
export interface ConversionPlan<Model extends PackModel = PackModel> {
  weights: WeightsPlan[]
  graphs: { path: string; bytes: Uint8Array<ArrayBuffer> }[]
  /** What the manifest says of the parts. */
  model: Model
}

type PlacedPart = Omit<PackPart, 'shape'>

export class PlanDraft {
  /** Whether there are graphs that compute in float16. */
  readonly f16: boolean
  readonly #precision: Precision
  readonly #accuracyLevel: AccuracyLevel
  readonly #planners: WeightsPlanner[] = []
  readonly #graphs: ConversionPlan['graphs'] = []

  constructor(precision: Precision, accuracyLevel: AccuracyLevel) {
    this.#precision = precision
    this.#accuracyLevel = accuracyLevel
    this.f16 = precision === 'fp16' || precision === 'q4f16'
  }

  /** Of the weights of a part. Weights files are written in the order in which their planners were asked for. */
  planner(part: PartName): WeightsPlanner {
    const planner = new WeightsPlanner(weightsPath(part), storagePolicy(this.#precision, part))
    this.#planners.push(planner)
    return planner
  }

  /** One graph of a part. Returns its path. */
  write(part: PartName, variant: string, type: ComputeType, build: (builder: GraphBuilder) => void): string {
    const builder = new GraphBuilder(type, weightsPath(part), this.#accuracyLevel)
    build(builder)
    const path = `${part}.${variant}.onnx`
    this.#graphs.push({ path, bytes: builder.finish(part) })
    return path
  }

  /** A part and its graphs, as the manifest has them. */
  placed(part: PartName, graphs: PackPart['graphs']): PlacedPart {
    return { graphs, weights: weightsPath(part) }
  }

  /** Vision tower and Q-Former, which all families share. `embeddingSize`: width of the language model. */
  look(config: LookConfig, embeddingSize: number): { vision: PlacedPart; 'q-former': PlacedPart } {
    const vision = planVision(this.planner('vision'), config.vision)
    const qFormer = planQFormer(this.planner('q-former'), config, embeddingSize)
    const tower = (graph: GraphBuilder): void => buildVision(graph, config.vision, vision)
    const half = this.f16 && this.write('vision', 'f16', 'float16', tower)
    const full = this.write('vision', 'f32', 'float32', tower)
    const queries = this.write('q-former', 'f32', 'float32', (graph) =>
      buildQFormer(graph, config, embeddingSize, qFormer),
    )
    return {
      vision: this.placed('vision', { wasm: full, webgpu: full, ...(half && { 'webgpu-f16': half }) }),
      'q-former': this.placed('q-former', {
        wasm: queries,
        webgpu: queries,
        ...(this.f16 && { 'webgpu-f16': queries }),
      }),
    }
  }

  finish<Model extends PackModel>(model: Model): ConversionPlan<Model> {
    return { weights: this.#planners.map((planner) => planner.finish()), graphs: this.#graphs, model }
  }
}

/** The weights file that all graphs of a part share: `location` of their external data. */
function weightsPath(part: PartName): string {
  return `${part}.weights`
}
