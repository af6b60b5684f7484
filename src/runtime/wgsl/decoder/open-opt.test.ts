import { afterEach, expect, it, vi } from 'vitest'
import { bytesOfFile } from '../../../pack/bytes.ts'
import { asFamily } from '../../../pack/manifest.ts'
import { syntheticPack } from '../../../synthetic/pack.ts'
import type { Runtime } from '../../ort/runtime.ts'
import { TILE_ROWS, tileRowsFor } from './layout.ts'
import { openOptDecoder, planOptDecoder, type OwnDecoder } from './open-opt.ts'

afterEach(() => vi.unstubAllGlobals())

const pack = syntheticPack({ size: 'tiny', precision: 'q4', seed: 1 })
const part = asFamily(pack.manifest, 'blip2-opt').parts.decoder
const bytes = pack.manifest.files.find(({ path }) => path === part.weights)?.bytes ?? 0
const graph = await bytesOfFile(await pack.file(part.graphs.webgpu ?? ''))

/** Opens a decoder on a device that compiles no code that is `refused`. */
async function open(refused: (code: string) => boolean): Promise<OwnDecoder> {
  vi.stubGlobal('navigator', { gpu: { wgslLanguageFeatures: new Set() } })
  vi.stubGlobal('GPUBufferUsage', { STORAGE: 1, COPY_SRC: 2, COPY_DST: 4, UNIFORM: 8 })
  vi.stubGlobal('GPUShaderStage', { COMPUTE: 4 })
  const createBuffer = (): object => ({ destroy: () => undefined })
  vi.stubGlobal('GPUDevice', { prototype: { createBuffer } })
  const limits = new Proxy({}, { get: () => 2 ** 30 })
  const device = {
    limits,
    queue: { writeBuffer: () => undefined, onSubmittedWorkDone: () => Promise.resolve() },
    createBindGroupLayout: () => ({}),
    createBindGroup: () => ({}),
    createPipelineLayout: () => ({}),
    createShaderModule: ({ code }: { code: string }) => code,
    createComputePipelineAsync: ({ compute: { module } }: { compute: { module: string } }) =>
      refused(module) ? Promise.reject(new Error('Refused.')) : Promise.resolve({}),
  } as unknown as GPUDevice
  const options = {
    graph,
    weights: { path: part.weights, data: new Uint8Array(bytes) },
    part,
    cacheType: 'float32' as const,
    context: part.shape.positions,
  }
  const runtime = { compute: { device } } as unknown as Runtime
  return openOptDecoder(runtime, options, planOptDecoder(device, options))
}

it.each(TILE_ROWS)('finds out while opening that tiles of %d rows do not compile here', async (rows) => {
  const ofTile = (code: string): boolean => code.includes(`let firstRow = workgroup.y * ${rows}u;`)
  await expect(open(ofTile)).rejects.toMatchObject({ name: 'KernelsFailed', how: 'invalid' })
})

it('opens where everything compiles', async () => {
  await expect(open(() => false)).resolves.toHaveProperty('runs')
})

it('takes the smallest tiles that have all rows, else the largest', () => {
  expect([1, 8, 9, 16, 17, 32, 33, 256].map(tileRowsFor)).toEqual([8, 8, 16, 16, 32, 32, 32, 32])
})
