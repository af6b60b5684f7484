import { afterEach, expect, it, vi } from 'vitest'
import { bytesOfFile } from '../../../pack/bytes.ts'
import { decoderWorkBytes, encoderWorkBytes } from '../../../pack/kernel-memory.ts'
import { asFamily } from '../../../pack/manifest.ts'
import { needsOf } from '../../../pack/model-needs.ts'
import type { Size } from '../../../synthetic/dimensions.ts'
import { syntheticPack } from '../../../synthetic/pack.ts'
import type { Runtime } from '../../ort/runtime.ts'
import { weightsOfGraph } from '../weights/graph-weights.ts'
import { NotForKernels } from '../weights/stored.ts'
import { TILE_ROWS, tileRowsFor } from './layout.ts'
import { makeActivations } from './opt-buffers.ts'
import { openOptDecoder, planOptDecoder, type OwnDecoder } from './open-opt.ts'

afterEach(() => vi.unstubAllGlobals())

const pack = syntheticPack({ size: 'tiny', precision: 'q4', seed: 1 })
const part = asFamily(pack.manifest, 'blip2-opt').parts.decoder
const bytes = pack.manifest.files.find(({ path }) => path === part.weights)?.bytes ?? 0
const graph = await bytesOfFile(await pack.file(part.graphs.webgpu ?? ''))

/** A device that compiles no code that is `refused`, and of some limits has this; of others plenty. */
function deviceWith(
  refused: (code: string) => boolean,
  limits: Partial<Record<keyof GPUSupportedLimits, number>> = {},
): GPUDevice {
  vi.stubGlobal('navigator', { gpu: { wgslLanguageFeatures: new Set() } })
  vi.stubGlobal('GPUBufferUsage', { STORAGE: 1, COPY_SRC: 2, COPY_DST: 4, UNIFORM: 8 })
  vi.stubGlobal('GPUShaderStage', { COMPUTE: 4 })
  const createBuffer = (): object => ({ destroy: () => undefined })
  vi.stubGlobal('GPUDevice', { prototype: { createBuffer } })
  return {
    limits: new Proxy(limits, { get: (some, name: keyof GPUSupportedLimits) => some[name] ?? 2 ** 30 }),
    features: new Set(),
    queue: { writeBuffer: () => undefined, onSubmittedWorkDone: () => Promise.resolve() },
    createBindGroupLayout: () => ({}),
    createBindGroup: () => ({}),
    createPipelineLayout: () => ({}),
    createShaderModule: ({ code }: { code: string }) => code,
    createComputePipelineAsync: ({ compute: { module } }: { compute: { module: string } }) =>
      refused(module) ? Promise.reject(new Error('Refused.')) : Promise.resolve({}),
  } as unknown as GPUDevice
}

const options = {
  tensors: weightsOfGraph(graph, part.weights),
  weights: { data: new Uint8Array(bytes) },
  part,
  cacheType: 'float32' as const,
  context: part.shape.positions,
}

/** Opens a decoder there. */
async function open(...of: Parameters<typeof deviceWith>): Promise<OwnDecoder> {
  const device = deviceWith(...of)
  const runtime = { compute: { device } } as unknown as Runtime
  return openOptDecoder(runtime, options, planOptDecoder(device, options))
}

/** All that is compiled of a model on a device with such limits. */
async function compiledWith(size: Size, threads: number, bytes: number): Promise<string[]> {
  const all: string[] = []
  const of = syntheticPack({ size, precision: 'q4', seed: 1 })
  const { decoder } = asFamily(of.manifest, 'blip2-opt').parts
  const device = deviceWith(
    (code) => {
      all.push(code)
      return false
    },
    { maxComputeInvocationsPerWorkgroup: threads, maxComputeWorkgroupStorageSize: bytes },
  )
  const { kernels } = planOptDecoder(device, {
    ...options,
    tensors: weightsOfGraph(await bytesOfFile(await of.file(decoder.graphs.webgpu ?? '')), decoder.weights),
    weights: { data: new Uint8Array() },
    part: decoder,
    context: decoder.shape.positions,
  })
  await kernels.compile('memory')
  return all
}

const WORKGROUP_SIZE = /@workgroup_size\((\d+)\)/

/** Bytes of all variables of a workgroup. */
function workgroupBytesOf(code: string): number {
  const sizes: Record<string, number> = { f32: 4, u32: 4, vec4f: 16 }
  return [...code.matchAll(/var<workgroup> \w+: array<(\w+), (\d+)>/g)].reduce(
    (sum, [, type = '', count]) => sum + (sizes[type] ?? NaN) * Number(count),
    0,
  )
}

it.each<[Size, number, number, number]>([
  // Products that normalise: queries with keys and values, the first of the feed-forward, the head.
  ['2-layers', 256, 2 ** 14, 3],
  ['2-layers', 128, 2 ** 14, 3],
  ['2-layers', 256, 12 * 2 ** 10, 3],
  ['opt-6.7b-2-layers', 1024, 2 ** 15, 3],
  ['opt-6.7b-2-layers', 256, 2 ** 14, 0],
])(
  'keeps %s to workgroups of %i threads and %i bytes, in which %i products normalise by themselves',
  async (size, threads, bytes, normalising) => {
    const codes = await compiledWith(size, threads, bytes)
    for (const code of codes) {
      expect(Number(WORKGROUP_SIZE.exec(code)?.[1])).toBeLessThanOrEqual(threads)
      expect(workgroupBytesOf(code)).toBeLessThanOrEqual(bytes)
    }
    expect(codes.filter((code) => code.includes('var<workgroup> normed'))).toHaveLength(normalising)
    expect(codes.some((code) => workgroupBytesOf(code) > bytes / 2)).toBe(true)
  },
)

it('compiles tiles once for each number of rows and each format, whatever the matrices', async () => {
  const tiles = (await compiledWith('2-layers', 256, 2 ** 14)).filter((code) => code.includes('let rowQuad'))
  // Layers of 4 bits, a head of 8.
  const bits = tiles.map((code) => (code.includes('fn high(') ? 4 : 8))
  expect(bits.sort()).toEqual([4, 4, 4, 8, 8, 8])
  expect(new Set(tiles).size).toBe(2 * TILE_ROWS.length)
})

it('leaves a device alone whose workgroups are too small for any of it', async () => {
  await expect(compiledWith('2-layers', 64, 2 ** 14)).rejects.toThrow(NotForKernels)
  // Attention would fit, tiles of 32 rows do not.
  await expect(compiledWith('2-layers', 256, 11_776)).rejects.toThrow(NotForKernels)
})

it.each(TILE_ROWS)('finds out while opening that tiles of %d rows do not compile here', async (rows) => {
  const ofTile = (code: string): boolean => code.includes(`let firstRow = workgroup.y * ${rows}u;`)
  await expect(open(ofTile)).rejects.toMatchObject({ name: 'KernelsFailed', how: 'invalid' })
})

it('opens where everything compiles', async () => {
  await expect(open(() => false)).resolves.toHaveProperty('runs')
})

/** What a decoder of this size makes of buffers besides weights and caches, and what comes back through. */
async function workBytesOf(size: Size): Promise<[made: number, budgeted: number]> {
  const of = syntheticPack({ size, precision: 'q4', seed: 1 })
  const { decoder } = asFamily(of.manifest, 'blip2-opt').parts
  const { shape } = decoder
  const device = deviceWith(() => false)
  const { kernels } = planOptDecoder(device, {
    ...options,
    tensors: weightsOfGraph(await bytesOfFile(await of.file(decoder.graphs.webgpu ?? '')), decoder.weights),
    part: decoder,
    context: shape.positions,
  })
  let bytes = 0
  const buffer = (size: number): GPUBuffer => {
    bytes += size
    return { size } as GPUBuffer
  }
  const uniform = ({ byteLength }: Uint32Array): GPUBuffer => buffer(byteLength)
  const { logits, topFound } = makeActivations({ buffer, uniform }, kernels, shape, shape.positions)
  return [bytes + logits.size + topFound.size, decoderWorkBytes(shape)]
}

it.each<Size>(['tiny', 'mini', '2-layers', 'opt-6.7b-2-layers'])(
  'takes of memory what its budget counts, and little less (%s)',
  async (size) => {
    const [made, budgeted] = await workBytesOf(size)
    if (size === '2-layers') expect(made / 1e6).toBeCloseTo(46, 0)
    expect(budgeted).toBeGreaterThanOrEqual(made)
    if (made > 20e6) expect(budgeted / made).toBeLessThan(1.2)
  },
)

it('is counted in what the model needs of a graphics card, beside what looks, and not of a processor', () => {
  const { vision, decoder } = asFamily(pack.manifest, 'blip2-opt').parts
  const workBytes = encoderWorkBytes(vision.shape) + decoderWorkBytes(decoder.shape)
  expect(needsOf(pack.manifest, { provider: 'webgpu', f16: false }).workBytes).toBe(workBytes)
  expect(needsOf(pack.manifest, { provider: 'wasm', f16: false }).workBytes).toBe(0)
})

it('takes the smallest tiles that have all rows, else the largest', () => {
  expect([1, 8, 9, 16, 17, 32, 33, 256].map(tileRowsFor)).toEqual([8, 8, 16, 16, 32, 32, 32, 32])
})
