import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { bytesOfFile } from '../../../pack/bytes.ts'
import { encoderWorkBytes } from '../../../pack/kernel-memory.ts'
import type { Precision } from '../../../pack/manifest.ts'
import type { VisionShape } from '../../../pack/shapes.ts'
import { syntheticPack } from '../../../synthetic/pack.ts'
import { wideWorkgroups } from '../kernels/wide-tile/wide-tile.ts'
import { weightsOfGraph, type StoredTensors } from '../weights/graph-weights.ts'
import { NotForKernels } from '../weights/stored.ts'
import { makeValues } from './encoder-buffers.ts'
import { compileEncoder } from './encoder-kernels.ts'
import { EncoderLayout, type EncoderLimits } from './encoder-layout.ts'
import { EncoderPasses } from './encoder-passes.ts'
import { encoderPlaces, type EncoderPlaces } from './encoder-weights.ts'
import { nodesOfGraph, type GraphNodes } from './graph-nodes.ts'

/** Of a card, as far as it is asked. */
const LIMITS: EncoderLimits = {
  maxComputeWorkgroupStorageSize: 32_768,
  maxBufferSize: 2 ** 31,
  maxStorageBufferBindingSize: 2 ** 31,
}

afterEach(() => vi.unstubAllGlobals())

/** A device that takes any kernel. */
function compilingDevice(): GPUDevice {
  vi.stubGlobal('navigator', { gpu: { wgslLanguageFeatures: new Set() } })
  vi.stubGlobal('GPUShaderStage', { COMPUTE: 4 })
  const made = (): object => ({})
  return {
    ...{ createBindGroupLayout: made, createBindGroup: made, createPipelineLayout: made },
    ...{ createShaderModule: made, createComputePipelineAsync: () => Promise.resolve({}) },
  } as unknown as GPUDevice
}

interface Given {
  tensors: StoredTensors
  nodes: GraphNodes
  shape: VisionShape
}

/** The published vision encoder, as its graph says. */
async function published(precision: Precision, target: 'webgpu' | 'webgpu-f16'): Promise<Given> {
  const pack = syntheticPack({ size: 'full', precision, seed: 1 })
  const { shape, graphs, weights } = pack.manifest.parts.vision
  const graph = await bytesOfFile(await pack.file(graphs[target] ?? ''))
  return { tensors: weightsOfGraph(graph, weights), nodes: nodesOfGraph(graph), shape }
}

const placesOf = ({ tensors, nodes, shape }: Given): EncoderPlaces => encoderPlaces(tensors, nodes, shape)

let given: Given
beforeAll(async () => {
  given = await published('q4f16', 'webgpu')
})

describe("the published vision encoder's", () => {
  it('picture costs 354 dispatches, and 27 MB besides weights', async () => {
    const { shape } = given
    const places = placesOf(given)
    const layout = new EncoderLayout(places, shape, LIMITS)
    let bytes = 0
    const buffer = (size: number): GPUBuffer => {
      bytes += size
      return {} as GPUBuffer
    }
    const values = makeValues({ buffer, uniform: ({ byteLength }) => buffer(byteLength) }, layout, shape)
    const base = buffer(4 * layout.columns * shape.hiddenSize)
    expect(bytes / 1e6).toBeCloseTo(27, 0)
    // And the matrix of the patches: what the memory budget counts is that, and little more.
    const patch = 4 * 3 * shape.patchSize ** 2 * shape.hiddenSize
    expect(encoderWorkBytes(shape) / (bytes + patch)).toBeGreaterThanOrEqual(1)
    expect(encoderWorkBytes(shape) / (bytes + patch)).toBeLessThan(1.2)
    const block = { floats: base, qkv: [base], projection: [base], fc1: [base], fc2: [base] }
    const weights = {
      ...{ patch: base, base, preFloats: null, postFloats: base },
      blocks: places.blocks.map(() => block),
    }
    const kernels = await compileEncoder(compilingDevice(), layout, places)
    const passes = new EncoderPasses({ kernels, layout, places, weights, values })
    expect(passes.into(base)).toHaveLength(354)
    // Nearly 400 workgroups for each product, and 144 for attention.
    const groups = (['qkv', 'projection', 'fc1', 'fc2'] as const).map((name) =>
      wideWorkgroups(layout.product(name)).reduce((a, b) => a * b),
    )
    expect(groups).toEqual([396, 396, 288, 396])
  })

  it('weights, norms and activation are found in graphs of either type', async () => {
    for (const of of [given, await published('q4f16', 'webgpu-f16')]) {
      const { blocks, activation, epsilons, patch, preNorm } = placesOf(of)
      expect([blocks.length, activation, preNorm]).toEqual([39, 'gelu', null])
      expect(epsilons.blocks).toBeCloseTo(1e-6, 9)
      expect(patch).toMatchObject({ type: 'float16', dims: [1408, 3, 14, 14] })
      const [first] = blocks
      expect(first?.fc1.matrix).toMatchObject({
        inputs: 1408,
        outputs: 6144,
        format: { bits: 4, scales: 'float16' },
      })
      expect(new Set(blocks.map(({ qkv }) => qkv.matrix.tensors[0]?.offset)).size).toBe(39)
    }
  })

  it('matrices may be floats', async () => {
    const { blocks } = placesOf(await published('fp16', 'webgpu'))
    expect(blocks[38]?.fc2.matrix).toMatchObject({
      inputs: 6144,
      outputs: 1408,
      format: { dense: 'float16' },
    })
  })
})

describe('kernels of our own are not for', () => {
  const refused = (change: Partial<Given>): (() => EncoderPlaces) => {
    return () => placesOf({ ...given, ...change })
  }

  it('norms that differ, or that nothing is known of', () => {
    const epsilons = new Map(given.nodes.epsilons)
    const [name = ''] = [...epsilons.keys()].filter((one) => one.includes('layers.7.layer_norm2'))
    expect(name).not.toBe('')
    expect(refused({ nodes: { ...given.nodes, epsilons: epsilons.set(name, 1e-5) } })).toThrow(NotForKernels)
    expect(refused({ nodes: { ...given.nodes, epsilons: new Map() } })).toThrow(NotForKernels)
  })

  it('another activation', () => {
    const operators = new Set([...given.nodes.operators].filter((name) => name !== 'Gelu'))
    expect(refused({ nodes: { ...given.nodes, operators } })).toThrow(NotForKernels)
  })

  it('weights that are missing, or of another shape', () => {
    const tensors = new Map(given.tensors)
    tensors.delete('vision_model.post_layernorm.bias')
    expect(refused({ tensors })).toThrow(NotForKernels)
    expect(refused({ shape: { ...given.shape, tokens: 677 } })).toThrow(NotForKernels)
  })

  it('heads of a size that is no multiple of four, and devices with too little', () => {
    const layout = (shape: Partial<VisionShape>, limits: Partial<EncoderLimits>) => (): EncoderLayout =>
      new EncoderLayout(placesOf(given), { ...given.shape, ...shape }, { ...LIMITS, ...limits })
    expect(layout({ heads: 64 }, {})).toThrow(NotForKernels)
    expect(layout({}, { maxComputeWorkgroupStorageSize: 4096 })).toThrow(NotForKernels)
    expect(layout({}, { maxStorageBufferBindingSize: 2 ** 20 })).toThrow(NotForKernels)
    expect(layout({}, { maxComputeWorkgroupStorageSize: 16_384 })).not.toThrow()
  })
})
