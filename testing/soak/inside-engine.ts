/** The first import of the engine's thread while it is soaked. */
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import { keepNextTensor, LEAKED_BYTES } from './leaks.ts'
import type { EngineLeak, InsideEngine } from './inside.ts'

// The browser notes each request, and lets go of none of the first few hundred notes.
performance.setResourceTimingBufferSize(0)

const kept: unknown[] = []
const memories: WeakRef<WebAssembly.Memory>[] = []
/** Buffers by their device. */
const buffers = new Map<GPUDevice, Set<GPUBuffer>>()

WebAssembly.Memory = class extends WebAssembly.Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor)
    memories.push(new WeakRef(this))
  }
}

/** Replaces a method by one that is told of it; `was` is the method itself. */
function instead<T extends object, K extends keyof T>(of: T, name: K, by: (was: T[K]) => T[K]): void {
  of[name] = by(of[name])
}

if ('GPUDevice' in globalThis) {
  instead(
    GPUDevice.prototype,
    'createBuffer',
    (was) =>
      function (this: GPUDevice, descriptor) {
        const buffer = was.call(this, descriptor)
        const alive = buffers.get(this) ?? new Set()
        if (alive.size === 0) void this.lost.then(() => buffers.delete(this))
        buffers.set(this, alive.add(buffer))
        return buffer
      },
  )
  instead(
    GPUBuffer.prototype,
    'destroy',
    (was) =>
      function (this: GPUBuffer) {
        for (const alive of buffers.values()) alive.delete(this)
        was.call(this)
      },
  )
}

function leak(kind: EngineLeak): void {
  switch (kind) {
    case 'tensor':
      keepNextTensor(kept)
      return
    case 'bytes':
      kept.push(new Uint8Array(LEAKED_BYTES))
      return
    case 'call':
      // As of a call that never settles.
      kept.push(new AbortController())
  }
}

const inside: InsideEngine = {
  leak,
  tensors: liveTensorCount,
  wasmBytes: () => memories.reduce((sum, memory) => sum + (memory.deref()?.buffer.byteLength ?? 0), 0),
  gpuBuffers: () => [...buffers.values()].reduce((sum, { size }) => sum + size, 0),
}
Object.assign(globalThis, { soakInside: inside })
