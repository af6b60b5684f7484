/**
 * Finds out what there is to compute on and opens it. We make the `GPUDevice` ourselves, so that all sessions share
 * one, its loss can be heard, and the features are ours to choose.
 */
import { AppError } from '../pack/failure.ts'
import type { Target } from '../pack/manifest.ts'

export type Provider = 'webgpu' | 'wasm'

export interface Compute {
  provider: Provider
  /** Null for WebAssembly. */
  device: GPUDevice | null
  /** What the adapter calls itself; empty for WebAssembly. */
  adapter: string
  f16: boolean
  /** The adapter is a software rasteriser: right, but slow. */
  software: boolean
  /** Why WebGPU is not used, in one sentence; null when it is, or was not asked for. */
  reason: string | null
}

/** Limits that ONNX Runtime's shaders may use up to what the adapter has. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBuffersPerShaderStage',
] as const satisfies (keyof GPUSupportedLimits)[]

export interface ComputeOptions {
  /** Asks for `subgroups` where the adapter has them: for measurements, see `onAdapter`. */
  subgroups?: boolean
}

/** Opens WebGPU, or WebAssembly when `prefer` says so or there is no usable adapter. Never throws. */
export async function openCompute(prefer: Provider | null, options: ComputeOptions = {}): Promise<Compute> {
  if (prefer === 'wasm') return onProcessor('WebAssembly was chosen.')
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu
  if (gpu === undefined) return onProcessor('This browser has no WebGPU.')
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
    if (adapter === null) return onProcessor('WebGPU found no graphics adapter here.')
    return await onAdapter(adapter, options)
  } catch (error) {
    return onProcessor(
      `WebGPU could not be started (${error instanceof Error ? error.message : String(error)}).`,
    )
  }
}

/**
 * Which of a pack's graphs run here. f16 graphs need the adapter's `shader-f16`; the rest run everywhere.
 */
export function targetFor(compute: Compute, available: Partial<Record<Target, string>>): Target {
  if (compute.provider === 'wasm') return 'wasm'
  return compute.f16 && available['webgpu-f16'] !== undefined ? 'webgpu-f16' : 'webgpu'
}

async function onAdapter(adapter: GPUAdapter, { subgroups = false }: ComputeOptions): Promise<Compute> {
  const requiredLimits: Record<string, number> = {}
  for (const limit of LIMITS) requiredLimits[limit] = adapter.limits[limit]
  const f16 = adapter.features.has('shader-f16')
  // `subgroups` is left out on purpose, but for measurements: without it ONNX Runtime takes the shared-memory attention shaders, which are
  // right on every adapter; with it small subgroups give wrong numbers (measured on two software adapters).
  const wanted: GPUFeatureName[] = subgroups ? ['shader-f16', 'subgroups'] : ['shader-f16']
  const requiredFeatures = wanted.filter((feature) => adapter.features.has(feature))
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures })
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info
  const name = description || [vendor, architecture].filter(Boolean).join(' ')
  const software =
    isFallbackAdapter ||
    /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${name} ${vendor} ${architecture}`)
  return { provider: 'webgpu', device, adapter: name, f16, software, reason: null }
}

function onProcessor(reason: string): Compute {
  return { provider: 'wasm', device: null, adapter: '', f16: false, software: false, reason }
}

/** Rejects with `device-lost` once the device goes away; never settles while it lives. */
export async function lossOf(device: GPUDevice): Promise<never> {
  const info = await device.lost
  throw deviceLost(info.message)
}

export function deviceLost(detail: string): AppError {
  const why = detail === '' ? '' : ` (${detail})`
  return new AppError('device-lost', `The graphics device went away${why}; load the model again.`)
}
