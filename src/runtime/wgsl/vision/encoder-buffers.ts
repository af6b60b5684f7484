/** A vision encoder's memory on the GPU: its weights, and the values on their way through it. */
import type { VisionShape } from '../../../pack/shapes.ts'
import { patchInputs } from '../kernels/patches/patches.ts'
import { finishPlaces } from '../kernels/wide-finish/wide-finish.ts'
import { wideSizes } from '../kernels/wide-tile/wide-tile.ts'
import type { Uploads } from '../weights/uploads.ts'
import { ENCODER_PRODUCTS, type EncoderLayout, type EncoderProduct } from './encoder-layout.ts'
import type { BlockProduct, EncoderPlaces } from './encoder-weights.ts'

export type BlockBuffers = { floats: GPUBuffer } & Record<BlockProduct, GPUBuffer[]>

export interface EncoderWeights {
  /** [3 · patch², hidden] in float32. */
  patch: GPUBuffer
  /** What the stream begins as, by channel: class token, bias of the patches, positions. */
  base: GPUBuffer
  /** Of a norm in front of the blocks. */
  preFloats: GPUBuffer | null
  blocks: BlockBuffers[]
  postFloats: GPUBuffer
}

/** In the order of the file, so that it is read from front to back. */
export async function uploadEncoder(
  uploads: Uploads,
  places: EncoderPlaces,
  layout: EncoderLayout,
  shape: VisionShape,
): Promise<EncoderWeights> {
  const patch = uploads.given(turned(await uploads.values(places.patch), shape.hiddenSize))
  const base = uploads.given(await baseOf(uploads, places, layout, shape))
  const { preNorm } = places
  const preFloats = preNorm === null ? null : await uploads.floats(layout.floats, layout.normFloats(preNorm))
  const blocks: BlockBuffers[] = []
  for (const block of places.blocks) {
    const floats = await uploads.floats(layout.floats, layout.floatsOf(block))
    const matrix = async (name: BlockProduct): Promise<GPUBuffer[]> => {
      const buffers: GPUBuffer[] = []
      for (const tensor of block[name].matrix.tensors) buffers.push(await uploads.stored(tensor))
      return buffers
    }
    const [qkv, projection] = [await matrix('qkv'), await matrix('projection')]
    blocks.push({ floats, qkv, projection, fc1: await matrix('fc1'), fc2: await matrix('fc2') })
  }
  const postFloats = await uploads.floats(layout.floats, layout.normFloats(places.postNorm))
  return { patch, base, preFloats, blocks, postFloats }
}

/** [outputs, inputs] → [inputs, outputs] */
function turned(values: Float32Array, outputs: number): Float32Array<ArrayBuffer> {
  const inputs = values.length / outputs
  const out = new Float32Array(values.length)
  for (let output = 0; output < outputs; output += 1)
    for (let input = 0; input < inputs; input += 1)
      out[input * outputs + output] = values[output * inputs + input] ?? 0
  return out
}

async function baseOf(
  uploads: Uploads,
  { patchBias, classToken, positions }: EncoderPlaces,
  { columns }: EncoderLayout,
  { tokens, hiddenSize: hidden }: VisionShape,
): Promise<Float32Array<ArrayBuffer>> {
  const bias = patchBias === null ? new Float32Array(hidden) : await uploads.values(patchBias)
  const first = await uploads.values(classToken)
  const places = await uploads.values(positions)
  const base = new Float32Array(hidden * columns)
  for (let token = 0; token < tokens; token += 1) {
    const added = token === 0 ? first : bias
    for (let channel = 0; channel < hidden; channel += 1)
      base[channel * columns + token] = (places[token * hidden + channel] ?? 0) + (added[channel] ?? 0)
  }
  return base
}

/** Values on their way, by channel unless said otherwise, and what kernels read beside them. */
export interface EncoderValues {
  pixels: GPUBuffer
  patches: GPUBuffer
  stream: GPUBuffer
  normed: GPUBuffer
  queries: GPUBuffer
  /** By token, as are values. */
  keys: GPUBuffer
  values: GPUBuffer
  attended: GPUBuffer
  wide: GPUBuffer
  partial: GPUBuffer
  sizes: Record<EncoderProduct, GPUBuffer>
  places: Record<EncoderProduct, GPUBuffer>
}

export function makeValues(
  uploads: Pick<Uploads, 'buffer' | 'uniform'>,
  layout: EncoderLayout,
  shape: VisionShape,
): EncoderValues {
  const { hiddenSize, imageSize } = shape
  const columns = (channels: number): GPUBuffer => uploads.buffer(4 * layout.columns * channels)
  const each = (of: (name: EncoderProduct) => GPUBuffer): Record<EncoderProduct, GPUBuffer> =>
    Object.fromEntries(ENCODER_PRODUCTS.map((name) => [name, of(name)])) as Record<EncoderProduct, GPUBuffer>
  return {
    pixels: uploads.buffer(4 * 3 * imageSize ** 2),
    patches: columns(patchInputs(shape)),
    stream: columns(hiddenSize),
    normed: columns(hiddenSize),
    queries: columns(hiddenSize),
    keys: columns(hiddenSize),
    values: columns(hiddenSize),
    attended: columns(hiddenSize),
    wide: columns(layout.product('fc1').outputs),
    partial: uploads.buffer(4 * layout.partialSums),
    sizes: each((name) => uploads.uniform(wideSizes(layout.product(name)))),
    places: each((name) => uploads.uniform(finishPlaces(layout.finishPlaces(name)))),
  }
}
