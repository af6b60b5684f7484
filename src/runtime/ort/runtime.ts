/**
 * ONNX Runtime on one compute device: makes sessions and tensors, and moves values between the processor and the GPU.
 * Only this folder knows ONNX Runtime.
 */
import { AppError } from '../../pack/failure.ts'
import type { Compute } from '../device/compute.ts'
import { lackOfMemory } from '../device/lack-of-memory.ts'
import { LossWatch } from '../device/loss.ts'
import { importOrt, type Ort } from './build.ts'
import { enqueue, type Attempt } from './queue.ts'
import { createOwnBuffer } from './session-buffers.ts'
import { Session, type SessionOptions } from './session.ts'
import {
  countOf,
  ELEMENT_BYTES,
  gpuBufferOf,
  innerOf,
  OwnedTensor,
  type BufferCopy,
  type DeviceTensor,
  type ElementType,
} from './tensor.ts'
import { readableWeights, UploadPace } from './weights/readable.ts'

export class Runtime {
  readonly compute: Compute
  readonly #ort: Ort
  readonly #loss: LossWatch
  readonly #pace = new UploadPace(() => this.finished())

  private constructor(compute: Compute, ort: Ort) {
    this.compute = compute
    this.#ort = ort
    this.#loss = new LossWatch(compute.device)
  }

  static async open(compute: Compute): Promise<Runtime> {
    const ort = await importOrt(compute.provider)
    // One thread: more would need cross-origin isolation, which plain static hosts do not give.
    ort.env.wasm.numThreads = 1
    ort.env.logLevel = 'error'
    return new Runtime(compute, ort)
  }

  async session({ weights, recordable = false, ...options }: SessionOptions): Promise<Session> {
    return Session.open({
      ...options,
      recordable,
      ort: this.#ort,
      device: this.compute.device,
      attempt: this.attempt,
      externalData: weights === undefined ? [] : await readableWeights(weights, this.compute, this.#pace),
    })
  }

  /** Values from the processor. The array is used as it is, so it must not change until `dispose`. */
  tensor(type: ElementType, values: Float32Array | BigInt64Array | Int32Array, dims: number[]): DeviceTensor {
    return new OwnedTensor(new this.#ort.Tensor(type, values, dims), this.attempt)
  }

  /** Values from the processor that are to be fed to many runs: taken to the GPU once where there is one. */
  resident(
    type: ElementType,
    values: Float32Array | BigInt64Array | Int32Array,
    dims: number[],
  ): DeviceTensor {
    if (this.compute.device === null) return this.tensor(type, values, dims)
    const tensor = this.gpuTensor(type, dims)
    this.write(tensor, values)
    return tensor
  }

  int64(values: readonly number[], dims: number[] = [values.length]): DeviceTensor {
    return this.tensor('int64', BigInt64Array.from(values, BigInt), dims)
  }

  int32(values: readonly number[], onDevice = false): DeviceTensor {
    const [own, dims] = [Int32Array.from(values), [values.length]]
    return onDevice ? this.resident('int32', own, dims) : this.tensor('int32', own, dims)
  }

  /** A zeroed tensor in GPU memory of its own, to be written by runs again and again. */
  gpuTensor(type: ElementType, dims: number[]): DeviceTensor {
    const device = this.#gpu()
    const bytes = countOf(dims) * ELEMENT_BYTES[type]
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    const buffer = createOwnBuffer(device, { size: Math.ceil(bytes / 16) * 16, usage })
    const download = (): Promise<Float32Array<ArrayBuffer>> => downloadOnce(device, buffer, countOf(dims))
    const options = { dims, ...(type === 'float32' ? { dataType: type, download } : { dataType: type }) }
    // A tensor made from a buffer does not own it, so the buffer is destroyed with our wrapper.
    return new OwnedTensor(this.#ort.Tensor.fromGpuBuffer(buffer, options), this.attempt, () =>
      buffer.destroy(),
    )
  }

  /**
   * `count` tensors of one size, `what` in words. Throws `out-of-memory`, with none left behind, when the GPU cannot
   * give them: a single buffer that it cannot give fails nothing, and every run over it computes nonsense.
   */
  gpuTensors(type: ElementType, dims: number[], count: number, what: string): Promise<DeviceTensor[]> {
    const device = this.#gpu()
    return this.attempt(async () => {
      const tensors: DeviceTensor[] = []
      const cause = await lackOfMemory(device, () => {
        for (let i = 0; i < count; i += 1) tensors.push(this.gpuTensor(type, dims))
      })
      if (cause === null) return tensors
      for (const tensor of tensors) tensor.dispose()
      const bytes = count * countOf(dims) * ELEMENT_BYTES[type]
      throw new AppError(
        'out-of-memory',
        `The graphics device has no ${(bytes / 1e6).toFixed(0)} MB left for ${what}; close other tabs, or ask for less at once.`,
        { cause },
      )
    })
  }

  /** Resolves when everything that was handed to the GPU so far is done. */
  async finished(): Promise<void> {
    await this.compute.device?.queue.onSubmittedWorkDone()
  }

  /** Puts values into a GPU tensor, behind everything that was run before. As many bytes as it has, or fewer. */
  write(tensor: DeviceTensor, values: Float32Array | BigInt64Array | Int32Array): void {
    // Of views on shared memory a part of the implementations wants none; these values are few.
    this.compute.device?.queue.writeBuffer(gpuBufferOf(tensor), 0, values.slice())
  }

  /** Copies the float32 values of a `gpuTensor` to the processor, by way of `staging`, which is as large. */
  async readBack(tensor: DeviceTensor, staging: GPUBuffer): Promise<Float32Array<ArrayBuffer>> {
    const device = this.#gpu()
    return this.attempt(() => download(device, gpuBufferOf(tensor), staging, countOf(tensor.dims)))
  }

  /** Memory that `readBack` goes through. Whoever asked for it destroys it. */
  staging(tensor: DeviceTensor): GPUBuffer {
    return stagingFor(this.#gpu(), gpuBufferOf(tensor))
  }

  /** Copies bytes between GPU tensors, in order, behind everything that was run before. */
  async copy(copies: readonly BufferCopy[]): Promise<void> {
    const device = this.#gpu()
    await this.attempt(() => {
      const encoder = device.createCommandEncoder()
      for (const { from, fromOffset, to, toOffset, bytes } of copies)
        encoder.copyBufferToBuffer(gpuBufferOf(from), fromOffset, gpuBufferOf(to), toOffset, bytes)
      device.queue.submit([encoder.finish()])
      return Promise.resolve()
    })
  }

  /** A float32 tensor [n, …] `count` times below itself: [count · n, …]. */
  async repeat(tensor: DeviceTensor, count: number): Promise<DeviceTensor> {
    const [own = 1, ...rest] = tensor.dims
    const dims = [count * own, ...rest]
    const size = countOf(tensor.dims)
    if (innerOf(tensor).location !== 'gpu-buffer') {
      const values = await tensor.read()
      const repeated = new Float32Array(count * size)
      for (let i = 0; i < count; i += 1) repeated.set(values, i * size)
      return this.tensor('float32', repeated, dims)
    }
    const repeated = this.gpuTensor('float32', dims)
    const bytes = 4 * size
    const rows = Array.from({ length: count }, (_, i) => i * bytes)
    await this.copy(rows.map((toOffset) => ({ from: tensor, fromOffset: 0, to: repeated, toOffset, bytes })))
    return repeated
  }

  /** Runs `work` in the queue and turns what ONNX Runtime throws into failures that can be told apart. */
  readonly attempt: Attempt = async (work) => {
    try {
      return await enqueue(() => {
        if (this.#loss.lost !== null) throw this.#loss.lost
        return this.#loss.untilLost(work())
      })
    } catch (error) {
      if (error instanceof AppError) throw error
      throw (await this.#loss.cause()) ?? explained(error)
    }
  }

  /**
   * Beside the queue, for what was handed to the device and runs there already: as `work`, or fails with the loss of the
   * device where that goes away first.
   */
  readonly watched: Attempt = async (work) => {
    const [done] = await Promise.allSettled([this.#loss.untilLost(work())])
    // A device that goes away may call its work done before it says so.
    const lost = await this.#loss.cause()
    if (lost !== null) throw lost
    if (done.status === 'rejected') throw done.reason
    return done.value
  }

  #gpu(): GPUDevice {
    const { device } = this.compute
    if (device === null) throw new AppError('bug', 'There is no GPU here.')
    return device
  }
}

function explained(error: unknown): unknown {
  const text = error instanceof Error ? error.message : String(error)
  if (!/out of memory|allocation failed|bad_alloc|memory access out of bounds/i.test(text)) return error
  return new AppError(
    'out-of-memory',
    'There is not enough memory for this model here; close other tabs or use a smaller model.',
    { cause: error },
  )
}

function stagingFor(device: GPUDevice, { size }: GPUBuffer): GPUBuffer {
  return createOwnBuffer(device, { size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
}

/** The first `count` float32 values of a GPU buffer, by way of `staging`, which is as large. */
async function download(
  device: GPUDevice,
  buffer: GPUBuffer,
  staging: GPUBuffer,
  count: number,
): Promise<Float32Array<ArrayBuffer>> {
  const encoder = device.createCommandEncoder()
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(GPUMapMode.READ)
  const values = new Float32Array(staging.getMappedRange()).slice(0, count)
  staging.unmap()
  return values
}

/** The same by way of memory made for it. */
async function downloadOnce(
  device: GPUDevice,
  buffer: GPUBuffer,
  count: number,
): Promise<Float32Array<ArrayBuffer>> {
  const staging = stagingFor(device, buffer)
  try {
    return await download(device, buffer, staging, count)
  } finally {
    staging.destroy()
  }
}
