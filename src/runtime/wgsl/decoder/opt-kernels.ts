/** An OPT decoder's kernels, all compiled for a device before the first of them runs. */
import { Compiler, type CompiledKernel, type Kernel } from '../gpu/kernel.ts'
import type { Together } from '../gpu/together.ts'
import { formatName } from '../gpu/weights-format.ts'
import { tileBytes } from '../gpu/weights-tile.ts'
import { attentionKernel, attentionBytes } from '../kernels/attention/attention.ts'
import { combineKernel } from '../kernels/attention/combine.ts'
import { chooseKernel } from '../kernels/choose/choose.ts'
import { chooseRowsKernel } from '../kernels/choose/choose-rows.ts'
import { embedKernel } from '../kernels/embed/embed.ts'
import { finishKernel } from '../kernels/finish/finish.ts'
import { normKernel } from '../kernels/norm/norm.ts'
import {
  productKernel,
  workgroupBytes,
  workgroupsOf,
  type NormPlace,
  type ProductShape,
  type ProductTuning,
} from '../kernels/product/product.ts'
import { topPartsKernel, topRowsKernel } from '../kernels/top/top.ts'
import { tileKernel } from '../kernels/tile/tile.ts'
import { NotForKernels, type MatrixPlace } from '../weights/stored.ts'
import { TILE_ROWS, type LayerProduct, type OptLayout, type TileRows, type Tunings } from './layout.ts'
import type { LayerPlaces, OptPlaces } from './opt-weights.ts'

/** Threads of kernels whose workgroup has a row, or a head of one. */
export const THREADS = 128
const CHOOSING_THREADS = 256

/** All of a decoder's, which come together in one way. */
export interface DecoderKernels {
  shared: SharedKernels
  products: Record<LayerProduct, StepProduct>
  rows: RowsKernels
  /** Of a layer's first norm, or the last of all, and of its second. */
  norm: CompiledKernel
  norm2: CompiledKernel
}

/** A layer's product of one row, spread over workgroups in some way. */
export interface StepProduct {
  kernel: CompiledKernel
  workgroups: number
}

/** What both a step and a run of several rows need. */
export interface SharedKernels {
  embed: CompiledKernel
  attention: CompiledKernel
  ownedAttention: CompiledKernel
  /** Null where no sequence may be that long. */
  long: { attention: CompiledKernel; combine: CompiledKernel } | null
  topParts: CompiledKernel
  topRows: CompiledKernel
  head: CompiledKernel
  choose: CompiledKernel
  chooseRows: CompiledKernel
}

/** One for each format in which matrices are stored; see `formatName`. */
export type TileKernels = ReadonlyMap<string, CompiledKernel>

/** Of several rows. */
export interface RowsKernels {
  tiles: Record<TileRows, TileKernels>
  /** What stands behind tiles of whatever size. */
  finish: Record<LayerProduct, CompiledKernel>
  headFinish: CompiledKernel
}

export class OptKernels {
  readonly layout: OptLayout
  readonly #device: GPUDevice
  readonly #places: OptPlaces
  readonly #layer: LayerPlaces
  /** For every way to reduce: what has nothing to reduce is the same in all of them. */
  readonly #compiler: Compiler

  /** Throws `NotForKernels` where the device has too little of something. `compileMs`: what a kernel may take. */
  constructor(device: GPUDevice, layout: OptLayout, places: OptPlaces, compileMs = Infinity) {
    const [layer] = places.layers
    if (layer === undefined) throw new NotForKernels('has no layers')
    this.layout = layout
    this.#device = device
    this.#places = places
    this.#layer = layer
    this.#compiler = new Compiler(device, compileMs)
    this.#checkLimits()
  }

  get layerMatrices(): Record<LayerProduct, MatrixPlace> {
    const { qkv, output, fc1, fc2 } = this.#layer
    return { qkv: qkv.matrix, output: output.matrix, fc1: fc1.matrix, fc2: fc2.matrix }
  }

  get head(): MatrixPlace {
    return this.#places.head
  }

  /** Workgroups of the head's product, each of which leaves a record. */
  get headGroups(): number {
    const head = this.layout.head()
    return workgroupsOf(head, this.layout.tuning(head))
  }

  /** Whether the device has subgroups. */
  get haveSubgroups(): boolean {
    return this.#device.features.has('subgroups')
  }

  /** How products of one row are spread where nothing was measured. */
  get usualTunings(): Tunings {
    return eachProduct((name) => this.layout.tuning(this.#shapeOf(name)))
  }

  /** Throws `KernelsFailed`. */
  async compile(by: Together, tunings: Tunings = this.usualTunings): Promise<DecoderKernels> {
    const { norm1, norm2 } = this.layout.floats
    const [shared, products, rows, norm, second] = await Promise.all([
      this.#shared(by),
      this.#step(by, tunings),
      this.#rows(by),
      this.#norm(norm1, by),
      this.#norm(norm2, by),
    ])
    return { shared, products, rows, norm, norm2: second }
  }

  async #shared(by: Together): Promise<SharedKernels> {
    const { layout } = this
    const long = layout.longAttention()
    const [shared, ofLong] = await Promise.all([
      this.#compiler.all(this.#sharedKernels(by)),
      long === null
        ? null
        : this.#compiler.all({ attention: attentionKernel(long, THREADS, by), combine: combineKernel(long) }),
    ])
    return { ...shared, long: ofLong }
  }

  #sharedKernels(by: Together): Record<Exclude<keyof SharedKernels, 'long'>, Kernel> {
    const { layout } = this
    return {
      embed: embedKernel(layout.embed(), { threads: THREADS, packed4x8: this.#compiler.packed4x8 }),
      attention: attentionKernel(layout.attention(), THREADS, by),
      ownedAttention: attentionKernel(layout.ownedAttention(), THREADS, by),
      topParts: topPartsKernel(layout.top()),
      topRows: topRowsKernel(layout.top()),
      head: this.#product(layout.head(), layout.tuning(layout.head()), by),
      choose: chooseKernel(this.headGroups, this.#choosingThreads, by),
      chooseRows: chooseRowsKernel(this.#places.head.outputs, this.#choosingThreads, by),
    }
  }

  /** Every way to spread a product that is worth a try, the usual one first. */
  tuningsOf(name: LayerProduct): ProductTuning[] {
    return this.layout.tunings(this.#shapeOf(name))
  }

  /** Throws `KernelsFailed`. */
  async stepProduct(name: LayerProduct, tuning: ProductTuning, by: Together): Promise<StepProduct> {
    const shape = this.#shapeOf(name)
    const kernel = await this.#compiler.compiled(this.#product(shape, tuning, by))
    return { kernel, workgroups: workgroupsOf(shape, tuning) }
  }

  /** Products of one row. */
  async #step(by: Together, tunings: Tunings): Promise<Record<LayerProduct, StepProduct>> {
    const made = eachProduct((name) => this.stepProduct(name, tunings[name], by))
    const [qkv, output, fc1, fc2] = await Promise.all([made.qkv, made.output, made.fc1, made.fc2])
    return { qkv, output, fc1, fc2 }
  }

  #shapeOf(name: LayerProduct): ProductShape {
    return this.layout.product(name, this.layerMatrices[name])
  }

  #norm(norm: NormPlace, by: Together): Promise<CompiledKernel> {
    const { count } = this.layout.floats
    const { inputs } = this.#places.table
    return this.#compiler.compiled(normKernel({ ...norm, size: inputs, floats: count }, THREADS, by))
  }

  /** Products of several rows, in tiles of every size: nobody knows how many rows an answer will have. */
  async #rows(by: Together): Promise<RowsKernels> {
    const { layout, layerMatrices: matrices } = this
    const [few, some, many, finish, headFinish] = await Promise.all([
      this.#tiles(8),
      this.#tiles(16),
      this.#tiles(32),
      this.#compiler.all(
        eachProduct((name) => finishKernel(layout.finish(name, matrices[name]), THREADS, by)),
      ),
      this.#compiler.compiled(finishKernel(layout.finishHead(), THREADS)),
    ])
    return { tiles: { 8: few, 16: some, 32: many }, finish, headFinish }
  }

  async #tiles(rows: TileRows): Promise<TileKernels> {
    const matrices = [...Object.values(this.layerMatrices), this.#places.head]
    const tiles = Object.fromEntries(
      matrices.map((matrix) => [
        formatName(matrix.format),
        tileKernel(matrix.format, { rows, packed4x8: this.#compiler.packed4x8 }),
      ]),
    )
    return new Map(Object.entries(await this.#compiler.all(tiles)))
  }

  #product(shape: ProductShape, tuning: ProductTuning, together: Together): Kernel {
    return productKernel(shape, { ...tuning, packed4x8: this.#compiler.packed4x8, together })
  }

  get #choosingThreads(): number {
    return Math.min(CHOOSING_THREADS, this.#device.limits.maxComputeInvocationsPerWorkgroup)
  }

  #checkLimits(): void {
    const { limits } = this.#device
    if (limits.maxComputeInvocationsPerWorkgroup < THREADS)
      throw new NotForKernels('needs larger workgroups than this device has')
    const { layout } = this
    const products = eachProduct((name) => this.#shapeOf(name))
    const all = [...Object.values(products), layout.head()]
    const needed = Math.max(
      ...all.map((shape) => workgroupBytes(shape, layout.tuning(shape))),
      attentionBytes(layout.attention(), THREADS),
      ...TILE_ROWS.map(tileBytes),
    )
    if (needed > limits.maxComputeWorkgroupStorageSize)
      throw new NotForKernels('needs more workgroup memory than this device has')
    const buffers = [this.#places.table, this.#places.head, ...Object.values(this.layerMatrices)]
    const largest = Math.max(...buffers.map(({ packed }) => packed.bytes), this.#places.positions.bytes)
    if (largest > Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize))
      throw new NotForKernels('has a matrix that is larger than one buffer of this device')
    if (layout.heads.headSize % 4 !== 0) throw new NotForKernels('has heads of no multiple of 4')
  }
}

function eachProduct<T>(of: (name: LayerProduct) => T): Record<LayerProduct, T> {
  return { qkv: of('qkv'), output: of('output'), fc1: of('fc1'), fc2: of('fc2') }
}
