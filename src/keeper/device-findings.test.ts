import { afterEach, describe, expect, it, vi } from 'vitest'
import { CARD, processor, sentenceOf } from '../../testing/devices.ts'
import { goodManifest } from '../../testing/manifests/manifests.ts'
import { packInMemory, type CheckpointName } from '../../testing/parity/reference.ts'
import { folderTree } from '../cli/files.ts'
import { convertCheckpoint } from '../convert/convert.ts'
import { inspectCheckpoint } from '../convert/inspect.ts'
import { sinkInMemory } from '../pack/bytes.ts'
import { memoryOf, type DeviceMemory } from '../pack/device-memory.ts'
import type { ContextReason, MemoryChoice } from '../pack/device-report.ts'
import type { PackReader } from '../pack/manifest.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import { contextFinding } from '../protocol/keeper-calls.ts'
import { openTalkingModel } from '../runtime/models/models.ts'
import { readDevice } from './browser-device.ts'
import { deviceFindings, spaceFindings, type Candidate, type DeviceFacts } from './device-findings.ts'

const GIB = 2 ** 30

/** A pack of the size of a published one: only its weights files count. */
function candidate(bytes: number, change: Partial<Candidate> = {}): Candidate {
  const pack = { ...goodManifest(), files: [{ path: 'decoder.weights', bytes }] }
  return { pack, largestTensorBytes: 1e8, ...change }
}

function against(device: DeviceFacts, model: Candidate): string[] {
  const findings = [...deviceFindings(device, model, 'auto')]
  return findings.filter(({ ok }) => !ok).map(sentenceOf)
}

describe('what is said about the device', () => {
  it('speaks for one that has everything', () => {
    expect(against(CARD, candidate(2.1e9))).toEqual([])
    expect(spaceFindings(1e10, 2e9)).toEqual([{ ok: true, key: 'room', values: { free: 1e10 } }])
  })

  it.each<[string, string[], RegExp]>([
    [
      'a part that no buffer holds',
      against(CARD, candidate(2e9, { largestTensorBytes: 3e9 })),
      /3 GB, and the graphics card takes 2 GB/,
    ],
    [
      'too much for WebAssembly',
      against(processor({ gib: 32 }), candidate(4e9)),
      /4 GB; WebAssembly holds 3\.8 GB/,
    ],
    [
      'too much for half of the memory, on the processor, too',
      against(processor({ gib: 4 }), candidate(3e9)),
      /half of the 4 GiB of memory that the browser tells of is for the model, 2\.1 GB, which may be too little/,
    ],
    [
      'too much for half of what is assumed',
      against({ ...CARD, memory: { ...CARD.memory, told: false } }, candidate(4.4e9)),
      /half of the 8 GiB of memory assumed where a browser does not tell/,
    ],
    ['little room', spaceFindings(1e9, 2e9).map(sentenceOf), /1 GB more, but 2 GB are needed/],
  ])('speaks against %s', (_, sentences, pattern) => {
    expect(sentences).toEqual([expect.stringMatching(pattern)])
  })

  it('does not speak against what is only slow, or not told', () => {
    expect(against(processor({ gib: 8 }), candidate(2.1e9))).toEqual([])
    expect(against({ ...CARD, f16: false }, candidate(2.1e9))).toEqual([])
    expect(spaceFindings(null, 2e9)).toEqual([])
  })

  it('has no tick for bad news, and names software as such', () => {
    const unticked = (device: DeviceFacts, model = candidate(2.1e9)): string[] =>
      deviceFindings(device, model, 'auto').flatMap((found) =>
        found.mixed === true ? [sentenceOf(found)] : [],
      )
    const half = candidate(2.1e9)
    half.pack.precision = 'q4f16'
    expect(unticked(CARD, half)).toEqual([])
    expect(unticked({ ...CARD, f16: false }, half)).toEqual([expect.stringContaining('lacks half precision')])
    expect(unticked(processor({ gib: 8 }))).toEqual([expect.stringContaining('which is slow')])
    const software = { ...CARD, adapter: 'llvmpipe', memory: { ...CARD.memory, software: true } }
    expect(unticked(software)).toEqual([expect.stringMatching(/computed by the processor here \(llvmpipe\)/)])
    const said = deviceFindings(software, half, 'auto').map(sentenceOf)
    expect(said.filter((sentence) => sentence.includes('The graphics card'))).toEqual([])
    expect(unticked({ ...CARD, memory: { ...CARD.memory, gib: 4 } })).toEqual([
      expect.stringContaining('put away between pictures'),
    ])
  })

  it('has no tick for how a model that may not fit would be arranged', () => {
    const ticked = (model: Candidate): string[] =>
      deviceFindings(processor({ gib: 32 }), model, 'auto').flatMap((found) =>
        found.ok && found.mixed !== true ? [sentenceOf(found)] : [],
      )
    expect(ticked(candidate(2e9))).toContain('Everything stays loaded.')
    expect(ticked(candidate(15e9))).toEqual([])
  })

  it('tells of a longer conversation only as of what will be tried', () => {
    const { decoder } = goodManifest().parts
    const shape = { ...decoder.shape, layers: 32, heads: 32, cacheHeadSize: 80, positions: 2048 }
    const parts = { ...goodManifest().parts, decoder: { ...decoder, shape } }
    const long = {
      ...candidate(2.1e9),
      pack: { ...candidate(2.1e9).pack, family: 'blip2-opt', parts },
    } as const
    const contextOf = (device: DeviceFacts, choice: MemoryChoice): string | undefined =>
      deviceFindings(device, long, choice).map(sentenceOf).at(-1)
    const full = { ...CARD, f16: false }
    expect(contextOf(full, 'auto')).toMatch(/1,024 positions, .*, and 2,048 where .* tried when the model is/)
    expect(contextOf(full, 'spare')).toMatch(/1,024 of 2,048 positions, .* half of the memory/)
    expect(contextOf(CARD, 'auto')).toMatch(/2,048 positions, picture included: all that the model can/)
  })

  it('counts 16-bit weights twice where they are computed in 32', () => {
    const sixteen = candidate(3e9)
    sixteen.pack.precision = 'fp16'
    expect(against(CARD, sixteen)).toEqual([])
    expect(against({ ...CARD, f16: false }, sixteen)).toEqual([expect.stringMatching(/weights take 6 GB/)])
  })

  it('estimates the largest part from the embedding where nobody has counted', () => {
    const { vocabulary, hiddenSize } = goodManifest().parts.decoder.shape
    const bytes = vocabulary * hiddenSize
    const tight = { ...CARD, memory: { ...CARD.memory, bufferBytes: 2 * bytes - 1 } }
    const about = (precision: 'q4' | 'fp16'): string[] => {
      const model = candidate(1e6, { largestTensorBytes: null })
      model.pack.precision = precision
      return against(tight, model)
    }
    expect(about('q4')).toEqual([])
    expect(about('fp16')).toHaveLength(1)
  })
})

async function converted(name: CheckpointName): Promise<PackReader> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  const tree = folderTree(`models/reference/${name}`)
  await convertCheckpoint(tree, sinkInMemory(files), { name, precision: 'q8' })
  return packInMemory(files)
}

describe('an offer and the load that follows it', () => {
  /** Memory in GiB: the caches of these small models must be what is short. */
  it.each<[CheckpointName, number, MemoryChoice, ContextReason, boolean]>([
    ['untied', 8, 'auto', 'model', true],
    ['untied', 0.0004, 'auto', 'model', false],
    ['untied', 8, 'spare', 'model', true],
    ['t5-untied', 8, 'auto', 'model', true],
    ['t5-untied', 0.004, 'auto', 'memory', true],
  ])('say the same of %s with %s GiB', async (name, gib, choice, why, fits) => {
    const device = processor({ gib })
    const report = await inspectCheckpoint(folderTree(`models/reference/${name}`), 'q8')
    const findings = deviceFindings(device, report, choice)
    expect(findings.every(({ ok }) => ok)).toBe(fits)
    const pack = await converted(name)
    const found = deviceFindings(device, { pack: pack.manifest, largestTensorBytes: null }, choice)
    expect(found).toEqual(findings)
    const compute = await openCompute('wasm')
    const model = await openTalkingModel(pack, compute, { device: device.memory, memory: choice })
    try {
      expect(model.talk.context.why).toBe(why)
      expect(findings).toContainEqual(
        expect.objectContaining({ key: model.memory.keepsAll ? 'staysLoaded' : 'putAway' }),
      )
      expect(findings).toContainEqual(expect.objectContaining(contextFinding(model.talk.context)))
    } finally {
      await model.dispose()
    }
  })
})

describe('the device that an offer is about', () => {
  afterEach(() => vi.unstubAllGlobals())

  const limits = { maxBufferSize: 2 * GIB, maxStorageBufferBindingSize: GIB }
  const adapterCalled = (description: string, features: string[]): unknown => ({
    limits,
    features: new Set(features),
    info: { vendor: '', architecture: '', description },
    requestDevice: () => Promise.resolve({ limits, destroy: () => undefined }),
  })

  it.each<[string, object, 'wasm' | null, Partial<DeviceMemory>]>([
    ['a graphics card', { gpu: adapterCalled('card', ['shader-f16']), deviceMemory: 4 }, null, { gib: 4 }],
    ['a software rasteriser', { gpu: adapterCalled('SwiftShader', []) }, null, { software: true, gib: 8 }],
    ['a telephone', { gpu: adapterCalled('phone', []), userAgent: 'Android Mobile' }, null, { gib: 4 }],
    ['the processor, by choice', { gpu: adapterCalled('card', []) }, 'wasm', { bufferBytes: null }],
    ['the processor, for want of an adapter', { gpu: null }, null, { bufferBytes: null }],
  ])(
    'is the one that a model is loaded on: %s',
    async (_, { gpu, ...hints }: { gpu?: unknown }, prefer, has) => {
      vi.stubGlobal('navigator', { ...hints, gpu: { requestAdapter: () => Promise.resolve(gpu) } })
      const { memory, provider, f16 } = await readDevice(prefer)
      expect(memory).toMatchObject(has)
      const compute = await openCompute(prefer)
      expect({ provider, f16 }).toEqual({ provider: compute.provider, f16: compute.f16 })
      expect(memory).toEqual(memoryOf(compute.device, compute))
    },
  )
})
