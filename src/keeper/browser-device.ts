/** What this browser tells of the device. */
import type { DeviceFacts } from './device-check.ts'

export async function readDevice(): Promise<DeviceFacts> {
  // Both are withheld from pages that came over plain http; Firefox and Safari have no `deviceMemory` at all.
  const { gpu, deviceMemory } = navigator as { gpu?: GPU; deviceMemory?: number }
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null)
  return { gpu: adapter ? factsOf(adapter) : null, memoryGiB: deviceMemory ?? null }
}

function factsOf({ limits, features }: GPUAdapter): NonNullable<DeviceFacts['gpu']> {
  return {
    bufferBytes: Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize),
    f16: features.has('shader-f16'),
  }
}
