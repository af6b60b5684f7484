/** Values as the runtime passes them on, on the GPU or in memory, each with one owner. */
import type { Tensor } from 'onnxruntime-common'
import { AppError } from '../../pack/failure.ts'
import type { Attempt } from './queue.ts'

export type ElementType = 'float32' | 'float16' | 'int64' | 'int32'

export const ELEMENT_BYTES = { float32: 4, float16: 2, int64: 8, int32: 4 } as const

/** A value that may lie on the GPU. It belongs to whoever received it, who disposes it exactly once. */
export interface DeviceTensor {
  readonly dims: readonly number[]
  readonly type: string
  /** Copies the values to the processor. Only for float32. */
  read(): Promise<Float32Array<ArrayBuffer>>
  dispose(): void
}

/** A range of bytes to copy from one GPU tensor to another; offsets and length are multiples of 4. */
export interface BufferCopy {
  from: DeviceTensor
  fromOffset: number
  to: DeviceTensor
  toOffset: number
  bytes: number
}

/** All tensors of a run's inputs or outputs, by name. */
export function disposeTensors(tensors: Readonly<Record<string, DeviceTensor>>): void {
  for (const tensor of Object.values(tensors)) tensor.dispose()
}

let liveTensors = 0

/** How many tensors are owned by somebody right now: 0 after everything was disposed. */
export function liveTensorCount(): number {
  return liveTensors
}

/** What every `DeviceTensor` is. Only this folder looks inside, but for a tensor's buffer. */
export class OwnedTensor implements DeviceTensor {
  readonly inner: Tensor
  readonly #attempt: Attempt
  readonly #onDispose: (() => void) | undefined
  #live = true

  constructor(inner: Tensor, attempt: Attempt, onDispose?: () => void) {
    this.inner = inner
    this.#attempt = attempt
    this.#onDispose = onDispose
    liveTensors += 1
  }

  get dims(): readonly number[] {
    return this.inner.dims
  }

  get type(): string {
    return this.inner.type
  }

  async read(): Promise<Float32Array<ArrayBuffer>> {
    const data = await this.#attempt(() => this.inner.getData())
    if (!(data instanceof Float32Array))
      throw new AppError('bug', `Only float32 tensors are read back, not ${this.inner.type}.`)
    return new Float32Array(data)
  }

  dispose(): void {
    if (!this.#live) throw new AppError('bug', 'A tensor was disposed twice.')
    this.#live = false
    liveTensors -= 1
    this.inner.dispose()
    this.#onDispose?.()
  }
}

/** ONNX Runtime's own tensor. */
export function innerOf(tensor: DeviceTensor): Tensor {
  if (tensor instanceof OwnedTensor) return tensor.inner
  throw new AppError('bug', 'This tensor was not made by the runtime.')
}

/** The buffer of a tensor on the GPU, for kernels of our own. */
export function gpuBufferOf(tensor: DeviceTensor): GPUBuffer {
  return innerOf(tensor).gpuBuffer
}

/** How many values a tensor of these dimensions has. */
export function countOf(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1)
}
