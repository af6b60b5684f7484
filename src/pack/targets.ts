/** Which of a pack's graphs run where. */
import type { Provider } from './device-report.ts'
import type { Target } from './families.ts'

/** What computes, as far as graphs differ by it. */
export interface Processor {
  provider: Provider
  /** The adapter has `shader-f16`. */
  f16: boolean
}

/** Of keys and values. */
export type CacheType = 'float32' | 'float16'

export const CACHE_NUMBER_BYTES: Readonly<Record<CacheType, number>> = { float32: 4, float16: 2 }

/** Graphs that compute in 16 bits keep keys and values so. */
export function cacheTypeOf(target: Target): CacheType {
  return target === 'webgpu-f16' ? 'float16' : 'float32'
}

/** f16 graphs need the adapter's `shader-f16`; the rest run everywhere. */
export function targetFor({ provider, f16 }: Processor, available: Partial<Record<Target, string>>): Target {
  if (provider === 'wasm') return 'wasm'
  return f16 && available['webgpu-f16'] !== undefined ? 'webgpu-f16' : 'webgpu'
}
