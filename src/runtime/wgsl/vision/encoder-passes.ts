/** The dispatches of a vision encoder, made once: from patches to what the last norm reads. */
import { dispatch, type Dispatch } from '../gpu/kernel.ts'
import { blockAttentionWorkgroups } from '../kernels/block-attention/block-attention.ts'
import { patchesWorkgroups } from '../kernels/patches/patches.ts'
import { wideFinishWorkgroups } from '../kernels/wide-finish/wide-finish.ts'
import { wideWorkgroups } from '../kernels/wide-tile/wide-tile.ts'
import type { BlockBuffers, EncoderValues, EncoderWeights } from './encoder-buffers.ts'
import type { EncoderKernels } from './encoder-kernels.ts'
import type { EncoderLayout, EncoderProduct } from './encoder-layout.ts'
import type { BlockProduct, EncoderPlaces } from './encoder-weights.ts'

export interface EncoderPassesParts {
  kernels: EncoderKernels
  layout: EncoderLayout
  places: EncoderPlaces
  weights: EncoderWeights
  values: EncoderValues
}

/** What is added to, and what is normalised of it; a norm in front of the blocks has them change places. */
interface Stream {
  sum: GPUBuffer
  normed: GPUBuffer
}

export class EncoderPasses {
  /** All but the last. */
  readonly #all: readonly Dispatch[]
  readonly #parts: EncoderPassesParts
  readonly #stream: Stream

  constructor(parts: EncoderPassesParts) {
    const { values, places } = parts
    this.#parts = parts
    this.#stream =
      places.preNorm === null
        ? { sum: values.stream, normed: values.normed }
        : { sum: values.normed, normed: values.stream }
    this.#all = [...this.#entry(), ...parts.weights.blocks.flatMap((block, i) => this.#block(block, i))]
  }

  /** One picture, whose features [tokens, hidden] in float32 come into this buffer. */
  into(features: GPUBuffer): Dispatch[] {
    const { layout, kernels, weights, values } = this.#parts
    const last = weights.blocks.at(-1)?.floats ?? weights.postFloats
    const { partial, places } = values
    const buffers = [partial, last, places.fc2, this.#stream.sum, weights.postFloats, features]
    return [
      ...this.#all,
      dispatch(kernels.finish.features, buffers, wideFinishWorkgroups(layout.finish('fc2', true))),
    ]
  }

  /** The stream and the same normalised, as the first block takes them. */
  #entry(): Dispatch[] {
    const { kernels, layout, weights, values } = this.#parts
    const { patches, partial, sizes, places } = values
    const first = weights.blocks[0]?.floats ?? weights.postFloats
    const floats = weights.preFloats ?? first
    const normed = [values.stream, floats, values.normed]
    return [
      dispatch(kernels.patches, [values.pixels, patches], patchesWorkgroups(layout.patches)),
      dispatch(
        kernels.patchTile,
        [patches, weights.patch, sizes.patch, partial],
        wideWorkgroups(layout.product('patch')),
      ),
      dispatch(
        kernels.finish.entry,
        [partial, floats, places.patch, ...normed],
        wideFinishWorkgroups(layout.finish('patch')),
      ),
      ...(kernels.norm === null
        ? []
        : [
            dispatch(
              kernels.norm,
              [this.#stream.sum, first, places.patch, this.#stream.normed],
              [layout.tiles.quads, 1, 1],
            ),
          ]),
    ]
  }

  /** Nine, but for the last block's last. */
  #block(block: BlockBuffers, i: number): Dispatch[] {
    const { kernels, layout, weights, values } = this.#parts
    const { queries, keys, values: stored, attended, wide } = values
    const { sum, normed } = this.#stream
    const next = weights.blocks[i + 1]?.floats
    const residual = (floats: GPUBuffer): GPUBuffer[] => [sum, floats, normed]
    return [
      this.#tile(block, i, 'qkv', normed),
      this.#finish(block, 'qkv', [queries, keys, stored]),
      dispatch(
        kernels.attention,
        [queries, keys, stored, attended],
        blockAttentionWorkgroups(layout.attention, layout.attentionBlocks),
      ),
      this.#tile(block, i, 'projection', attended),
      this.#finish(block, 'projection', residual(block.floats)),
      this.#tile(block, i, 'fc1', normed),
      this.#finish(block, 'fc1', [wide]),
      this.#tile(block, i, 'fc2', wide),
      ...(next === undefined ? [] : [this.#finish(block, 'fc2', residual(next))]),
    ]
  }

  #tile(block: BlockBuffers, i: number, name: BlockProduct, from: GPUBuffer): Dispatch {
    const { kernels, layout, places, values } = this.#parts
    const place = places.blocks[i]?.[name]
    if (place === undefined) throw new Error(`There is no block ${i}.`)
    const buffers = [from, ...block[name], values.sizes[name], values.partial]
    return dispatch(kernels.tileFor(place.matrix), buffers, wideWorkgroups(layout.product(name)))
  }

  #finish({ floats }: BlockBuffers, name: Exclude<EncoderProduct, 'patch'>, more: GPUBuffer[]): Dispatch {
    const { kernels, layout, values } = this.#parts
    const buffers = [values.partial, floats, values.places[name], ...more]
    return dispatch(kernels.finish[name], buffers, wideFinishWorkgroups(layout.finish(name)))
  }
}
