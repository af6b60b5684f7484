/**
 * For tests in Node: as much of a WebGPU device as tensors and caches need, over plain memory. Copies are done when they
 * are submitted, and a device can be told how much memory it has.
 */
import { vi } from 'vitest'
import type { Compute } from '../../src/runtime/device/compute.ts'

class MemoryBuffer {
  readonly size: number
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly #free: () => void

  constructor(size: number, free: () => void) {
    this.size = size
    this.bytes = new Uint8Array(size)
    this.#free = free
  }

  mapAsync(): Promise<void> {
    return Promise.resolve()
  }

  getMappedRange(): ArrayBuffer {
    return this.bytes.buffer
  }

  unmap(): void {
    // It is read where it lies.
  }

  destroy(): void {
    this.#free()
  }
}

export class MemoryDevice {
  readonly limits = { maxBufferSize: 2 ** 20 }
  readonly lost: Promise<{ message: string }> = new Promise(() => undefined)
  /** Bytes of all buffers that are not destroyed. */
  liveBytes = 0
  /** Copy commands so far. */
  copies = 0
  readonly #capacity: number
  #failed = false

  constructor(capacity = Infinity) {
    this.#capacity = capacity
  }

  createBuffer({ size }: { size: number }): MemoryBuffer {
    // As in WebGPU a buffer that cannot be had is no exception; the error scope tells.
    const fits = this.liveBytes + size <= this.#capacity
    if (!fits) this.#failed = true
    const taken = fits ? size : 0
    this.liveBytes += taken
    return new MemoryBuffer(size, () => (this.liveBytes -= taken))
  }

  pushErrorScope(): void {
    this.#failed = false
  }

  popErrorScope(): Promise<{ message: string } | null> {
    return Promise.resolve(this.#failed ? { message: 'no memory' } : null)
  }

  createCommandEncoder(): object {
    const work: (() => void)[] = []
    return {
      copyBufferToBuffer: (
        from: MemoryBuffer,
        fromOffset: number,
        to: MemoryBuffer,
        toOffset: number,
        bytes: number,
      ) => {
        this.copies += 1
        if (from === to || fromOffset % 4 > 0 || toOffset % 4 > 0 || bytes % 4 > 0)
          throw new Error('WebGPU forbids this copy.')
        work.push(() => to.bytes.set(from.bytes.subarray(fromOffset, fromOffset + bytes), toOffset))
      },
      finish: () => work,
    }
  }

  readonly queue = {
    submit: (lists: (() => void)[][]): void => {
      for (const copy of lists.flat()) copy()
    },
    writeBuffer: (buffer: MemoryBuffer, at: number, data: Float32Array): void => {
      buffer.bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at)
    },
    onSubmittedWorkDone: (): Promise<void> => Promise.resolve(),
  }
}

/** A place to compute that has this device; sessions cannot be opened on it. */
export function computeOn(device: MemoryDevice): Compute {
  vi.stubGlobal('GPUDevice', MemoryDevice)
  vi.stubGlobal('GPUBufferUsage', { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, STORAGE: 128 })
  vi.stubGlobal('GPUMapMode', { READ: 1 })
  return {
    provider: 'wasm',
    device: device as unknown as GPUDevice,
    adapter: 'memory',
    f16: false,
    software: true,
    subgroups: 'absent',
    reason: null,
  }
}
