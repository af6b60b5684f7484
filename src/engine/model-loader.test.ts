import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest'
import type { KernelFailure } from '../pack/device-report.ts'
import { AppError } from '../pack/failure.ts'
import type { LaterCheck, PackReader } from '../pack/manifest.ts'
import type { EngineCalls, LoadProgress } from '../protocol/engine-calls.ts'
import type { Compute } from '../runtime/device/compute.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import { Look } from '../runtime/models/look.ts'
import { opt } from '../runtime/models/opt.ts'
import { liveTensorCount } from '../runtime/ort/tensor.ts'
import { syntheticPack } from '../synthetic/pack.ts'
import { computeOn, MemoryDevice } from '../../testing/gpu/memory-device.ts'
import { madeOnce } from '../../testing/made-once.ts'
import { ModelLoader, type LoadedParts, type LoaderParts } from './model-loader.ts'

const SYNTHETIC = madeOnce(syntheticPack({ size: 'tiny', precision: 'q4', seed: 1 }))
const never = new AbortController().signal
const unheard = (): void => undefined

/** A device that can go away. */
class MortalDevice extends MemoryDevice {
  asked = 0
  destroyed = false
  protected die = unheard
  override readonly limits = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 28 }
  override readonly lost = new Promise<{ message: string }>((resolve) => {
    this.die = () => resolve({ message: '' })
  })

  destroy(): void {
    this.destroyed = true
    this.die()
  }
}

/** It does when it is asked for memory, and never says what came of it. */
class DyingDevice extends MortalDevice {
  override createBuffer(descriptor: { size: number }): ReturnType<MemoryDevice['createBuffer']> {
    this.asked += 1
    this.die()
    return super.createBuffer(descriptor)
  }

  override popErrorScope(): Promise<never> {
    return new Promise(() => undefined)
  }
}

const onProcessor = (): Promise<Compute> => openCompute('wasm')

function loaderOf(parts: Partial<LoaderParts> = {}): ModelLoader {
  return new ModelLoader({
    openPack: () => Promise.resolve(SYNTHETIC),
    openCompute: onProcessor,
    ...parts,
  })
}

/** Its devices, in the order in which they were opened. */
function loaderOn<D extends MortalDevice>(
  device: () => D,
  parts: Partial<LoaderParts> = {},
): { loader: ModelLoader; devices: D[] } {
  const devices: D[] = []
  const loader = loaderOf({
    openCompute: () => {
      const next = device()
      devices.push(next)
      if (devices.length > 3) throw new Error('It is loaded again and again.')
      return Promise.resolve({ ...computeOn(next), software: false })
    },
    ...parts,
  })
  return { loader, devices }
}

const INPUT: EngineCalls['load']['in'] = { pack: { kind: 'web', url: '' }, prefer: 'wasm', memory: 'auto' }

async function expectToLoad(loader: ModelLoader): Promise<LoadedParts> {
  const loaded = await loader.load(INPUT, { report: unheard, signal: never })
  expect(loaded.model.manifest.name).toBe('synthetic tiny')
  await loaded.model.dispose()
  return loaded
}

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
  expect(liveTensorCount()).toBe(0)
})

describe('a load tells', () => {
  const weightBytes = SYNTHETIC.manifest.files
    .filter(({ path }) => !path.endsWith('.onnx'))
    .reduce((sum, { bytes }) => sum + bytes, 0)

  it('of bytes as they arrive, and never of more than there will be, then of each part', async () => {
    const told: LoadProgress[] = []
    const loader = loaderOf({
      openPack: (_, { onBytes }) => {
        onBytes(10)
        onBytes(5)
        return Promise.resolve({
          ...SYNTHETIC,
          file: (path, signal) => {
            onBytes(1)
            return SYNTHETIC.file(path, signal)
          },
        })
      },
    })
    const report = (event: LoadProgress): number => told.push(event)
    const { model } = await loader.load({ ...INPUT, warmUp: true }, { report, signal: never })
    await model.dispose()
    const fetching = told.filter((event) => event.stage === 'fetching')
    expect(fetching.slice(0, 4)).toEqual([
      { stage: 'fetching', doneBytes: 10, totalBytes: 10 },
      { stage: 'fetching', doneBytes: 15, totalBytes: 15 },
      { stage: 'fetching', doneBytes: 15, totalBytes: weightBytes },
      { stage: 'fetching', doneBytes: 16, totalBytes: weightBytes },
    ])
    expect(told.filter((event) => event.stage === 'preparing')).toEqual(
      (['vision', 'q-former', 'decoder'] as const).map((graph, done) => ({
        ...{ stage: 'preparing', graph, done, total: 3 },
      })),
    )
    expect(told.at(-1)).toEqual({ stage: 'warming-up' })
  })

  it('once more what is prepared, when all has arrived that was read ahead meanwhile', async () => {
    const told: LoadProgress[] = []
    const loader = loaderOf({
      openPack: (_, { onBytes }) =>
        Promise.resolve({
          ...SYNTHETIC,
          file: (path, signal) => {
            // All of the rest with the last part's, which are asked for while the one before is prepared.
            if (path === 'decoder.weights') for (const bytes of [1, weightBytes]) onBytes(bytes)
            return SYNTHETIC.file(path, signal)
          },
        }),
    })
    const report = (event: LoadProgress): number => told.push(event)
    await (await loader.load(INPUT, { report, signal: never })).model.dispose()
    const stages = told.map((event) => (event.stage === 'preparing' ? event.graph : event.stage))
    expect(stages.indexOf('q-former')).toBeLessThan(stages.lastIndexOf('fetching'))
    expect(stages.slice(stages.lastIndexOf('fetching') + 1)).toEqual(['q-former', 'decoder'])
  })

  it('the device which pack it is for, and who asked for which', async () => {
    const open = vi.fn(onProcessor)
    const loaded = await expectToLoad(loaderOf({ openCompute: open }))
    expect(open.mock.calls).toEqual([['wasm', SYNTHETIC.manifest]])
    expect(loaded.compute.provider).toBe('wasm')
    expect(loaded.loadMs).toBeGreaterThan(0)
    expect(loaded.later).toBeUndefined()
  })
})

describe('a load that fails or is cancelled', () => {
  it('asks for no device where there is no pack, and says what the pack says', async () => {
    const open = vi.fn(onProcessor)
    const openPack = (): Promise<PackReader> => Promise.reject(new AppError('network', 'No connection.'))
    const loading = loaderOf({ openPack, openCompute: open }).load(INPUT, { report: unheard, signal: never })
    await expect(loading).rejects.toMatchObject({ code: 'network' })
    expect(open).not.toHaveBeenCalled()
  })

  it('lets go of the device, and looks for no bad weights', async () => {
    const stop = new AbortController()
    const next = vi.fn(() => Promise.resolve('mended' as const))
    const { loader, devices } = loaderOn(() => new MortalDevice(), {
      openPack: (_, { signal }) => {
        expect(signal).toBe(stop.signal)
        stop.abort()
        return Promise.resolve({ ...SYNTHETIC, later: { next } })
      },
    })
    const loading = loader.load(INPUT, { report: unheard, signal: stop.signal })
    await expect(loading).rejects.toMatchObject({ code: 'cancelled' })
    expect(devices.map(({ destroyed }) => destroyed)).toEqual([true])
    expect(next).not.toHaveBeenCalled()
  })
})

it('Two loads at once on one loader tell each its own bytes, and what one leaves out the other does not', async () => {
  const open = vi.spyOn(opt, 'open').mockImplementationOnce(({ trial }) => {
    trial.onTrial?.({ decoder: 'lost' })
    return Promise.reject(new AppError('device-lost', 'Gone.'))
  })
  const loader = loaderOf({
    openPack: ({ kind }, { onBytes }) => {
      onBytes(kind === 'web' ? 1 : 2)
      return Promise.resolve(SYNTHETIC)
    },
  })
  const firstBytes = async (pack: typeof INPUT.pack): Promise<unknown> => {
    const told: LoadProgress[] = []
    const { model } = await loader.load(
      { ...INPUT, pack },
      { report: (event) => told.push(event), signal: never },
    )
    await model.dispose()
    return told[0]
  }
  const both = await Promise.all([firstBytes(INPUT.pack), firstBytes({ kind: 'kept', id: '' })])
  expect(both).toMatchObject([{ doneBytes: 1 }, { doneBytes: 2 }])
  const without = open.mock.calls.map(([{ trial }]) => trial.without)
  expect(without.filter((left) => left === undefined)).toHaveLength(2)
  expect(without.filter((left) => left !== undefined)).toEqual([{ decoder: 'lost' }])
})

describe('when the device goes away while loading', () => {
  let loader: ModelLoader
  beforeEach(() => {
    loader = loaderOf()
  })

  /** Once, with this said of what our kernels have to do with it. */
  const loseOnce = (...said: (KernelFailure | null)[]): MockInstance<typeof opt.open> =>
    vi.spyOn(opt, 'open').mockImplementationOnce(({ trial }) => {
      for (const how of said) trial.onTrial?.(how && { decoder: how })
      return Promise.reject(new AppError('device-lost', 'Gone.'))
    })

  it.each(['lost', 'stuck'] as const)(
    'loads again without kernels of our own where those were tried (%s)',
    async (how) => {
      const open = loseOnce(how)
      await expectToLoad(loader)
      expect(open.mock.calls.map(([{ trial }]) => trial.without)).toEqual([undefined, { decoder: how }])
    },
  )

  it('leaves kernels out of each part under whose the device went away', async () => {
    const open = vi.spyOn(opt, 'open')
    for (const lost of [{ vision: 'lost' }, { decoder: 'lost' }] as const)
      open.mockImplementationOnce(({ trial }) => {
        trial.onTrial?.(lost)
        return Promise.reject(new AppError('device-lost', 'Gone.'))
      })
    await expectToLoad(loader)
    expect(open.mock.calls.map(([{ trial }]) => trial.without)).toEqual([
      undefined,
      { vision: 'lost' },
      { vision: 'lost', decoder: 'lost' },
    ])
  })

  it('says so where they were not, or no longer', async () => {
    loseOnce('lost', null)
    await expect(loader.load(INPUT, { report: unheard, signal: never })).rejects.toMatchObject({
      code: 'device-lost',
    })
  })

  it('says so where nobody wants the model any more', async () => {
    const stop = new AbortController()
    const open = vi.spyOn(opt, 'open').mockImplementation(({ trial }) => {
      trial.onTrial?.({ decoder: 'lost' })
      stop.abort()
      return Promise.reject(new AppError('device-lost', 'Gone.'))
    })
    const loading = loader.load(INPUT, { report: unheard, signal: stop.signal })
    await expect(loading).rejects.toMatchObject({ code: 'device-lost' })
    expect(open).toHaveBeenCalledTimes(1)
  })

  it('loads again without asking for memory that nobody tells of where it was asked, now and later', async () => {
    // Little enough that the longest conversation is more than what is told of has room for.
    vi.stubGlobal('navigator', { deviceMemory: 2 ** -20 })
    const { loader: other, devices } = loaderOn(() => new DyingDevice())
    const open = vi.spyOn(Look, 'open').mockRejectedValue(new AppError('bad-pack', 'Far enough.'))
    for (const loads of [1, 2]) {
      const loading = other.load({ ...INPUT, memory: 'plenty' }, { report: unheard, signal: never })
      await expect(loading).rejects.toMatchObject({ code: 'bad-pack' })
      expect(open).toHaveBeenCalledTimes(loads)
      expect(devices.map(({ asked }) => asked)).toEqual([1, 0, 0].slice(0, loads + 1))
      expect(devices.every(({ destroyed }) => destroyed)).toBe(true)
    }
  })
})

describe('weights that cannot be read', () => {
  const found = (...all: ('good' | 'mended')[]): LaterCheck => ({
    next: () => Promise.resolve(all.shift() ?? 'done'),
  })

  /** So many reads of its files fail. */
  const failing = (failures: number, later: LaterCheck): PackReader => ({
    ...SYNTHETIC,
    later,
    file: (path, signal) => {
      failures -= 1
      return failures < 0 ? SYNTHETIC.file(path, signal) : Promise.reject(new Error('NotReadableError'))
    },
  })

  it('are mended and read again', async () => {
    const pack = failing(1, found('good', 'mended'))
    const { later } = await expectToLoad(loaderOf({ openPack: () => Promise.resolve(pack) }))
    expect(later).toBe(pack.later)
  })

  it.each<[string, PackReader]>([
    ['are not read again where none was bad', failing(1, found('good'))],
    ['are mended once, and then it is said', failing(Infinity, found('mended'))],
  ])('%s', async (_, pack) => {
    const loading = loaderOf({ openPack: () => Promise.resolve(pack) }).load(INPUT, {
      report: unheard,
      signal: never,
    })
    await expect(loading).rejects.toThrow('NotReadableError')
  })
})
