/**
 * A graphics device for all tests of a page that lose none. ONNX Runtime forgets what it compiled for a device when its last
 * session there is closed; here one stays open for as long as the page, so that each shader is compiled once for all models.
 * On a software adapter compiling is most of what a small model costs.
 */
import { GRAPHS } from '../../src/runtime/device/attention-check.ts'
import type { Compute } from '../../src/runtime/device/compute.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { Runtime } from '../../src/runtime/ort/runtime.ts'

let opened: Promise<Compute> | undefined

/** The same for all files, which share a page. Nobody destroys it. */
export function sharedDevice(): Promise<Compute> {
  opened ??= open()
  return opened
}

async function open(): Promise<Compute> {
  const compute = await openCompute('webgpu')
  if (compute.device === null) throw new Error(compute.reason?.why ?? 'There is no WebGPU.')
  const runtime = await Runtime.open(compute)
  const graph = Uint8Array.from(atob(GRAPHS.float32), (char) => char.charCodeAt(0))
  await runtime.session({ graph, keepOnDevice: [] })
  return compute
}
