/** What the page is told about where a model runs. */
import type { DeviceReport } from '../pack/device-report.ts'
import type { Compute } from '../runtime/device/compute.ts'
import type { TalkingModel } from '../runtime/models/model.ts'
import { buildFor } from '../runtime/ort/build.ts'

export function describeDevice(
  { device, provider, adapter, f16, software, subgroups, reason }: Compute,
  {
    look: { kernels: vision },
    talk: { recordsSteps, ownKernels, kernelTimes, context },
    memory,
  }: TalkingModel,
): DeviceReport {
  const limits = device === null ? null : limitsOf(device.limits)
  const build = buildFor(provider)
  return {
    provider,
    adapter,
    f16,
    software,
    subgroups,
    reason,
    recordsSteps,
    ownKernels,
    kernelTimes,
    visionKernels: vision.ownKernels,
    visionTimes: vision.times,
    context,
    limits,
    build,
    memory,
  }
}

function limitsOf(limits: GPUSupportedLimits): DeviceReport['limits'] {
  return {
    buffer: limits.maxBufferSize,
    storageBinding: limits.maxStorageBufferBindingSize,
    workgroupStorage: limits.maxComputeWorkgroupStorageSize,
  }
}
