/** A part of a model: what it stores, planned first, and the graphs over it, built afterwards. */
import type { PartName, Target } from '../../pack/families.ts'
import type { GraphBuilder } from '../onnx/graph-builder.ts'
import type { WeightsPlanner } from '../planner.ts'

/** Writes the graph of `part` that is meant for `target`. The builder knows which type it computes in. */
export type BuildGraph = (graph: GraphBuilder, target: Target, part: PartName) => void

export interface Part {
  readonly name: PartName
  /** Parts of the pack whose graphs go over the weights file of this one; none where it is left out. */
  readonly alsoOver?: readonly PartName[]
  /** Small and easily spoilt: its weights never have fewer than 8 bits, and stay float32 where they are not quantised. */
  readonly sensitive: boolean
  /** There is a graph of it that computes in float16, for precisions that do. */
  readonly halfGraph: boolean
  /** The processor's kernels want another graph of the part itself than WebGPU's. */
  readonly ownWasmGraph: boolean
  /** Plans every weight, in file order. What it gives builds any number of graphs over them. */
  plan(planner: WeightsPlanner): BuildGraph
}
