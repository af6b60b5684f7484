import { beforeEach, expect, it, vi } from 'vitest'
import { openPackFolder } from '../cli/files.ts'
import type { DeviceSpeed } from '../pack/caption-work.ts'
import type { Provider } from '../pack/device-report.ts'
import type { PackManifest } from '../pack/manifest.ts'
import type { Compute } from '../runtime/device/compute.ts'
import type { MeasuringLocks } from '../runtime/device/measured-alone.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import { tableInMemory } from '../store/table.ts'
import { chooseCompute, probeDevices, Speeds, type ChooseParts } from './choose-compute.ts'

const FAST: DeviceSpeed = { flops: 1e13, bytesPerSecond: 1e12, launchMs: 0.01 }
const PROCESSOR: DeviceSpeed = { flops: 1e10, bytesPerSecond: 1e10, launchMs: 0.01 }
/** As lavapipe: every launch takes its time. */
const SLOW: DeviceSpeed = { flops: 5e9, bytesPerSecond: 2e9, launchMs: 4 }

const { manifest } = await openPackFolder('public/models/drawn-scenes')
const destroy = vi.fn()
let kept: Map<string, DeviceSpeed>
let onGpu: DeviceSpeed
let software: boolean
let measured: Provider[]

beforeEach(() => {
  destroy.mockReset()
  kept = new Map()
  measured = []
  ;[onGpu, software] = [SLOW, true]
})

async function choose(
  prefer: Provider | null = null,
  pack: PackManifest = manifest,
  browser = 'one',
): Promise<Compute> {
  const processor = await openCompute('wasm')
  const gpu: Compute = {
    ...processor,
    provider: 'webgpu',
    // Nothing is computed on it.
    device: { destroy } as unknown as GPUDevice,
    adapter: 'llvmpipe',
    software,
    reason: null,
  }
  const parts: ChooseParts = {
    openCompute: (wanted) => Promise.resolve(wanted === 'wasm' ? processor : gpu),
    probeSpeed: ({ provider }) => {
      measured.push(provider)
      return Promise.resolve(provider === 'wasm' ? PROCESSOR : onGpu)
    },
    speeds: new Speeds(tableInMemory(kept), browser),
  }
  return chooseCompute(pack, prefer, parts)
}

it('takes the processor where a measured step says that it is faster, and says so', async () => {
  const compute = await choose()
  expect(compute.provider).toBe('wasm')
  expect(compute.reason).toMatchObject({ why: 'faster', adapter: 'llvmpipe', software: true })
  if (compute.reason?.why !== 'faster') throw new Error('The processor was taken for something else.')
  expect(compute.reason.gpuSeconds).toBeGreaterThan(1.5 * compute.reason.processorSeconds)
  expect(destroy).toHaveBeenCalledOnce()
})

it('takes a software renderer that is faster all the same, and a graphics card that is', async () => {
  onGpu = FAST
  for (software of [true, false]) expect((await choose()).provider).toBe('webgpu')
  expect(destroy).not.toHaveBeenCalled()
})

it('asks a graphics card too where the model is small, and no more where it is large', async () => {
  software = false
  expect((await choose()).provider).toBe('wasm')
  const large = { ...manifest, files: manifest.files.map((file) => ({ ...file, bytes: 100 * file.bytes })) }
  measured = []
  expect((await choose(null, large, 'other')).provider).toBe('webgpu')
  expect(measured).toEqual([])
})

it('leaves it to people who have chosen', async () => {
  expect((await choose('webgpu')).provider).toBe('webgpu')
  expect((await choose('wasm')).reason).toEqual({ why: 'chosen' })
  expect(measured).toEqual([])
})

it('measures once for each device and version of a browser', async () => {
  await choose()
  await choose()
  expect(measured).toEqual(['wasm', 'webgpu'])
  await choose(null, manifest, 'two')
  expect(measured).toHaveLength(4)
})

it('measures once no other tab does, and takes what that one measured', async () => {
  const processor = await openCompute('wasm')
  const table = tableInMemory(kept)
  let goOn = (): void => undefined
  const other = new Promise<void>((resolve) => (goOn = resolve))
  const locks: MeasuringLocks = { request: async (_name, _options, granted) => other.then(granted) }
  const probe = vi.fn(() => Promise.resolve(SLOW))
  const waiting = new Speeds(table, 'one', { locks }).of(processor, probe)
  expect(await new Speeds(table, 'one', { locks: null }).of(processor, () => Promise.resolve(FAST))).toEqual(
    FAST,
  )
  goOn()
  expect(await waiting).toEqual(FAST)
  expect(probe).not.toHaveBeenCalled()
})

it('measures both for an offer where the card is software, else what would be used', async () => {
  const processor = await openCompute('wasm')
  const parts: ChooseParts = {
    openCompute: (wanted) =>
      Promise.resolve(wanted === 'wasm' ? processor : { ...processor, provider: 'webgpu', software }),
    probeSpeed: () => Promise.resolve(FAST),
    speeds: new Speeds(tableInMemory(kept), ''),
  }
  const providers = async (prefer: Provider | null): Promise<Provider[]> =>
    (await probeDevices(prefer, parts)).map(({ provider }) => provider)
  expect(await providers(null)).toEqual(['webgpu', 'wasm'])
  expect(await providers('wasm')).toEqual(['wasm'])
  software = false
  expect(await providers(null)).toEqual(['webgpu'])
})

it('lets go of the graphics card where the processor cannot be opened', async () => {
  const processor = await openCompute('wasm')
  const device = { destroy } as unknown as GPUDevice
  const parts: ChooseParts = {
    openCompute: (wanted) =>
      wanted === 'wasm'
        ? Promise.reject(new Error('No.'))
        : Promise.resolve({ ...processor, provider: 'webgpu', device, software: true }),
    probeSpeed: () => Promise.resolve(FAST),
    speeds: new Speeds(tableInMemory(), ''),
  }
  await expect(probeDevices(null, parts)).rejects.toThrow('No.')
  expect(destroy).toHaveBeenCalledOnce()
  // One that a model is opened on is its caller's.
  destroy.mockReset()
  expect((await chooseCompute(manifest, null, parts)).provider).toBe('webgpu')
  expect(destroy).not.toHaveBeenCalled()
})

it('takes the graphics card where a probe fails', async () => {
  const processor = await openCompute('wasm')
  const compute = await chooseCompute(manifest, null, {
    openCompute: (wanted) =>
      Promise.resolve(wanted === 'wasm' ? processor : { ...processor, provider: 'webgpu', software: true }),
    probeSpeed: () => Promise.reject(new Error('No.')),
    speeds: new Speeds(tableInMemory(), ''),
  })
  expect(compute.provider).toBe('webgpu')
})
