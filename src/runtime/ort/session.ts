/**
 * The only file that knows ONNX Runtime. A `Session` runs one graph; a `DeviceTensor` is a value that may lie on the
 * GPU and belongs to whoever received it, who must `dispose` it. All work of all sessions goes through one queue:
 * ONNX Runtime Web allows one session under creation at a time and no overlapping runs.
 */
import type * as OrtModule from 'onnxruntime-common'
import type { InferenceSession, Tensor } from 'onnxruntime-common'
import { AppError } from '../../pack/failure.ts'
import type { Provider, RuntimeBuild } from '../../pack/device-report.ts'
import { widenedPath } from '../../pack/manifest.ts'
import { lossOf } from '../device/loss.ts'
import type { Compute } from '../device/compute.ts'
import { canReadLazily, LazyBytes } from './lazy-bytes.ts'
import { PacedBlob } from './paced-blob.ts'
import { createOwnBuffer, SessionBuffers } from './session-buffers.ts'
import { WidenedBlob, WidenedBytes } from './widened.ts'

type Ort = typeof OrtModule
type ExternalData = { path: string; data: Blob | Uint8Array<ArrayBuffer> }

export type ElementType = 'float32' | 'float16' | 'int64' | 'int32'

const ELEMENT_BYTES = { float32: 4, float16: 2, int64: 8, int32: 4 } as const

/** A tensor as the runtime passes it on. Dispose it exactly once. */
export interface DeviceTensor {
  readonly dims: readonly number[]
  readonly type: string
  /** Copies the values to the processor. Only for float32. */
  read(): Promise<Float32Array<ArrayBuffer>>
  dispose(): void
}

class OwnedTensor implements DeviceTensor {
  readonly inner: Tensor
  readonly #onDispose: () => void
  #live = true

  constructor(inner: Tensor, onDispose: () => void) {
    this.inner = inner
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
    const data = await enqueue(() => this.inner.getData())
    if (!(data instanceof Float32Array))
      throw new AppError('bug', `Only float32 tensors are read back, not ${this.inner.type}.`)
    return new Float32Array(data)
  }

  dispose(): void {
    if (!this.#live) throw new AppError('bug', 'A tensor was disposed twice.')
    this.#live = false
    liveTensors -= 1
    this.inner.dispose()
    this.#onDispose()
  }
}

let liveTensors = 0

/** How many tensors are owned by somebody right now: 0 after everything was disposed. */
export function liveTensorCount(): number {
  return liveTensors
}

let queue: Promise<unknown> = Promise.resolve()

function enqueue<T>(work: () => Promise<T>): Promise<T> {
  const result = queue.then(work)
  queue = result.catch(() => undefined)
  return result
}

/** A range of bytes to copy from one GPU tensor to another; offsets and length are multiples of 4. */
export interface BufferCopy {
  from: DeviceTensor
  fromOffset: number
  to: DeviceTensor
  toOffset: number
  bytes: number
}

export interface WeightsFile {
  path: string
  data: Blob | Uint8Array<ArrayBuffer>
}

export interface SessionOptions {
  graph: Uint8Array<ArrayBuffer>
  /** The weights file, under the path that the graph calls it by. A Blob is read piece by piece. None: no such file. */
  weights?: WeightsFile
  /** Outputs that stay where they were computed. All others come back to the processor. */
  keepOnDevice: string[]
  /** Record the GPU commands of runs that ask for it, to be sent again without ONNX Runtime's work between them. */
  recordable?: boolean
}

/** ONNX Runtime's word for a run that is neither recorded nor replayed. */
const NOT_RECORDED = -1

/** How often ONNX Runtime Web 1.30.0 reads `enableGraphCapture` until the session exists. */
const READS_BEFORE_CREATION = 4

/** Weights that may be on their way to the GPU at once. */
const UPLOADING_BYTES = 64 * 2 ** 20

/** How long to wait for a device's loss when work on it has failed. */
const DYING_MS = 250

/** ONNX Runtime on one compute device. */
export class Runtime {
  readonly compute: Compute
  readonly #ort: Ort
  #lost: AppError | null = null
  /** Bytes of weights sent to the GPU since it was last waited for. */
  #uploading = 0
  /** Work under way, to be failed when the device goes away: ONNX Runtime might never settle it then. */
  readonly #underWay = new Set<(lost: unknown) => void>()

  private constructor(compute: Compute, ort: Ort) {
    this.compute = compute
    this.#ort = ort
    if (compute.device === null) return
    lossOf(compute.device).catch((lost: unknown) => {
      if (lost instanceof AppError) this.#lost = lost
      for (const fail of this.#underWay) fail(lost)
    })
  }

  /** Loads the build that fits: JSPI where the browser has it (smaller, streams weights), else asyncify. */
  static async open(compute: Compute): Promise<Runtime> {
    const ort = await importOrt(compute)
    // One thread: more would need cross-origin isolation, which plain static hosts do not give.
    ort.env.wasm.numThreads = 1
    ort.env.logLevel = 'error'
    return new Runtime(compute, ort)
  }

  async session({ graph, weights, keepOnDevice, recordable = false }: SessionOptions): Promise<Session> {
    const { device } = this.compute
    const location = Object.fromEntries(keepOnDevice.map((name) => [name, 'gpu-buffer' as const]))
    const options: InferenceSession.SessionOptions = {
      executionProviders:
        device === null ? ['wasm'] : [{ name: 'webgpu', device, validationMode: 'basic' } as const],
      externalData: weights === undefined ? [] : await this.#readable(weights),
      logSeverityLevel: 3,
      ...(device !== null && { preferredOutputLocation: location }),
    }
    const records = recordable && device !== null
    const own = new SessionBuffers(device)
    const session = await this.attempt(() =>
      own.during(() => this.#ort.InferenceSession.create(graph, records ? withRecording(options) : options)),
    )
    return new Session(this, session, records, own)
  }

  /** Values from the processor. The array is used as it is, so it must not change until `dispose`. */
  tensor(type: ElementType, values: Float32Array | BigInt64Array | Int32Array, dims: number[]): DeviceTensor {
    return new OwnedTensor(new this.#ort.Tensor(type, values, dims), () => undefined)
  }

  int64(values: readonly number[], dims: number[] = [values.length]): DeviceTensor {
    return this.tensor('int64', BigInt64Array.from(values, BigInt), dims)
  }

  int32(values: readonly number[], onDevice = false): DeviceTensor {
    if (!onDevice) return this.tensor('int32', Int32Array.from(values), [values.length])
    const tensor = this.gpuTensor('int32', [values.length])
    this.write(tensor, Int32Array.from(values))
    return tensor
  }

  /** A zeroed tensor in GPU memory of its own, to be written by runs again and again. */
  gpuTensor(type: ElementType, dims: number[]): DeviceTensor {
    const { device } = this.compute
    if (device === null) throw new AppError('bug', 'There is no GPU to allocate on.')
    const bytes = dims.reduce((product, size) => product * size, ELEMENT_BYTES[type])
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    const buffer = createOwnBuffer(device, { size: Math.ceil(bytes / 16) * 16, usage })
    // A tensor made from a buffer does not own it, so the buffer is destroyed with our wrapper.
    const download = (): Promise<Float32Array<ArrayBuffer>> => downloaded(device, buffer, bytes / 4)
    const options = { dims, ...(type === 'float32' ? { dataType: type, download } : { dataType: type }) }
    return new OwnedTensor(this.#ort.Tensor.fromGpuBuffer(buffer, options), () => buffer.destroy())
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
    const { device } = this.compute
    if (device === null) throw new AppError('bug', 'There is no GPU to read from.')
    return this.attempt(async () => {
      const encoder = device.createCommandEncoder()
      encoder.copyBufferToBuffer(gpuBufferOf(tensor), 0, staging, 0, staging.size)
      device.queue.submit([encoder.finish()])
      await staging.mapAsync(GPUMapMode.READ)
      const count = tensor.dims.reduce((product, size) => product * size, 1)
      const values = new Float32Array(staging.getMappedRange()).slice(0, count)
      staging.unmap()
      return values
    })
  }

  /** Memory that `readBack` goes through. Whoever asked for it destroys it. */
  staging(tensor: DeviceTensor): GPUBuffer {
    const { device } = this.compute
    if (device === null) throw new AppError('bug', 'There is no GPU to read from.')
    const { size } = gpuBufferOf(tensor)
    return createOwnBuffer(device, { size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  }

  /** Copies bytes between GPU tensors, in order, behind everything that was run before. */
  async copy(copies: readonly BufferCopy[]): Promise<void> {
    const { device } = this.compute
    if (device === null) throw new AppError('bug', 'There is no GPU to copy on.')
    await this.attempt(() => {
      const encoder = device.createCommandEncoder()
      for (const { from, fromOffset, to, toOffset, bytes } of copies)
        encoder.copyBufferToBuffer(gpuBufferOf(from), fromOffset, gpuBufferOf(to), toOffset, bytes)
      device.queue.submit([encoder.finish()])
      return Promise.resolve()
    })
  }

  /** A float32 tensor [1, …] `count` times below itself: [count, …]. */
  async repeat(tensor: DeviceTensor, count: number): Promise<DeviceTensor> {
    const dims = [count, ...tensor.dims.slice(1)]
    const size = tensor.dims.reduce((product, dim) => product * dim, 1)
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
  async attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await enqueue(() => {
        if (this.#lost !== null) throw this.#lost
        return this.#untilLost(work())
      })
    } catch (error) {
      // Work on a dying device may fail before the device is heard to be gone.
      if (!(error instanceof AppError)) await this.#heardLost(DYING_MS)
      throw this.#explain(error)
    }
  }

  /** The JSPI build reads a Blob as it needs it, at the GPU's pace; the others would take it whole. */
  async #readable({ path, data }: WeightsFile): Promise<ExternalData[]> {
    const { provider, device } = this.compute
    if (data instanceof Blob && provider === 'webgpu' && device !== null && hasJspi()) {
      const allow = (bytes: number): Promise<void> => this.#upload(device, bytes)
      return [
        { path, data: new PacedBlob(data, allow) },
        { path: widenedPath(path), data: new WidenedBlob(data, allow) },
      ]
    }
    const lazy = data instanceof Blob && canReadLazily() ? new LazyBytes(data) : data
    const bytes = lazy instanceof Blob ? new Uint8Array(await lazy.arrayBuffer()) : lazy
    return [
      { path, data: bytes },
      { path: widenedPath(path), data: new WidenedBytes(bytes) },
    ]
  }

  /** Waits until the GPU has taken in enough of what was sent before that `bytes` more may follow. */
  async #upload(device: GPUDevice, bytes: number): Promise<void> {
    if (this.#uploading + bytes > UPLOADING_BYTES) {
      await device.queue.onSubmittedWorkDone()
      this.#uploading = 0
    }
    this.#uploading += bytes
  }

  /** Resolves when the device is known to be gone, or after `ms`. */
  #heardLost(ms: number): Promise<void> {
    if (this.compute.device === null || this.#lost !== null) return Promise.resolve()
    return new Promise((resolve) => {
      const heard = (): void => {
        clearTimeout(timer)
        this.#underWay.delete(heard)
        resolve()
      }
      const timer = setTimeout(heard, ms)
      this.#underWay.add(heard)
    })
  }

  #untilLost<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#underWay.add(reject)
      const settled = (): void => void this.#underWay.delete(reject)
      work.then(resolve, reject).then(settled, settled)
    })
  }

  #explain(error: unknown): unknown {
    if (error instanceof AppError) return error
    if (this.#lost !== null) return this.#lost
    const text = error instanceof Error ? error.message : String(error)
    if (/out of memory|allocation failed|bad_alloc|memory access out of bounds/i.test(text)) {
      return new AppError(
        'out-of-memory',
        'There is not enough memory for this model here; close other tabs or use a smaller model.',
        { cause: error },
      )
    }
    return error
  }
}

/**
 * `enableGraphCapture` for ONNX Runtime's core, which then records a run when its options say so, but not for its
 * JavaScript side, which would from then on insist on one fixed set of GPU buffers for every run and so forbid a prompt
 * of any other length (ort-web 1.30.0; `ep.webgpuexecutionprovider.enableGraphCapture` comes too late, issue #32456).
 * The core's reads come first. Whoever opens such a session must see whether it works.
 */
function withRecording(options: InferenceSession.SessionOptions): InferenceSession.SessionOptions {
  let reads = 0
  return Object.defineProperty(options, 'enableGraphCapture', {
    enumerable: true,
    get: () => ((reads += 1) <= READS_BEFORE_CREATION ? true : undefined),
  })
}

export class Session {
  /** Runs may be recorded. */
  readonly records: boolean
  readonly #runtime: Runtime
  readonly #inner: InferenceSession
  readonly #buffers: SessionBuffers

  constructor(runtime: Runtime, inner: InferenceSession, records: boolean, buffers: SessionBuffers) {
    this.#runtime = runtime
    this.#inner = inner
    this.records = records
    this.#buffers = buffers
  }

  /**
   * Runs the graph. `into` gives outputs a tensor to be written to instead of a new one; those are not returned.
   * The caller owns what is returned and goes on owning what it fed. A run with a `recording` is recorded the first
   * time and replayed from then on: it needs the very same tensors each time, all of them on the GPU, and all outputs
   * in `into`.
   */
  async run(
    feeds: Record<string, DeviceTensor>,
    into: Record<string, DeviceTensor> = {},
    recording: number = NOT_RECORDED,
  ): Promise<Record<string, DeviceTensor>> {
    const fetches = Object.fromEntries(
      this.#inner.outputNames.map((name) => [name, into[name] === undefined ? null : innerOf(into[name])]),
    )
    const inner = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, innerOf(tensor)]))
    const options = this.records ? { extra: { gpu_graph_id: String(recording) } } : {}
    const results = await this.#runtime.attempt(() => this.#inner.run(inner, fetches, options))
    return Object.fromEntries(
      Object.entries(results)
        .filter(([name]) => into[name] === undefined)
        .map(([name, tensor]) => [name, new OwnedTensor(tensor, () => undefined)]),
    )
  }

  async dispose(): Promise<void> {
    await enqueue(() => this.#inner.release())
    this.#buffers.destroy()
  }
}

function innerOf(tensor: DeviceTensor): Tensor {
  if (tensor instanceof OwnedTensor) return tensor.inner
  throw new AppError('bug', 'This tensor was not made by the runtime.')
}

/** `count` float32 values of a GPU buffer, by way of memory made for it. */
async function downloaded(
  device: GPUDevice,
  buffer: GPUBuffer,
  count: number,
): Promise<Float32Array<ArrayBuffer>> {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST
  const staging = device.createBuffer({ size: buffer.size, usage })
  try {
    const encoder = device.createCommandEncoder()
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size)
    device.queue.submit([encoder.finish()])
    await staging.mapAsync(GPUMapMode.READ)
    return new Float32Array(staging.getMappedRange()).slice(0, count)
  } finally {
    staging.destroy()
  }
}

function gpuBufferOf(tensor: DeviceTensor): GPUBuffer {
  return innerOf(tensor).gpuBuffer
}

/** Whether ONNX Runtime's JSPI build runs here, which is then the one for WebGPU. */
function hasJspi(): boolean {
  return 'Suspending' in WebAssembly
}

/** Which build of ONNX Runtime a provider takes here. */
export function buildFor(provider: Provider): RuntimeBuild {
  if (provider === 'wasm') return 'wasm'
  return hasJspi() ? 'jspi' : 'asyncify'
}

async function importOrt({ provider }: Compute): Promise<Ort> {
  const build = buildFor(provider)
  if (build === 'wasm') return import('onnxruntime-web/wasm')
  return build === 'jspi' ? import('onnxruntime-web/jspi') : import('onnxruntime-web/webgpu')
}
