/**
 * The GPU buffers of one session's weights. ONNX Runtime Web 1.30.0 lets go of them when the session is released but
 * destroys none, and the browser sees a small JavaScript object and is in no hurry to collect it; meanwhile a gigabyte
 * stays taken. So whoever opens a session notes the buffers that are made for it, and destroys them behind its release.
 */
export class SessionBuffers {
  readonly #device: GPUDevice | null
  readonly #buffers: GPUBuffer[] = []

  /** `device` is null on the processor, where there is nothing to note. */
  constructor(device: GPUDevice | null) {
    this.#device = device
  }

  /** Notes the storage that is made on the device until `work` is done, but for what `createOwnBuffer` makes. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const device = this.#device
    if (device === null) return work()
    const createBuffer = (descriptor: GPUBufferDescriptor): GPUBuffer => {
      const buffer = createOwnBuffer(device, descriptor)
      // Others (uniforms, uploads) are in pools that serve all sessions.
      if ((descriptor.usage & GPUBufferUsage.STORAGE) !== 0) this.#buffers.push(buffer)
      return buffer
    }
    Object.defineProperty(device, 'createBuffer', { configurable: true, value: createBuffer })
    try {
      return await work()
    } catch (error) {
      this.destroy()
      throw error
    } finally {
      Reflect.deleteProperty(device, 'createBuffer')
    }
  }

  destroy(): void {
    for (const buffer of this.#buffers.splice(0)) buffer.destroy()
  }
}

/** A buffer that belongs to no session, even while one is being opened. */
export function createOwnBuffer(device: GPUDevice, descriptor: GPUBufferDescriptor): GPUBuffer {
  return GPUDevice.prototype.createBuffer.call(device, descriptor)
}
