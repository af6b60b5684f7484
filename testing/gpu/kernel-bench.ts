/** For tests of kernels: values in, one dispatch, values out, on the adapter at hand. */
import { afterAll, afterEach, beforeAll, inject } from 'vitest'
import { Compiler, dispatch, encode, type Kernel } from '../../src/runtime/wgsl/gpu/kernel.ts'
import type { Together } from '../../src/runtime/wgsl/gpu/together.ts'
import type { BlockFormat } from '../../src/runtime/wgsl/gpu/weights-format.ts'
import type { StoredMatrix } from '../../src/runtime/wgsl/kernels/product/reference.ts'
import { stateWords, STATE_BYTES, type RunState } from '../../src/runtime/wgsl/gpu/state.ts'
import { quantiseBlocks, type BlockSize } from '../../src/convert/quantise.ts'
import { seededUniform } from '../../src/runtime/decode/sampling.ts'
import { emulatedSubgroups } from './emulated-subgroups.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** All shapes are tried, not only those that a software adapter in a browser has time for. */
    everyShape?: boolean
  }
}

/** `few` for the gate, `few` and `more` where there is time. */
export function shapes<T>(few: readonly T[], more: readonly T[] = []): T[] {
  return inject('everyShape') === true ? [...few, ...more] : [...few]
}

/** How threads come together: through memory, in the adapter's own subgroups, or in emulated ones that are so wide. */
export type Way = 'memory' | 'own' | number

/** What subgroups may have. */
export const WIDTHS = [4, 8, 16, 32, 64, 128]

export type Values = Float32Array | Uint32Array | Uint8Array | Uint16Array

/** A bench for the tests of a file: open before the first of them, cleared behind each, closed behind the last. */
export function kernelBench(): KernelBench {
  const bench = new KernelBench()
  beforeAll(() => bench.open())
  afterEach(() => bench.clear())
  afterAll(() => bench.close())
  return bench
}

export class KernelBench {
  /** There once the bench is open. */
  device!: GPUDevice
  readonly #buffers: GPUBuffer[] = []
  /** Cases of one shape share what takes a software adapter longest. */
  #compiler!: Compiler

  async open(): Promise<void> {
    const adapter = await navigator.gpu.requestAdapter()
    if (adapter === null) throw new Error('There is no WebGPU adapter here.')
    // As the app opens its device.
    const { maxComputeWorkgroupStorageSize } = adapter.limits
    const requiredFeatures: GPUFeatureName[] = adapter.features.has('subgroups') ? ['subgroups'] : []
    this.device = await adapter.requestDevice({
      requiredLimits: { maxComputeWorkgroupStorageSize },
      requiredFeatures,
    })
    this.#compiler = new Compiler(this.device)
  }

  /** A kernel whose threads come together in this way; without subgroups of its own a device emulates the smallest. */
  kernel(way: Way, make: (by: Together) => Kernel): Kernel {
    if (way === 'memory') return make('memory')
    if (way === 'own' && this.device.features.has('subgroups')) return make('subgroups')
    return emulatedSubgroups(make('subgroups'), way === 'own' ? 4 : way)
  }

  get packed4x8(): boolean {
    return this.#compiler.packed4x8
  }

  /** A buffer that holds `values`; any binding may use it. */
  buffer(values: Values): GPUBuffer {
    const usage =
      GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    const size = Math.max(16, Math.ceil(values.byteLength / 16) * 16)
    const buffer = this.device.createBuffer({ size, usage, mappedAtCreation: true })
    new Uint8Array(buffer.getMappedRange()).set(
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    )
    buffer.unmap()
    this.#buffers.push(buffer)
    return buffer
  }

  async run(
    kernel: Kernel,
    buffers: readonly GPUBuffer[],
    workgroups: readonly [number, number, number],
  ): Promise<void> {
    const compiled = await this.#compiler.compiled(kernel)
    const encoder = this.device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    encode(pass, [dispatch(compiled, buffers, workgroups)])
    pass.end()
    this.device.queue.submit([encoder.finish()])
  }

  async words(buffer: GPUBuffer): Promise<Uint32Array<ArrayBuffer>> {
    const staging = this.device.createBuffer({
      size: buffer.size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    })
    const encoder = this.device.createCommandEncoder()
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size)
    this.device.queue.submit([encoder.finish()])
    await staging.mapAsync(GPUMapMode.READ)
    const words = new Uint32Array(staging.getMappedRange().slice(0))
    staging.destroy()
    return words
  }

  async floats(buffer: GPUBuffer, count: number): Promise<Float32Array<ArrayBuffer>> {
    return new Float32Array((await this.words(buffer)).buffer, 0, count)
  }

  /** Lets go of all buffers so far. */
  clear(): void {
    for (const buffer of this.#buffers.splice(0)) buffer.destroy()
  }

  close(): void {
    this.device.destroy()
  }
}

export interface Numbers {
  /** In ±1. */
  uniform(count: number): Float32Array<ArrayBuffer>
  /** Whole, in ±8. */
  whole(count: number): Float32Array<ArrayBuffer>
  below(limit: number): number
}

export function numbersOf(seed: number): Numbers {
  const next = seededUniform(seed)
  return {
    uniform: (count) => Float32Array.from({ length: count }, () => 2 * next() - 1),
    whole: (count) => Float32Array.from({ length: count }, () => Math.round(16 * next() - 8)),
    below: (limit) => Math.floor(next() * limit),
  }
}

/** A matrix of uniform values, quantised as the converter does. */
export function randomMatrix(
  numbers: Numbers,
  outputs: number,
  inputs: number,
  format: BlockFormat,
): StoredMatrix {
  const { bits, blockSize, scales: type } = format
  const values = numbers.uniform(outputs * inputs)
  const { packed, scales } = quantiseBlocks(values, outputs, inputs, bits, type, blockSize as BlockSize)
  return { outputs, inputs, format, packed, scales: bytesOf(scales) }
}

/** A matrix of whole values with scales that are powers of two: products with whole inputs are exact in any order. */
export function exactMatrix(
  numbers: Numbers,
  outputs: number,
  inputs: number,
  format: BlockFormat,
): StoredMatrix {
  const packed = Uint8Array.from({ length: (outputs * inputs * format.bits) / 8 }, () => numbers.below(256))
  const count = (outputs * inputs) / format.blockSize
  const powers = Float32Array.from({ length: count }, () => 2 ** -numbers.below(4))
  const halves = Uint16Array.from(powers, (power) => (15 + Math.log2(power)) << 10)
  return { outputs, inputs, format, packed, scales: bytesOf(format.scales === 'float32' ? powers : halves) }
}

export function bytesOf({ buffer, byteOffset, byteLength }: Values): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** The largest error of `values`, each as a multiple of `unit · size`; NaN counts as Infinity. */
export function worstError(
  values: ArrayLike<number>,
  expected: ArrayLike<number>,
  sizes: ArrayLike<number>,
): number {
  let worst = 0
  for (let i = 0; i < expected.length; i += 1) {
    const error = Math.abs((values[i] ?? NaN) - (expected[i] ?? NaN)) / (2 ** -24 * (sizes[i] ?? 0) + 1e-30)
    worst = error <= worst ? worst : Number.isNaN(error) ? Infinity : error
  }
  return worst
}

/** The run's state as a kernel's buffer. */
export function stateBytes(run: RunState): Uint8Array {
  const bytes = new Uint8Array(STATE_BYTES)
  bytes.set(bytesOf(stateWords(run)))
  return bytes
}
