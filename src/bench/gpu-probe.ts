/**
 * Listens at the WebGPU interface: what the GPU is asked to do, whoever asks. There is one at a time, and only while
 * something is measured.
 */
import { after } from './methods.ts'

export interface GpuCounts {
  dispatches: number
  /** Compute passes begun, and calls of `submit`. */
  passes: number
  submits: number
  /** Of buffers that were mapped to be read, padding included. */
  bytesRead: number
  /** Buffers made so far. */
  buffers: number
  /** Their bytes, whatever became of them. */
  madeBytes: number
  /** Bytes of buffers that were neither destroyed nor collected, and the most there ever were. */
  liveBytes: number
  peakBytes: number
  /** Milliseconds during which somebody waited for values to be read back. */
  waitedMs: number
}

export interface GpuProbe {
  readonly counts: Readonly<GpuCounts>
  /** From now on the peak is counted afresh. */
  resetPeak(): void
  stop(): void
}

/** Counts nothing where there is no WebGPU. */
export function startGpuProbe(): GpuProbe {
  const counts: GpuCounts = {
    dispatches: 0,
    passes: 0,
    submits: 0,
    bytesRead: 0,
    buffers: 0,
    madeBytes: 0,
    liveBytes: 0,
    peakBytes: 0,
    waitedMs: 0,
  }
  const undo = typeof GPUDevice === 'undefined' ? [] : listen(counts)
  return {
    counts,
    resetPeak: () => {
      counts.peakBytes = counts.liveBytes
    },
    stop: () => {
      for (const step of undo) step()
    },
  }
}

function listen(counts: GpuCounts): (() => void)[] {
  const sizes = new Map<number, number>()
  const keys = new WeakMap<object, number>()
  const gone = (key: number): void => {
    counts.liveBytes -= sizes.get(key) ?? 0
    sizes.delete(key)
  }
  let waiting = 0
  let since = 0
  const waits = (mapped: Promise<unknown>): void => {
    if (waiting === 0) since = performance.now()
    waiting += 1
    const settled = (): void => {
      waiting -= 1
      if (waiting === 0) counts.waitedMs += performance.now() - since
    }
    mapped.then(settled, settled)
  }
  // ONNX Runtime lets go of buffers without destroying them.
  const collected = new FinalizationRegistry(gone)
  return [
    after(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', () => (counts.dispatches += 1)),
    after(GPUComputePassEncoder.prototype, 'dispatchWorkgroupsIndirect', () => (counts.dispatches += 1)),
    after(GPUCommandEncoder.prototype, 'beginComputePass', () => (counts.passes += 1)),
    after(GPUQueue.prototype, 'submit', () => (counts.submits += 1)),
    after(GPUBuffer.prototype, 'mapAsync', (buffer, [mode, offset, size], mapped) => {
      if (mode !== GPUMapMode.READ) return
      counts.bytesRead +=
        typeof size === 'number' ? size : buffer.size - (typeof offset === 'number' ? offset : 0)
      if (mapped instanceof Promise) waits(mapped)
    }),
    after(GPUBuffer.prototype, 'destroy', (buffer) => gone(keys.get(buffer) ?? -1)),
    after(GPUDevice.prototype, 'createBuffer', (_, __, made) => {
      counts.buffers += 1
      if (!(made instanceof GPUBuffer)) return
      sizes.set(counts.buffers, made.size)
      keys.set(made, counts.buffers)
      collected.register(made, counts.buffers)
      counts.madeBytes += made.size
      counts.liveBytes += made.size
      counts.peakBytes = Math.max(counts.peakBytes, counts.liveBytes)
    }),
  ]
}
