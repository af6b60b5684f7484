/** The decoder of a pack that is served or kept: its graph for WebGPU in float32, and its weights. */
import type { PackPart } from '../../../src/pack/families.ts'
import { asFamily } from '../../../src/pack/manifest.ts'
import type { DecoderShape } from '../../../src/pack/shapes.ts'
import type { WeightsFile } from '../../../src/runtime/ort/weights/readable.ts'
import type { Compute } from '../../../src/runtime/device/compute.ts'
import { openCompute } from '../../../src/runtime/device/open-compute.ts'
import { openBrowserStore } from '../../../src/store/browser-store.ts'
import { openHttpPack } from '../../../src/store/http-pack.ts'
import type { DecoderRequest } from './answer.ts'

export interface DecoderFiles {
  part: PackPart & { shape: DecoderShape }
  shape: DecoderShape
  graph: Uint8Array<ArrayBuffer>
  weights: WeightsFile
}

export async function openDecoderFiles({
  base,
  kept,
}: Pick<DecoderRequest, 'base' | 'kept'>): Promise<DecoderFiles> {
  const pack =
    kept === null
      ? await openHttpPack(new URL('pack/', base).href)
      : // As the engine does: what was verified when it was kept is hashed behind the first answer.
        await openBrowserStore().open(kept, { later: true })
  const part = asFamily(pack.manifest, 'blip2-opt').parts.decoder
  const { graphs, weights, shape } = part
  const path = graphs.webgpu
  if (path === undefined) throw new Error('This pack has no decoder for WebGPU.')
  const graph = await pack.file(path)
  return {
    part,
    shape,
    graph: graph instanceof Blob ? new Uint8Array(await graph.arrayBuffer()) : graph,
    weights: { path: weights, data: await pack.file(weights) },
  }
}

export async function gpu(): Promise<Compute> {
  const compute = await openCompute('webgpu')
  if (compute.device === null) throw new Error(compute.reason?.why ?? 'There is no GPU.')
  return compute
}
