/**
 * Finds out what there is to compute on and opens it. We make the `GPUDevice` ourselves, so that all sessions share
 * one, its loss can be heard, and the features are ours to choose.
 */
import { adapterName, isSoftware, requestAdapter } from '../../pack/device-memory.ts'
import type { Provider, Subgroups, UnopenedReason } from '../../pack/device-report.ts'
import { attendsRightly } from './attention-check.ts'
import type { OpenedCompute } from './compute.ts'

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
  /** For measurements: true takes `subgroups` wherever the adapter has them, untested, and false never does. */
  subgroups?: boolean
  /** Takes `timestamp-query` as well, where the adapter has it. */
  timestamps?: boolean
}

/** With subgroups of 4 the shader counts keys twice: it works on 8 at once (ONNX Runtime 1.30.0). */
const SMALLEST_SUBGROUP = 8

/** Opens WebGPU, or WebAssembly when `prefer` says so or there is no usable adapter. Never throws. */
export async function openCompute(
  prefer: Provider | null,
  options: ComputeOptions = {},
): Promise<OpenedCompute> {
  if (prefer === 'wasm') return onProcessor({ why: 'chosen' })
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu
  if (gpu === undefined) return onProcessor({ why: 'no-webgpu' })
  try {
    const adapter = await requestAdapter(gpu)
    if (adapter === null) return onProcessor({ why: 'no-adapter' })
    const subgroups = subgroupsOf(adapter, options)
    const compute = await onAdapter(adapter, subgroups, options)
    if (subgroups !== 'used' || options.subgroups === true) return compute
    if (await attendsRightly(compute).catch(() => false)) return compute
    compute.device?.destroy()
    // An adapter gives one device only.
    const again = await requestAdapter(gpu)
    if (again === null) return onProcessor({ why: 'no-adapter' })
    return await onAdapter(again, 'wrong', options)
  } catch (error) {
    return onProcessor({
      why: 'not-started',
      detail: error instanceof Error ? error.message : String(error),
    })
  }
}

/**
 * Whether to open the device with subgroups. ONNX Runtime then takes other attention shaders, and integer products where
 * a graph allows them; where they are small those shaders are wrong (docs/decisions/005-subgroups.md).
 */
function subgroupsOf(adapter: GPUAdapter, { subgroups }: ComputeOptions): Subgroups {
  if (subgroups === false) return 'left-out'
  if (!adapter.features.has('subgroups')) return 'absent'
  if (subgroups === true) return 'used'
  if (isSoftware(adapter)) return 'software'
  // Not every browser tells, whatever the types say: then the self-test decides.
  const tooSmall = 'subgroupMinSize' in adapter.info && adapter.info.subgroupMinSize < SMALLEST_SUBGROUP
  return tooSmall ? 'too-small' : 'used'
}

async function onAdapter(
  adapter: GPUAdapter,
  subgroups: Subgroups,
  { timestamps = false }: ComputeOptions,
): Promise<OpenedCompute> {
  const requiredLimits: Record<string, number> = {}
  for (const limit of LIMITS) requiredLimits[limit] = adapter.limits[limit]
  const f16 = adapter.features.has('shader-f16')
  const requiredFeatures: GPUFeatureName[] = []
  if (f16) requiredFeatures.push('shader-f16')
  if (subgroups === 'used') requiredFeatures.push('subgroups')
  if (timestamps && adapter.features.has('timestamp-query')) requiredFeatures.push('timestamp-query')
  const device = await adapter.requestDevice({ requiredLimits, requiredFeatures })
  const software = isSoftware(adapter)
  return { provider: 'webgpu', device, adapter: adapterName(adapter), f16, software, subgroups, reason: null }
}

function onProcessor(reason: UnopenedReason): OpenedCompute {
  return { provider: 'wasm', device: null, adapter: '', f16: false, software: false, subgroups: null, reason }
}
