/** What the page is told about where a model runs, and what it may keep in memory there. */
import type { DeviceReport, MemoryChoice, MemoryReport } from '../pack/device-report.ts'
import { weightBytes, type PackManifest } from '../pack/manifest.ts'
import type { Compute } from '../runtime/device/compute.ts'
import { decideMemory } from '../runtime/device/memory-policy.ts'
import type { Talk } from '../runtime/models/talk.ts'
import { buildFor } from '../runtime/ort/build.ts'

export function describeDevice(
  { device, provider, adapter, f16, software, subgroups, reason }: Compute,
  { recordsSteps, context }: Pick<Talk, 'recordsSteps' | 'context'>,
  memory: MemoryReport,
): DeviceReport {
  const limits = device === null ? null : limitsOf(device.limits)
  const build = buildFor(provider)
  return { provider, adapter, f16, software, subgroups, reason, recordsSteps, context, limits, build, memory }
}

/** `deviceMemory`: GiB that the device says it has; undefined where it does not say. */
export function memoryFor(
  choice: MemoryChoice,
  { provider, software }: Compute,
  manifest: PackManifest,
  deviceMemory: number | undefined,
): MemoryReport {
  return decideMemory({
    choice,
    weightBytes: weightBytes(manifest),
    deviceMemory,
    provider,
    software,
  })
}

function limitsOf(limits: GPUSupportedLimits): DeviceReport['limits'] {
  return {
    buffer: limits.maxBufferSize,
    storageBinding: limits.maxStorageBufferBindingSize,
    workgroupStorage: limits.maxComputeWorkgroupStorageSize,
  }
}
