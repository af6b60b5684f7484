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

/** A block's products, and the one that makes tokens of patches. */
export const ENCODER_PRODUCTS = [...BLOCK_PRODUCTS, 'patch'] as const
export type EncoderProduct = (typeof ENCODER_PRODUCTS)[number]

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
    const weightAt = name === 'projection' ? this.#norm2At : 0
    const biasAt = name === 'patch' ? this.#zerosAt : this.#biasesAt[name]
    return { splits, biasAt, norm: { weightAt, biasAt: weightAt + hidden } }
  }

  /** A block's floats, each with its place. */
  floatsOf(block: BlockPlaces): { tensor: StoredTensor; at: number }[] {
    const biases = BLOCK_PRODUCTS.flatMap((name) => {
      const { bias } = block[name]
      return bias === null ? [] : [{ tensor: bias, at: this.#biasesAt[name] }]
    })
    return [...this.normFloats(block.norm1), ...this.normFloats(block.norm2, this.#norm2At), ...biases]
  }

  /** A norm; by itself it lies where a block has its first: what reads one reads the other. */
  normFloats({ weight, bias }: NormTensors, at = 0): { tensor: StoredTensor; at: number }[] {
    return [
      { tensor: weight, at },
      { tensor: bias, at: at + this.#shape.hiddenSize },
    ]
  }

  /** Values of partial sums that any of the products leaves. */
  get partialSums(): number {
    return Math.max(
      ...ENCODER_PRODUCTS.map((name) => {
        const { splits, outputs } = this.product(name)
        return splits * outputs * this.columns
      }),
    )
  }

  /** Tokens, filled up to whole tiles. */
  get columns(): number {
    return 4 * this.tiles.quads
  }

  get #block(): BlockPlaces {
    const [block] = this.#places.blocks
    if (block === undefined) throw new NotForKernels('has no layers')
    return block
  }

  /** Of a block's second. */
  get #norm2At(): number {
    return 2 * this.#shape.hiddenSize
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
