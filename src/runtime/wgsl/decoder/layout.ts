/** Shapes of an OPT decoder's kernels, and where a layer's norms and biases lie in the buffer that holds them. */
import { POSITION_OFFSET } from '../../../pack/parts.ts'
import type { DecoderShape } from '../../../pack/shapes.ts'
import type { CacheType } from '../../../pack/targets.ts'
import { CHUNK } from '../gpu/weights-format.ts'
import type { HeadsShape } from '../kernels/attention/cache.ts'
import type { AttentionShape } from '../kernels/attention/attention.ts'
import type { EmbedShape } from '../kernels/embed/embed.ts'
import type { FinishShape, FinishTarget } from '../kernels/finish/finish.ts'
import {
  workgroupBytes,
  type NormPlace,
  type ProductShape,
  type ProductTarget,
  type ProductTuning,
} from '../kernels/product/product.ts'
import { partialRow, splitsOf, type TileShape } from '../kernels/tile/tile.ts'
import type { TopShape } from '../kernels/top/top.ts'
import type { StoredTensor } from '../weights/graph-weights.ts'
import { floatType, type MatrixPlace } from '../weights/stored.ts'
import type { LayerPlaces, OptPlaces } from './opt-weights.ts'

/** `nn.LayerNorm`'s default, which OPT leaves as it is. */
const EPSILON = 1e-5

/** Workgroups of a product of several rows that fill a large card: five for each of 132 processors. */
const TILES_WANTED = 640

/** From so many positions on a step's attention is split: a workgroup a head would leave most of a card idle. */
export const SPLIT_FROM = 512
const LONG_SPLITS = 4

/** Rows that a tile of a product of several rows may have. */
export const TILE_ROWS = [8, 16, 32] as const
export type TileRows = (typeof TILE_ROWS)[number]

/** How each product of one row is spread over workgroups. */
export type Tunings = Record<LayerProduct, ProductTuning>

export const LAYER_PRODUCTS = ['qkv', 'output', 'fc1', 'fc2'] as const
export type LayerProduct = (typeof LAYER_PRODUCTS)[number]

/** What a workgroup may have on a device. */
export interface WorkgroupLimits {
  threads: number
  bytes: number
}

/** Where norms and biases lie, in values. */
export interface FloatPlaces {
  norm1: NormPlace
  norm2: NormPlace
  biases: Record<LayerProduct, number>
  count: number
}

export class OptLayout {
  readonly floats: FloatPlaces
  readonly heads: HeadsShape
  readonly #places: OptPlaces
  readonly #shape: DecoderShape
  readonly #positions: number
  readonly #limits: WorkgroupLimits

  /** `context`: positions that a sequence may have here. */
  constructor(
    places: OptPlaces,
    shape: DecoderShape,
    cacheType: CacheType,
    { context, limits }: { context: number; limits: WorkgroupLimits },
  ) {
    this.#limits = limits
    const { hiddenSize: hidden, heads, headSize, cacheHeadSize } = shape
    this.#places = places
    this.#shape = shape
    this.#positions = context
    this.heads = { heads, headSize, cacheHeadSize, cacheType, scale: headSize ** -0.5 }
    const wide = places.layers[0]?.fc1.matrix.outputs ?? 0
    const norm = (at: number): NormPlace => ({ weightAt: at, biasAt: at + hidden, epsilon: EPSILON })
    const biases = { qkv: 4 * hidden, output: 7 * hidden, fc2: 8 * hidden, fc1: 9 * hidden }
    this.floats = { norm1: norm(0), norm2: norm(2 * hidden), biases, count: 9 * hidden + wide }
  }

  /** A layer's floats, each with its place. */
  floatsOf(layer: LayerPlaces): { tensor: StoredTensor; at: number }[] {
    const { norm1, norm2, biases } = this.floats
    return [
      { tensor: layer.norm1.weight, at: norm1.weightAt },
      { tensor: layer.norm1.bias, at: norm1.biasAt },
      { tensor: layer.norm2.weight, at: norm2.weightAt },
      { tensor: layer.norm2.bias, at: norm2.biasAt },
      ...LAYER_PRODUCTS.map((name) => ({
        tensor: layer[name].bias,
        at: biases[name],
      })),
    ]
  }

  /** The last norm, where a layer has its first: what reads one reads the other. */
  finalFloats(): { tensor: StoredTensor; at: number }[] {
    const { weight, bias } = this.#places.finalNorm
    const { weightAt, biasAt } = this.floats.norm1
    return [
      { tensor: weight, at: weightAt },
      { tensor: bias, at: biasAt },
    ]
  }

  embed(): EmbedShape {
    const { table, positions } = this.#places
    const { hiddenSize: hidden, vocabulary } = this.#shape
    const [rows = 0] = positions.dims
    return {
      hidden,
      vocabulary,
      format: table.format,
      positions: { rows, type: floatType(positions), offset: POSITION_OFFSET },
    }
  }

  attention(): AttentionShape {
    return { ...this.heads, positions: this.#positions, splits: 1, owned: false }
  }

  /** Over rows that share positions. */
  ownedAttention(): AttentionShape {
    return { ...this.attention(), owned: true }
  }

  /** Of one row that is long; null where none may be. */
  longAttention(): AttentionShape | null {
    return this.#positions > SPLIT_FROM ? { ...this.attention(), splits: LONG_SPLITS } : null
  }

  top(): TopShape {
    return { vocabulary: this.#shape.vocabulary }
  }

  product(name: LayerProduct, matrix: MatrixPlace): ProductShape {
    const { norm1, norm2, biases, count } = this.floats
    const targets: Record<LayerProduct, [NormPlace | null, ProductTarget]> = {
      qkv: [norm1, { kind: 'qkv', ...this.heads }],
      output: [null, { kind: 'residual' }],
      fc1: [norm2, { kind: 'relu' }],
      fc2: [null, { kind: 'residual' }],
    }
    const [norm, into] = targets[name]
    return this.#fitted({ ...sizesOf(matrix), floats: count, norm, biasAt: biases[name], into })
  }

  head(): ProductShape {
    const { norm1, count } = this.floats
    return this.#fitted({
      ...sizesOf(this.#places.head),
      floats: count,
      norm: norm1,
      biasAt: null,
      into: { kind: 'scores' },
    })
  }

  /** How a product of one row is spread over a workgroup where nothing was measured. */
  tuning(shape: ProductShape): ProductTuning {
    return tuningFor(shape, this.#limits)
  }

  /** Every way to spread it that is worth a try on this device, the usual one first. */
  tunings(shape: ProductShape): ProductTuning[] {
    return tuningsFor(shape, this.#limits)
  }

  /** Without the norm where a workgroup has no memory for a normalised row: then that is a dispatch of its own. */
  #fitted(shape: ProductShape): ProductShape {
    const fits = workgroupBytes(shape, this.tuning(shape)) <= this.#limits.bytes
    return fits ? shape : { ...shape, norm: null }
  }

  tile(matrix: MatrixPlace): TileShape {
    return { ...sizesOf(matrix), wanted: TILES_WANTED }
  }

  /** Partial sums of a product, in values, for whatever number of rows up to `most`. */
  partialSums(matrix: MatrixPlace, most: number): number {
    const shape = this.tile(matrix)
    const counts = Array.from({ length: most }, (_, i) => i + 1)
    return partialRow(shape.outputs) * Math.max(...counts.map((rows) => rows * splitsOf(shape, rows)))
  }

  /** Behind the head of several rows. */
  finishHead(): FinishShape {
    return {
      ...this.tile(this.#places.head),
      floats: this.floats.count,
      biasAt: null,
      into: { kind: 'plain' },
    }
  }

  finish(name: LayerProduct, matrix: MatrixPlace): FinishShape {
    const { norm1, norm2, biases, count } = this.floats
    const targets: Record<LayerProduct, FinishTarget> = {
      qkv: { kind: 'qkv', ...this.heads },
      output: { kind: 'residual', norm: norm2 },
      fc1: { kind: 'relu' },
      // The next layer's first norm, or the last of all.
      fc2: { kind: 'residual', norm: norm1 },
    }
    return { ...this.tile(matrix), floats: count, biasAt: biases[name], into: targets[name] }
  }
}

/** Rows of a tile for so many rows in all. */
export function tileRowsFor(count: number): TileRows {
  return TILE_ROWS.find((rows) => count <= rows) ?? 32
}

/** Fewer threads are not worth what they save of memory. */
const FEWEST_THREADS = 64

/** As many as rows of a thread at most: each of a workgroup's rows has a thread that writes it. */
const FEWEST_LANES = 4

/** As on most devices, or with fewer threads where a workgroup may have no more, or has no memory for their sums. */
export function tuningFor(shape: ProductShape, limits: WorkgroupLimits): ProductTuning {
  const tuning = usualTuning(shape.inputs / CHUNK)
  const halved = (): ProductTuning => {
    const threads = tuning.threads / 2
    return { ...tuning, threads, lanes: Math.min(tuning.lanes, threads) }
  }
  while (tuning.threads > limits.threads) Object.assign(tuning, halved())
  while (tuning.threads > FEWEST_THREADS && workgroupBytes(shape, tuning) > limits.bytes)
    Object.assign(tuning, halved())
  return tuning
}

/**
 * The usual way and what differs from it in the number of workgroups, and in what a thread keeps to itself. Which is best
 * depends on how many processors a card has and how much they keep in flight, and of that no limit tells.
 */
export function tuningsFor(shape: ProductShape, limits: WorkgroupLimits): ProductTuning[] {
  const usual = tuningFor(shape, limits)
  const { threads, lanes, rowsPerThread } = usual
  const others: ProductTuning[] = [
    { threads, lanes, rowsPerThread: rowsPerThread / 2 },
    { threads: threads / 2, lanes, rowsPerThread },
    { threads: threads / 4, lanes, rowsPerThread },
    { threads: threads / 2, lanes, rowsPerThread: rowsPerThread / 2 },
    { threads, lanes: 2 * lanes, rowsPerThread },
    { threads, lanes: lanes / 2, rowsPerThread },
  ]
  const chunks = shape.inputs / CHUNK
  const fits = (tuning: ProductTuning): boolean =>
    tuning.threads >= Math.min(FEWEST_THREADS, threads) &&
    tuning.lanes <= Math.min(tuning.threads, chunks) &&
    tuning.lanes >= FEWEST_LANES &&
    workgroupBytes(shape, tuning) <= limits.bytes
  return [usual, ...others.filter(fits)]
}

function usualTuning(chunks: number): ProductTuning {
  // A long inner dimension is shared by more threads: few rows of the matrix would leave a card idle.
  if (chunks >= 256) return { threads: 256, lanes: 64, rowsPerThread: 4 }
  const lanes = chunks >= 16 ? 16 : chunks >= 8 ? 8 : 4
  return { threads: chunks >= 64 ? 256 : 64, lanes, rowsPerThread: 4 }
}

function sizesOf({
  outputs,
  inputs,
  format,
}: MatrixPlace): Pick<ProductShape, 'outputs' | 'inputs' | 'format'> {
  return { outputs, inputs, format }
}
