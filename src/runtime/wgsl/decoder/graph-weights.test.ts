import { describe, expect, it } from 'vitest'
import { asFamily } from '../../../pack/manifest.ts'
import { syntheticPack } from '../../../synthetic/pack.ts'
import { weightsOfGraph, type StoredTensor } from '../weights/graph-weights.ts'
import { NotForKernels } from '../weights/stored.ts'
import { optPlaces } from './opt-weights.ts'

async function decoderOf(
  precision: 'q4' | 'q4f16' | 'fp16',
  target: 'webgpu' | 'webgpu-f16',
): Promise<{
  tensors: Map<string, StoredTensor>
  graph: Uint8Array
  shape: Parameters<typeof optPlaces>[1]
  bytes: number
}> {
  const pack = syntheticPack({ size: 'tiny', precision, seed: 1 })
  const { decoder } = asFamily(pack.manifest, 'blip2-opt').parts
  const file = await pack.file(decoder.graphs[target] ?? '')
  const graph = file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file
  const bytes = pack.manifest.files.find(({ path }) => path === decoder.weights)?.bytes ?? 0
  return { tensors: weightsOfGraph(graph, decoder.weights), graph, shape: decoder.shape, bytes }
}

describe('the weights that a graph refers to', () => {
  it('lie one behind the other in its file, and are those of the model', async () => {
    const { tensors, shape, bytes } = await decoderOf('q4', 'webgpu')
    const sorted = [...new Map([...tensors.values()].map((one) => [one.offset, one])).values()].sort(
      (a, b) => a.offset - b.offset,
    )
    sorted.forEach(({ offset, bytes: length }, i) =>
      expect(offset + length).toBeLessThanOrEqual(sorted[i + 1]?.offset ?? bytes),
    )
    const { layers, table, head } = optPlaces(tensors, shape)
    expect(layers).toHaveLength(shape.layers)
    expect(layers[0]?.qkv.matrix.format).toEqual({ bits: 4, blockSize: 32, scales: 'float32' })
    expect(layers[0]?.qkv.matrix).toMatchObject({ outputs: 3 * shape.hiddenSize, inputs: shape.hiddenSize })
    expect(new Set(layers.map(({ fc2 }) => fc2.matrix.packed.offset)).size).toBe(shape.layers)
    expect(table).toMatchObject({ outputs: shape.vocabulary, format: { bits: 8 } })
    expect(head.outputs).toBe(shape.vocabulary)
  })

  it('are the same of a graph that computes in float32 over float16 weights, as they lie in the file', async () => {
    const [half, full] = [await decoderOf('q4f16', 'webgpu-f16'), await decoderOf('q4f16', 'webgpu')]
    expect(optPlaces(full.tensors, full.shape)).toEqual(optPlaces(half.tensors, half.shape))
    expect(optPlaces(full.tensors, full.shape).positions.type).toBe('float16')
  })

  it('are not for kernels where they are not stored in blocks', async () => {
    const { tensors, shape } = await decoderOf('fp16', 'webgpu')
    expect(() => optPlaces(tensors, shape)).toThrow(NotForKernels)
  })

  it('of another shape are refused', async () => {
    const { tensors, shape } = await decoderOf('q4', 'webgpu')
    expect(() => optPlaces(tensors, { ...shape, hiddenSize: 2 * shape.hiddenSize })).toThrow(NotForKernels)
    expect(() => optPlaces(tensors, { ...shape, layers: shape.layers + 1 })).toThrow(NotForKernels)
  })

  it('of a graph that was cut off are none', async () => {
    const { graph } = await decoderOf('q4', 'webgpu')
    const broken = graph.subarray(0, graph.length - 7)
    expect(() => weightsOfGraph(broken, 'decoder.weights')).toThrow(
      expect.objectContaining({ code: 'bad-pack' }),
    )
  })
})
