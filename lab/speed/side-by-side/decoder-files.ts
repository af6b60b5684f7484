/** The decoder of a pack that is served: its graph for WebGPU in float32, and its weights. */
import { weightsPath, type ModelShape } from '../../../src/pack/manifest.ts'
import { openCompute, type Compute } from '../../../src/runtime/device/compute.ts'
import { openHttpPack } from '../../../src/store/http-pack.ts'

export interface DecoderFiles {
  shape: ModelShape
  graph: Uint8Array<ArrayBuffer>
  weights: Blob | Uint8Array<ArrayBuffer>
}

export async function openDecoderFiles(base: string): Promise<DecoderFiles> {
  const pack = await openHttpPack(new URL('pack/', base).href)
  const { manifest } = pack
  const path = manifest.graphs.decoder.webgpu
  if (path === undefined) throw new Error('This pack has no decoder for WebGPU.')
  const graph = await pack.file(path)
  return {
    shape: manifest.shape,
    graph: graph instanceof Blob ? new Uint8Array(await graph.arrayBuffer()) : graph,
    weights: await pack.file(weightsPath('decoder')),
  }
}

export async function gpu(): Promise<Compute> {
  const compute = await openCompute('webgpu')
  if (compute.device === null) throw new Error(compute.reason ?? 'There is no GPU.')
  return compute
}
