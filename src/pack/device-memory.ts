/** What a device has, as far as a browser tells: the only place that asks for it, for offers and loads alike. */

/** What is known of a device's memory. */
export interface DeviceMemory {
  gib: number
  /** Whether the browser told; else it is what devices of this sort have. */
  told: boolean
  /** The adapter is a software rasteriser, whose memory is the system's. */
  software: boolean
  /** The largest storage binding and buffer that the GPU takes; null on the processor. */
  bufferBytes: number | null
  /** What the device gave when it was asked for it before a model was opened (`roomTrials`), if it was. */
  givenBytes?: number
}

/** What a browser may tell of its device. */
export interface DeviceHints {
  /** GiB: rounded to a power of two and capped, at 8 or in newer browsers at 32. Only Chromium's browsers know it. */
  deviceMemory?: number | undefined
  userAgent?: string | undefined
}

/** Taken of computers where the browser does not tell: the cap of the Device Memory API for most of its life. */
const ASSUMED_GIB = 8

/** The same of telephones and tablets. */
const ASSUMED_HANDHELD_GIB = 4

/** Of a GPU's device or adapter, or (null) of the processor. */
export function memoryOf(
  gpu: { limits: BufferLimits } | null,
  { software }: { software: boolean },
  hints: DeviceHints = hintsHere(),
): DeviceMemory {
  const { deviceMemory, userAgent = '' } = hints
  const handheld = /iPhone|iPad|Android|Mobile/.test(userAgent)
  const limits = gpu?.limits
  return {
    gib: deviceMemory ?? (handheld ? ASSUMED_HANDHELD_GIB : ASSUMED_GIB),
    told: deviceMemory !== undefined,
    software,
    bufferBytes:
      limits === undefined ? null : Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
  }
}

function hintsHere(): DeviceHints {
  const { navigator } = globalThis as { navigator?: DeviceHints }
  return navigator ?? {}
}

type BufferLimits = Pick<GPUSupportedLimits, 'maxBufferSize' | 'maxStorageBufferBindingSize'>

/** The adapter that a model is offered for and loaded on; null when there is none. */
export function requestAdapter(gpu: GPU): Promise<GPUAdapter | null> {
  return gpu.requestAdapter({ powerPreference: 'high-performance' })
}

/** What an adapter calls itself. */
export function adapterName({ info: { vendor, architecture, description } }: Named): string {
  return description || [vendor, architecture].filter(Boolean).join(' ')
}

/** Whether an adapter is a software rasteriser. */
export function isSoftware(adapter: Named): boolean {
  const { vendor, architecture, isFallbackAdapter } = adapter.info
  const name = `${adapterName(adapter)} ${vendor} ${architecture}`
  return isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(name)
}

type Named = Pick<GPUAdapter, 'info'>
