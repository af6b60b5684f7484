/**
 * What is to be stored and out of what: the plan that is made before any weight is read. A recipe reads some source
 * tensors once and yields one or two initialisers; recipes lie one after the other in a graph's weights file.
 */
import type { BlockSize } from './quantise.ts'

export type StoredType = 'float32' | 'float16' | 'uint8'

/** An ONNX initialiser kept as external data. `offset` counts from the start of the graph's weights file. */
export interface Initialiser {
  name: string
  type: StoredType
  dims: number[]
  offset: number
  bytes: number
}

/** A tensor of the checkpoint and the shape that it must have. Its rows are stacked under those of the one before. */
export interface Source {
  tensor: string
  shape: number[]
}

export interface StoreRecipe {
  kind: 'store'
  sources: Source[]
  /** Stacked sources [rows, columns] are written as [columns, rows]: ONNX `MatMul` wants input features first. */
  transpose: boolean
  output: Initialiser
}

/** From a grid of `from` × `from` positions to one of `to` × `to`. */
export interface GridChange {
  from: number
  to: number
  /** Whether the outermost positions stay the outermost ones, or each stands for a square of its own. */
  corners: 'aligned' | 'free'
}

/** Positions of the vision encoder for another picture size: stored [1 + from², width] → [1, 1 + to², width]. */
export interface InterpolateRecipe extends GridChange {
  kind: 'interpolate'
  sources: Source[]
  output: Initialiser
}

/** Block-quantised rows for `MatMulNBits` and `GatherBlockQuantized`: symmetric, zero point 2^(bits-1). */
export interface QuantiseRecipe {
  kind: 'quantise'
  bits: 4 | 8
  blockSize: BlockSize
  sources: Source[]
  rows: number
  columns: number
  /** uint8 [rows, ceil(columns / blockSize) · blockSize · bits / 8]; for 4 bits the even element is the low nibble. */
  packed: Initialiser
  /** [rows, ceil(columns / blockSize)], float32 or float16. */
  scales: Initialiser
}

export type Recipe = StoreRecipe | InterpolateRecipe | QuantiseRecipe

/** A weights file: recipes in file order and its full length in bytes. */
export interface WeightsPlan {
  path: string
  recipes: Recipe[]
  bytes: number
}

/** Every initialiser starts at a multiple of this many bytes. */
export const ALIGNMENT = 64

export function alignUp(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT
}

/** The initialisers that a recipe yields, in file order. */
export function outputsOf(recipe: Recipe): Initialiser[] {
  return recipe.kind === 'quantise' ? [recipe.packed, recipe.scales] : [recipe.output]
}
