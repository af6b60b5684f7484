/** An OPT decoder's memory on the GPU: its weights, and the values on their way through it. */
import type { DecoderShape } from '../../../pack/shapes.ts'
import { MOST_ROWS, STATE_BYTES } from '../gpu/state.ts'
import { ownersBytes } from '../kernels/attention/owners.ts'
import { CHOICE_BYTES } from '../kernels/choose/choose.ts'
import { tileSizes } from '../kernels/tile/tile.ts'
import { topBytes } from '../kernels/top/top.ts'
import type { MatrixPlace } from '../weights/stored.ts'
import type { Uploads } from '../weights/uploads.ts'
import type { LayerProduct } from './layout.ts'
import { LAYER_PRODUCTS } from './layout.ts'
import type { OptKernels } from './opt-kernels.ts'
import type { OptPlaces } from './opt-weights.ts'

/** Rows of a run of which all logits are wanted. */
export const MOST_LOGIT_ROWS = 32

export interface MatrixBuffers {
  packed: GPUBuffer
  scales: GPUBuffer
}

export interface OptWeights {
  table: MatrixBuffers
  positions: GPUBuffer
  layers: ({ floats: GPUBuffer } & Record<LayerProduct, MatrixBuffers>)[]
  finalFloats: GPUBuffer
  head: MatrixBuffers
}

/** Of each matrix, as tiles read them. */
export type TileSizes = Record<LayerProduct | 'head', GPUBuffer>

/** In the order of the file, so that it is read from front to back. */
export async function uploadWeights(
  uploads: Uploads,
  places: OptPlaces,
  kernels: OptKernels,
): Promise<OptWeights> {
  const { layout } = kernels
  const matrix = async ({ packed, scales }: MatrixPlace): Promise<MatrixBuffers> => ({
    packed: await uploads.stored(packed),
    scales: await uploads.stored(scales),
  })
  const table = await matrix(places.table)
  const positions = await uploads.stored(places.positions)
  const layers: OptWeights['layers'] = []
  for (const layer of places.layers) {
    const floats = await uploads.floats(layout.floats.count, layout.floatsOf(layer))
    const [qkv, output] = [await matrix(layer.qkv.matrix), await matrix(layer.output.matrix)]
    layers.push({
      floats,
      qkv,
      output,
      fc1: await matrix(layer.fc1.matrix),
      fc2: await matrix(layer.fc2.matrix),
    })
  }
  const finalFloats = await uploads.floats(layout.floats.count, layout.finalFloats())
  const head = places.head === places.table ? table : await matrix(places.head)
  return { table, positions, layers, finalFloats, head }
}

/** Values on their way; rows × something each. */
export interface Activations {
  /** Rows that fit. */
  rows: number
  state: GPUBuffer
  /** The stream [rows, hidden], and normalised. */
  x: GPUBuffer
  normed: GPUBuffer
  query: GPUBuffer
  attended: GPUBuffer
  parts: GPUBuffer
  wide: GPUBuffer
  partial: GPUBuffer
  tileSizes: TileSizes
  /** [vocabulary], or of several rows. */
  logits: GPUBuffer
  records: GPUBuffer
  /** One, or of several rows. */
  choices: GPUBuffer
  /** Of long attention: what its parts come to, of one row. */
  shares: GPUBuffer
  shareParts: GPUBuffer
  /** In which row each position of each row lies. */
  owners: GPUBuffer
  /** What is wanted of rows of logits, on the way to it, and what is found. */
  topWanted: GPUBuffer
  topParts: GPUBuffer
  topRecords: GPUBuffer
  topFound: GPUBuffer
  /** Stands for query embeddings where none are read. */
  noQueries: GPUBuffer
}

export function makeActivations(
  uploads: Pick<Uploads, 'buffer' | 'uniform'>,
  kernels: OptKernels,
  { hiddenSize, heads, vocabulary }: DecoderShape,
  context: number,
): Activations {
  const { layout, layerMatrices: matrices } = kernels
  const rows = Math.min(MOST_ROWS, context)
  const logitRows = Math.min(MOST_LOGIT_ROWS, rows)
  const floats = (count: number): GPUBuffer => uploads.buffer(4 * count)
  const sums = LAYER_PRODUCTS.map((name) => layout.partialSums(matrices[name], rows))
  const splits = layout.longAttention()?.splits ?? 1
  const top = topBytes(layout.top(), logitRows)
  const sizesOf = (matrix: MatrixPlace): GPUBuffer => uploads.uniform(tileSizes(layout.tile(matrix)))
  return {
    rows,
    shares: floats(splits * hiddenSize),
    shareParts: floats(2 * splits * heads),
    owners: uploads.buffer(ownersBytes(logitRows * context)),
    topWanted: uploads.buffer(top.wanted),
    topParts: uploads.buffer(top.parts),
    topRecords: uploads.buffer(top.records),
    topFound: uploads.buffer(top.found),
    state: uploads.buffer(STATE_BYTES, true),
    x: floats(rows * hiddenSize),
    normed: floats(rows * hiddenSize),
    query: floats(rows * hiddenSize),
    attended: floats(rows * hiddenSize),
    parts: floats(2 * rows * heads),
    wide: floats(rows * matrices.fc1.outputs),
    partial: floats(Math.max(...sums, layout.partialSums(kernels.head, logitRows))),
    tileSizes: {
      qkv: sizesOf(matrices.qkv),
      output: sizesOf(matrices.output),
      fc1: sizesOf(matrices.fc1),
      fc2: sizesOf(matrices.fc2),
      head: sizesOf(kernels.head),
    },
    logits: floats(logitRows * vocabulary),
    records: uploads.buffer(16 * kernels.headGroups),
    choices: uploads.buffer(CHOICE_BYTES * logitRows),
    noQueries: floats(hiddenSize),
  }
}
