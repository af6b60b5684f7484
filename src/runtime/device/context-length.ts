/** How long a conversation may be on this device: what its KV caches leave room for beside the weights. */
import type { ContextReport } from '../../pack/device-report.ts'
import type { DecoderShape } from '../../pack/shapes.ts'

export interface ContextNeeds {
  shape: DecoderShape
  cacheType: 'float32' | 'float16'
  /** Weights of all three graphs. */
  weightBytes: number
}

export interface KnownMemory {
  /** `navigator.deviceMemory`, GiB: rounded to a power of two and capped, at 8 or in newer browsers at 32; null if untold. */
  deviceGiB: number | null
  /** The largest storage binding and buffer that the device takes; null for WebAssembly. */
  bufferBytes: number | null
}

/** Below this no conversation is worth having: a picture has 32 positions and an answer 30. */
const SMALLEST_CONTEXT = 256

/** Taken where the browser does not tell: the cap of the Device Memory API for most of its life. */
const ASSUMED_GIB = 8

/** What Windows lets graphics have of the machine's memory (WDDM's shared limit), and about what phones bear. */
const SHARE = 0.5

/** Two pictures under discussion (the engine's `MOST_DISCUSSIONS`) and two spare sets (`CacheMemory`). */
const CACHES_ON_GPU = 4

/** Two pictures under discussion, and the tensors that a run makes anew. */
const CACHES_ON_PROCESSOR = 3

/** WebAssembly addresses 4 GiB, and inputs, outputs and the runtime itself need some of it. */
const WASM_BYTES = 3.5 * 2 ** 30

/** The model's maximum, or else the largest power of two, at least 256, of which all caches fit. */
export function contextFor(
  { shape, cacheType, weightBytes }: ContextNeeds,
  known: KnownMemory,
): ContextReport {
  const { positions: possible, heads, cacheHeadSize, layers } = shape
  /** One position of one tensor [1, heads, positions, head size]. */
  const rowBytes = heads * cacheHeadSize * (cacheType === 'float32' ? 4 : 2)
  const onGpu = known.bufferBytes !== null
  const memory = SHARE * 2 ** 30 * (known.deviceGiB ?? ASSUMED_GIB)
  const budget = (onGpu ? memory : Math.min(memory, WASM_BYTES)) - weightBytes
  const inMemory = budget / (2 * layers * rowBytes * (onGpu ? CACHES_ON_GPU : CACHES_ON_PROCESSOR))
  const inBuffer = (known.bufferBytes ?? Infinity) / rowBytes
  const most = Math.min(inMemory, inBuffer)
  if (possible <= Math.max(most, SMALLEST_CONTEXT)) return { positions: possible, possible, why: 'model' }
  const power = 2 ** Math.floor(Math.log2(Math.max(most, SMALLEST_CONTEXT)))
  const positions = Math.min(power, possible)
  if (inBuffer < inMemory) return { positions, possible, why: 'buffer' }
  if (!onGpu && WASM_BYTES <= memory) return { positions, possible, why: 'wasm' }
  return { positions, possible, why: known.deviceGiB === null ? 'assumed-memory' : 'memory' }
}
