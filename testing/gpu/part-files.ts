/** For tests that open our kernels by themselves: what of a pack's part they are opened from. */
import { bytesOfFile } from '../../src/pack/bytes.ts'
import type { PackPart } from '../../src/pack/families.ts'
import { asFamily, type PackReader } from '../../src/pack/manifest.ts'
import { cacheType } from '../../src/pack/model-needs.ts'
import { targetFor, type Processor } from '../../src/pack/targets.ts'
import { weightsOfGraph, type StoredTensors } from '../../src/runtime/wgsl/weights/graph-weights.ts'
import type { OptOptions } from '../../src/runtime/wgsl/decoder/open-opt.ts'

export interface FilesOfPart {
  graph: Uint8Array<ArrayBuffer>
  tensors: StoredTensors
  weights: { path: string; data: Uint8Array<ArrayBuffer> }
}

/** The graph that runs there, and the weights, read whole. */
export async function filesOfPart(
  pack: PackReader,
  { graphs, weights }: Pick<PackPart, 'graphs' | 'weights'>,
  processor: Processor,
): Promise<FilesOfPart> {
  const graph = await bytesOfFile(await pack.file(graphs[targetFor(processor, graphs)] ?? ''))
  return {
    graph,
    tensors: weightsOfGraph(graph, weights),
    weights: { path: weights, data: await bytesOfFile(await pack.file(weights)) },
  }
}

/** Of a pack's OPT decoder, for sequences as long as the model takes. */
export async function optOptions(pack: PackReader, processor: Processor): Promise<OptOptions> {
  const part = asFamily(pack.manifest, 'blip2-opt').parts.decoder
  return {
    ...(await filesOfPart(pack, part, processor)),
    part,
    cacheType: cacheType(part, processor),
    context: part.shape.positions,
  }
}
