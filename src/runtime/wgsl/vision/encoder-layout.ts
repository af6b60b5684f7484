/** Shapes of a vision encoder's kernels on a device, and where a block's norms and biases lie in its buffer of floats. */
import type { VisionShape } from '../../../pack/shapes.ts'
import {
  attentionBlocks,
  type AttentionBlocks,
  type BlockAttentionShape,
} from '../kernels/block-attention/block-attention.ts'
import { patchInputs, type PatchesShape } from '../kernels/patches/patches.ts'
import type { WideFinishPlaces, WideFinishShape } from '../kernels/wide-finish/wide-finish.ts'
import { tokenTiles, type TokenTiles } from '../kernels/wide-tile/token-tiles.ts'
import { wideSplits, type WideShape } from '../kernels/wide-tile/wide-tile.ts'
import type { StoredTensor } from '../weights/graph-weights.ts'
import { NotForKernels, type NormTensors } from '../weights/stored.ts'
import { BLOCK_PRODUCTS, type BlockPlaces, type BlockProduct, type EncoderPlaces } from './encoder-weights.ts'

/** Of a device, as far as they matter here. */
export type EncoderLimits = Pick<
  GPUSupportedLimits,
  'maxComputeWorkgroupStorageSize' | 'maxBufferSize' | 'maxStorageBufferBindingSize'
>

/** A product, or the one that makes tokens of patches. */
export type EncoderProduct = BlockProduct | 'patch'

export class EncoderLayout {
  readonly tiles: TokenTiles
  readonly attentionBlocks: AttentionBlocks
  /** Values of a buffer of floats. */
  readonly floats: number
  readonly #shape: VisionShape
  readonly #places: EncoderPlaces

  /** Throws `NotForKernels` where the device has too little of something. */
  constructor(places: EncoderPlaces, shape: VisionShape, limits: EncoderLimits) {
    const room = limits.maxComputeWorkgroupStorageSize
    const headSize = shape.hiddenSize / shape.heads
    if (headSize % 4 !== 0) throw new NotForKernels('has heads of no multiple of 4')
    const blocks = attentionBlocks(headSize, room)
    if (blocks === null) throw new NotForKernels('needs more workgroup memory than this device has')
    this.tiles = tokenTiles(shape.tokens, room)
    this.attentionBlocks = blocks
    this.#shape = shape
    this.#places = places
    this.floats = this.#zerosAt + shape.hiddenSize
    this.#checkBuffers(limits)
  }

  get patches(): PatchesShape {
    const { imageSize, patchSize } = this.#shape
    return { imageSize, patchSize, tiles: this.tiles }
  }

  get attention(): BlockAttentionShape {
    const { heads, hiddenSize } = this.#shape
    return { heads, headSize: hiddenSize / heads, tiles: this.tiles }
  }

  product(name: EncoderProduct): WideShape {
    const { inputs, outputs } =
      name === 'patch'
        ? { inputs: patchInputs(this.#shape), outputs: this.#shape.hiddenSize }
        : this.#block[name].matrix
    const splits = wideSplits(inputs, outputs, this.tiles.tiles)
    return { inputs, outputs, tiles: this.tiles, splits }
  }

  /** Behind the last block features, by token. */
  finish(name: EncoderProduct, last = false): WideFinishShape {
    const { epsilons, activation } = this.#places
    const { tiles } = this
    const { outputs } = this.product(name)
    if (name === 'fc1') return { outputs, tiles, into: { kind: activation } }
    if (name === 'qkv') {
      const { heads, hiddenSize } = this.#shape
      return { outputs, tiles, into: { kind: 'qkv', scale: (hiddenSize / heads) ** -0.5 } }
    }
    const into = last
      ? ({ kind: 'features', epsilon: epsilons.post } as const)
      : ({ kind: 'residual', epsilon: epsilons.blocks } as const)
    return { outputs, tiles, into }
  }

  /** What a finish finds where. A product without a bias adds zeros. */
  finishPlaces(name: EncoderProduct): WideFinishPlaces {
    const { hiddenSize: hidden } = this.#shape
    const { splits } = this.product(name)
    const norm1 = { weightAt: 0, biasAt: hidden }
    const norm2 = { weightAt: 2 * hidden, biasAt: 3 * hidden }
    const biasAt = name === 'patch' ? this.#zerosAt : this.#biasesAt[name]
    return { splits, biasAt, norm: name === 'projection' ? norm2 : norm1 }
  }

  /** A block's floats, each with its place. */
  floatsOf(block: BlockPlaces): { tensor: StoredTensor; at: number }[] {
    const { hiddenSize: hidden } = this.#shape
    const biases = BLOCK_PRODUCTS.flatMap((name) => {
      const { bias } = block[name]
      return bias === null ? [] : [{ tensor: bias, at: this.#biasesAt[name] }]
    })
    return [
      ...this.normFloats(block.norm1),
      { tensor: block.norm2.weight, at: 2 * hidden },
      { tensor: block.norm2.bias, at: 3 * hidden },
      ...biases,
    ]
  }

  /** A norm by itself, where a block has its first: what reads one reads the other. */
  normFloats({ weight, bias }: NormTensors): { tensor: StoredTensor; at: number }[] {
    return [
      { tensor: weight, at: 0 },
      { tensor: bias, at: this.#shape.hiddenSize },
    ]
  }

  /** Values of partial sums that any of the products leaves. */
  get partialSums(): number {
    const products = [...BLOCK_PRODUCTS, 'patch'] as const
    return Math.max(
      ...products.map((name) => {
        const { splits, outputs } = this.product(name)
        return splits * outputs * this.columns
      }),
    )
  }

  /** Tokens, filled up to whole tiles. */
  get columns(): number {
    return 4 * this.tiles.quads
  }

  /** Bytes of values on their way, besides weights. */
  get activationBytes(): number {
    const { hiddenSize, imageSize } = this.#shape
    const wide = this.#block.fc1.matrix.outputs
    // Stream, what it begins as, normalised, queries, keys, values and what was attended to; pixels, patches.
    const columns = 7 * hiddenSize + wide + patchInputs(this.#shape)
    return 4 * (this.columns * columns + this.partialSums + 3 * imageSize ** 2)
  }

  /** Dispatches of a picture: nine a block, and three or four in front of them. */
  get dispatches(): number {
    return 9 * this.#shape.layers + (this.#places.preNorm === null ? 3 : 4)
  }

  get #block(): BlockPlaces {
    const [block] = this.#places.blocks
    if (block === undefined) throw new NotForKernels('has no layers')
    return block
  }

  get #biasesAt(): Record<BlockProduct, number> {
    const { hiddenSize: hidden } = this.#shape
    return { qkv: 4 * hidden, projection: 7 * hidden, fc2: 8 * hidden, fc1: 9 * hidden }
  }

  /** Behind the biases. */
  get #zerosAt(): number {
    return this.#biasesAt.fc1 + this.#block.fc1.matrix.outputs
  }

  #checkBuffers({ maxBufferSize, maxStorageBufferBindingSize }: EncoderLimits): void {
    const matrices = BLOCK_PRODUCTS.flatMap((name) => this.#block[name].matrix.tensors)
    const largest = Math.max(4 * this.partialSums, ...matrices.map(({ bytes }) => bytes))
    if (largest > Math.min(maxBufferSize, maxStorageBufferBindingSize))
      throw new NotForKernels('has a matrix that is larger than one buffer of this device')
  }
}
