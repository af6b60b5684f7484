/**
 * A graphics device for several tests. ONNX Runtime forgets what it compiled for a device when its last session there is
 * closed; here one stays open, so that each shader is compiled once for all models. On a software adapter compiling is
 * most of what a small model costs.
 */
import { GRAPHS } from '../../src/runtime/device/attention-check.ts'
import type { Compute } from '../../src/runtime/device/compute.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { Runtime } from '../../src/runtime/ort/runtime.ts'

export interface SharedDevice {
  compute: Compute
  close(): Promise<void>
}

export async function openSharedDevice(): Promise<SharedDevice> {
  const compute = await openCompute('webgpu')
  if (compute.device === null) throw new Error(compute.reason?.why ?? 'There is no WebGPU.')
  const runtime = await Runtime.open(compute)
  const graph = Uint8Array.from(atob(GRAPHS.float32), (char) => char.charCodeAt(0))
  const session = await runtime.session({ graph, keepOnDevice: [] })
  return {
    compute,
    close: async () => {
      await session.dispose()
      compute.device?.destroy()
    },
  }
}
