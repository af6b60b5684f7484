/**
 * Decides what each weight is stored as and where it lies, before anything is read. One planner per weights file.
 */
import type { Precision } from '../pack/manifest.ts'
import { BLOCK_SIZE, type BlockSize } from './quantise.ts'
import {
  alignUp,
  type GridChange,
  type Initialiser,
  type QuantiseRecipe,
  type Recipe,
  type Source,
  type StoredType,
  type WeightsPlan,
} from './weights.ts'

/**
 * How a precision stores the weights of one part.
 * - `floats`: norms, biases, position tables, and everything that is not quantised.
 * - `linearBits`: the large matrices; null keeps them as floats.
 * - `tableBits`: the token embedding and the tied head.
 */
export interface StoragePolicy {
  floats: 'float32' | 'float16'
  linearBits: 4 | 8 | null
  tableBits: 8 | null
}

/**
 * What each precision means. What is `sensitive` (the Q-Former, which has 3 % of the parameters) never has fewer than
 * 8 bits and always computes in f32; nor have token embedding and head, which decide between near-equal words
 * (measured in docs/quantisation.md).
 */
export function storagePolicy(precision: Precision, sensitive: boolean): StoragePolicy {
  switch (precision) {
    case 'fp32':
      return { floats: 'float32', linearBits: null, tableBits: null }
    case 'fp16':
      return { floats: 'float16', linearBits: null, tableBits: null }
    case 'q8':
      return { floats: 'float32', linearBits: 8, tableBits: 8 }
    case 'q4':
      return { floats: 'float32', linearBits: sensitive ? 8 : 4, tableBits: 8 }
    case 'q4f16':
      return { floats: sensitive ? 'float32' : 'float16', linearBits: sensitive ? 8 : 4, tableBits: 8 }
  }
}

/** A matrix [outputs, inputs] as the graph will use it, with or without a bias [outputs]. */
export type Linear =
  | { kind: 'dense'; weight: Initialiser; bias: Initialiser | null }
  | { kind: 'blocks'; recipe: QuantiseRecipe; bias: Initialiser | null }

export interface LinearOptions {
  bias?: boolean
  /** How many values of 4 bits share a scale; of 8 bits 32 do. */
  sharedBy?: BlockSize
}

/** Rows to look up, [rows, columns]; blocks when quantised. */
export type Table = { kind: 'dense'; weight: Initialiser } | { kind: 'blocks'; recipe: QuantiseRecipe }

export interface Norm {
  weight: Initialiser
  bias: Initialiser
  epsilon: number
}

/** A norm by the root mean square: no mean is taken off and nothing added. */
export interface RmsNorm {
  weight: Initialiser
  epsilon: number
}

export class WeightsPlanner {
  readonly policy: StoragePolicy
  readonly #path: string
  readonly #recipes: Recipe[] = []
  #end = 0

  constructor(path: string, policy: StoragePolicy) {
    this.#path = path
    this.policy = policy
  }

  /** Tensors of the checkpoint, stacked by rows and kept as floats. `dims` reshapes without moving a value. */
  floats(name: string, sources: Source[], dims?: number[]): Initialiser {
    return this.#store(name, sources, dims ?? stacked(sources), false)
  }

  norm(tensor: string, size: number, epsilon: number): Norm {
    const part = (suffix: string): Initialiser =>
      this.floats(`${tensor}.${suffix}`, [{ tensor: `${tensor}.${suffix}`, shape: [size] }])
    return { weight: part('weight'), bias: part('bias'), epsilon }
  }

  rmsNorm(tensor: string, size: number, epsilon: number): RmsNorm {
    const weight = this.floats(`${tensor}.weight`, [{ tensor: `${tensor}.weight`, shape: [size] }])
    return { weight, epsilon }
  }

  /** A matrix [rows, columns] kept as floats, written as [columns, rows]; `dims` reshapes what is written. */
  transposed(name: string, source: Source, dims: number[]): Initialiser {
    return this.#store(name, [source], dims, true)
  }

  /** Positions [1 + from², width], one for the class token and a grid of the others, for a grid of another size. */
  interpolated(name: string, source: Source, change: GridChange): Initialiser {
    const output = this.#allocate(name, this.policy.floats, [1, 1 + change.to ** 2, source.shape.at(-1) ?? 1])
    this.#recipes.push({ kind: 'interpolate', sources: [source], ...change, output })
    return output
  }

  /**
   * One matrix out of the modules `tensors`, stacked: several projections of the same input become one product.
   * `outputs` is what each module yields. A bias is expected for each unless `bias` is false.
   */
  linear(
    name: string,
    tensors: string[],
    outputs: number,
    inputs: number,
    { bias = true, sharedBy = BLOCK_SIZE }: LinearOptions = {},
  ): Linear {
    const sources = tensors.map((tensor) => ({ tensor: `${tensor}.weight`, shape: [outputs, inputs] }))
    const biases = tensors.map((tensor) => ({ tensor: `${tensor}.bias`, shape: [outputs] }))
    const bits = this.policy.linearBits
    // Ragged rows occur in no published model; they stay floats rather than rely on each kernel's padding.
    if (bits === null || inputs % BLOCK_SIZE !== 0) {
      const dims = [inputs, outputs * tensors.length]
      const weight = this.#store(`${name}.weight`, sources, dims, true)
      return { kind: 'dense', weight, bias: bias ? this.floats(`${name}.bias`, biases) : null }
    }
    const blockSize = bits === 4 && inputs % sharedBy === 0 ? sharedBy : BLOCK_SIZE
    const recipe = this.#quantise(`${name}.weight`, sources, bits, blockSize)
    return { kind: 'blocks', recipe, bias: bias ? this.floats(`${name}.bias`, biases) : null }
  }

  /** A token table, kept by rows so that one copy serves look-up and tied head alike. */
  table(name: string, source: Source, blockSize: BlockSize = BLOCK_SIZE): Table {
    const bits = this.policy.tableBits
    if (bits === null || (source.shape[1] ?? 0) % blockSize !== 0)
      return { kind: 'dense', weight: this.floats(name, [source]) }
    return { kind: 'blocks', recipe: this.#quantise(name, [source], bits, blockSize) }
  }

  finish(): WeightsPlan {
    return { path: this.#path, recipes: this.#recipes, bytes: this.#end }
  }

  #store(name: string, sources: Source[], dims: number[], transpose: boolean): Initialiser {
    const output = this.#allocate(name, this.policy.floats, dims)
    this.#recipes.push({ kind: 'store', sources, transpose, output })
    return output
  }

  #quantise(name: string, sources: Source[], bits: 4 | 8, blockSize: BlockSize): QuantiseRecipe {
    const [rows = 0, columns = 0] = stacked(sources)
    const blocks = Math.ceil(columns / blockSize)
    const packed = this.#allocate(`${name}.q${bits}`, 'uint8', [rows, (blocks * blockSize * bits) / 8])
    const scales = this.#allocate(`${name}.scales`, this.policy.floats, [rows, blocks])
    const recipe: QuantiseRecipe = {
      kind: 'quantise',
      bits,
      blockSize,
      sources,
      rows,
      columns,
      packed,
      scales,
    }
    this.#recipes.push(recipe)
    return recipe
  }

  #allocate(name: string, type: StoredType, dims: number[]): Initialiser {
    const bytes = dims.reduce((product, size) => product * size, BYTES[type])
    const offset = alignUp(this.#end)
    this.#end = offset + bytes
    return { name, type, dims, offset, bytes }
  }
}

const BYTES: Record<StoredType, number> = { float32: 4, float16: 2, uint8: 1 }

/** [rows of all, columns]; one-dimensional sources are concatenated. */
function stacked(sources: Source[]): number[] {
  const first = sources[0]?.shape ?? []
  const rows = sources.reduce((sum, source) => sum + (source.shape[0] ?? 1), 0)
  return sources.length === 1 ? first : [rows, ...first.slice(1)]
}
