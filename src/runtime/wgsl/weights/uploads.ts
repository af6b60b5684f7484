/** Weights onto the GPU, straight out of a pack's file, each tensor once and in a buffer of its own. */
import { BlobReader } from '../../../pack/blob-reader.ts'
import { AppError, throwIfCancelled } from '../../../pack/failure.ts'
import { floatsIn } from '../../../pack/float16.ts'
import { createOwnBuffer } from '../../ort/session-buffers.ts'
import { UploadPace } from '../../ort/weights/readable.ts'
import type { StoredTensor } from './graph-weights.ts'

/** Read and sent at once. A multiple of 4. */
const PIECE_BYTES = 4 * 2 ** 20

export class Uploads {
  readonly #device: GPUDevice
  readonly #data: Blob | Uint8Array<ArrayBuffer>
  readonly #signal: AbortSignal | undefined
  readonly #pace: UploadPace
  readonly #reader = new BlobReader()
  readonly #buffers: GPUBuffer[] = []

  constructor(device: GPUDevice, data: Blob | Uint8Array<ArrayBuffer>, signal?: AbortSignal) {
    this.#device = device
    this.#data = data
    this.#signal = signal
    this.#pace = new UploadPace(() => device.queue.onSubmittedWorkDone())
  }

  /** A zeroed buffer that kernels may use in any way, disposed with the rest. */
  buffer(bytes: number, uniform = false): GPUBuffer {
    const size = Math.max(16, Math.ceil(bytes / 16) * 16)
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST
    const buffer = createOwnBuffer(this.#device, {
      size,
      usage: uniform ? usage | GPUBufferUsage.UNIFORM : usage,
    })
    this.#buffers.push(buffer)
    return buffer
  }

  /** A tensor as it lies in the file. */
  async stored(tensor: StoredTensor): Promise<GPUBuffer> {
    const buffer = this.buffer(tensor.bytes)
    for (let at = 0; at < tensor.bytes; at += PIECE_BYTES) {
      throwIfCancelled(this.#signal)
      const bytes = Math.min(PIECE_BYTES, tensor.bytes - at)
      await this.#pace.allow(bytes)
      const piece = await this.#read(tensor.offset + at, bytes)
      this.#device.queue.writeBuffer(buffer, at, filledUpToFour(piece))
    }
    return buffer
  }

  /** Small tensors of floats as float32, at places of `floats` values. */
  async floats(count: number, parts: readonly { tensor: StoredTensor; at: number }[]): Promise<GPUBuffer> {
    const values = new Float32Array(count)
    for (const { tensor, at } of parts) values.set(await this.values(tensor), at)
    return this.given(values)
  }

  /** The values of a tensor of floats, for who makes something else of them. */
  async values({ type, offset, bytes }: StoredTensor): Promise<Float32Array<ArrayBuffer>> {
    return floatsIn(await this.#read(offset, bytes), type === 'float16')
  }

  /** Values that were made here. */
  given(values: Float32Array<ArrayBuffer>): GPUBuffer {
    const buffer = this.buffer(values.byteLength)
    this.#device.queue.writeBuffer(buffer, 0, values)
    return buffer
  }

  /** Numbers that kernels read as a uniform. */
  uniform(words: Uint32Array<ArrayBuffer>): GPUBuffer {
    const buffer = this.buffer(words.byteLength, true)
    this.#device.queue.writeBuffer(buffer, 0, words)
    return buffer
  }

  dispose(): void {
    for (const buffer of this.#buffers.splice(0)) buffer.destroy()
  }

  async #read(offset: number, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const end = offset + bytes
    const size = this.#data instanceof Blob ? this.#data.size : this.#data.byteLength
    if (end > size)
      throw new AppError('bad-pack', 'A weights file of this pack ends early; convert or download it again.')
    return this.#data instanceof Blob
      ? this.#reader.read(this.#data.slice(offset, end))
      : this.#data.subarray(offset, end)
  }
}

/** What is written to a buffer has a multiple of four bytes. */
function filledUpToFour(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (bytes.byteLength % 4 === 0) return bytes
  const filled = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4)
  filled.set(bytes)
  return filled
}
