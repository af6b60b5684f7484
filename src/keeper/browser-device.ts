/** What this browser would compute on, without opening it. */
import { adapterName, isSoftware, memoryOf, requestAdapter } from '../pack/device-memory.ts'
import type { Provider } from '../pack/device-report.ts'
import type { DeviceFacts } from './device-findings.ts'

/** `prefer` as where a model is loaded: WebAssembly where it is chosen, else the graphics card if there is one. */
export async function readDevice(prefer: Provider | null): Promise<DeviceFacts> {
  const adapter = prefer === 'wasm' ? null : await adapterHere()
  if (adapter === null) return { provider: 'wasm', f16: false, memory: memoryOf(null, { software: false }) }
  const software = isSoftware(adapter)
  return {
    provider: 'webgpu',
    adapter: adapterName(adapter),
    f16: adapter.features.has('shader-f16'),
    memory: memoryOf(adapter, { software }),
  }
}

async function adapterHere(): Promise<GPUAdapter | null> {
  // Withheld from pages that came over plain http.
  const { gpu } = navigator as { gpu?: GPU }
  return gpu === undefined ? null : requestAdapter(gpu).catch(() => null)
}
