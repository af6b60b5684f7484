import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AppError, toFailure } from '../../pack/failure.ts'
import type { KernelChoice, KernelFailure, OwnKernels } from '../../pack/device-report.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import { KernelsFailed } from '../wgsl/gpu/guard.ts'
import type { Encoder, OwnEncoder, OwnEncoderOptions } from '../wgsl/vision/open-encoder.ts'
import * as openEncoder from '../wgsl/vision/open-encoder.ts'
import type { Judgement, JudgementKey, PartsOpener, Without } from './open-parts.ts'
import { EncoderChoice } from './own-vision.ts'

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(openEncoder, 'planEncoder').mockReturnValue({} as openEncoder.EncoderPlan)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

const SHAPE = { imageSize: 4, patchSize: 2, hiddenSize: 2, layers: 1, heads: 1, tokens: 5 }

/** What ours does with its nth picture, from 0; and how its nth opening goes, and what the device complains of in it. */
interface Behaviour {
  ms?: number
  encode?: (nth: number) => Promise<void>
  features?: (nth: number) => number[]
  complaint?: (nth: number) => GPUErrorFilter | null
  opening?: (nth: number) => Promise<void>
}

const RIGHT = [1, 2, 3]

/** A device with a browser around it, on which a picture takes ONNX Runtime so long. */
class House {
  graphMs = 60
  software = false
  signal: AbortSignal | undefined
  /** Encoders that are open now, and the most at once. */
  open = 0
  most = 0
  readonly judged = new Map<string, Judgement>()
  readonly trials: (Without | null)[] = []
  destroyed = false
  readonly #scopes: { filter: string; error: object | null }[] = []
  readonly ours: Behaviour
  readonly #openings: OwnEncoderOptions[] = []

  constructor(ours: Behaviour = {}) {
    this.ours = ours
    vi.spyOn(openEncoder, 'openOwnEncoder').mockImplementation(async (_, options) => {
      const nth = this.#openings.push(options) - 1
      await ours.opening?.(nth)
      // Heard by who listens now, and by nobody else.
      const complaint = ours.complaint?.(nth)
      const scope = this.#scopes.find(({ filter }) => filter === complaint)
      if (scope !== undefined) scope.error = { message: 'No.' }
      return this.#encoder(ours.ms ?? 20, ours) as OwnEncoder
    })
  }

  get judgement(): Judgement | undefined {
    return [...this.judged.values()][0]
  }

  /** The device goes away under ours, which are in use. */
  lose(): void {
    this.#openings.at(-1)?.onLost?.()
  }

  choice(kernels: KernelChoice = 'auto', without?: Without): EncoderChoice {
    return new EncoderChoice(this.#parts({ kernels, without }))
  }

  #encoder(ms: number, { encode, features }: Behaviour): Encoder {
    this.open += 1
    this.most = Math.max(this.most, this.open)
    let pictures = 0
    return {
      encode: async () => {
        const nth = pictures
        pictures += 1
        vi.advanceTimersByTime(ms)
        await encode?.(nth)
        return tensorOf(features?.(nth) ?? RIGHT)
      },
      dispose: () => Promise.resolve(void (this.open -= 1)),
    }
  }

  /** As much of a model being opened as this part asks for. */
  #parts({ kernels, without }: { kernels: KernelChoice; without: Without | undefined }): PartsOpener {
    const device = {
      pushErrorScope: (filter: string) => void this.#scopes.push({ filter, error: null }),
      popErrorScope: () => Promise.resolve(this.#scopes.pop()?.error ?? null),
      destroy: () => (this.destroyed = true),
    }
    const runtime = {
      compute: {
        provider: 'webgpu',
        device,
        adapter: 'card',
        f16: false,
        software: this.software,
        subgroups: 'used',
      },
      attempt: (work: () => Promise<unknown>) => work(),
      finished: () => Promise.resolve(),
      tensor: () => tensorOf([]),
      repeat: () => Promise.resolve(tensorOf(RIGHT)),
      session: () => {
        const encoder = this.#encoder(this.graphMs, {})
        const run = async (): Promise<object> => ({
          image_features: await encoder.encode(new Float32Array()),
        })
        return Promise.resolve({ run, dispose: () => encoder.dispose() })
      },
    }
    const files = {
      graph: new Uint8Array(),
      tensors: new Map(),
      weights: { path: 'vision.bin', data: new Uint8Array() },
    }
    return {
      runtime,
      manifest: {
        files: [],
        parts: { vision: { shape: SHAPE, graphs: { webgpu: '' }, weights: 'vision.bin' } },
      },
      files: () => Promise.resolve(files),
      filesAgain: () => Promise.resolve(files),
      signal: this.signal,
      trial: {
        kernels,
        without,
        judgements: {
          recall: ({ subject }: JudgementKey) => Promise.resolve(this.judged.get(subject)),
          keep: ({ subject }: JudgementKey, judgement: Judgement) =>
            Promise.resolve(void this.judged.set(subject, judgement)),
        },
        onTrial: (ifLost: Without | null) => void this.trials.push(ifLost),
      },
    } as unknown as PartsOpener
  }
}

function tensorOf(values: number[]): DeviceTensor {
  return {
    dims: [],
    type: 'float32',
    read: () => Promise.resolve(Float32Array.from(values)),
    dispose: () => undefined,
  }
}

/** What a choice comes to, and whether a picture still comes out right. */
async function outcomeOf(choice: EncoderChoice): Promise<OwnKernels> {
  const encoder = await choice.open()
  const features = await encoder.encode(new Float32Array())
  expect([...(await features.read())]).toEqual(RIGHT)
  await encoder.dispose()
  return choice.ownKernels
}

it.each([
  ['auto', false, ['pictures under a lock', 'pictures under no lock']],
  ['always', true, ['pictures under no lock', 'pictures under no lock']],
] as const)(
  'times both while no other tab measures a card, and waits for nobody on a software adapter (%s)',
  async (kernels, software, expected) => {
    const told = new Set<string>()
    let held = false
    const request = async (_: string, __: object, granted: () => Promise<unknown>): Promise<unknown> => {
      held = true
      return granted().finally(() => (held = false))
    }
    vi.stubGlobal('navigator', { locks: { request } })
    const encode = (): Promise<void> =>
      Promise.resolve(void told.add(`pictures under ${held ? 'a' : 'no'} lock`))
    const house = new House({ ms: 20, encode })
    house.software = software
    for (const outcome of expected) {
      told.clear()
      await (await house.choice(kernels).open()).dispose()
      expect([...told]).toEqual([outcome])
    }
  },
)

it('uses kernels of our own where they are right and faster by half, and opens them again', async () => {
  const house = new House({ ms: 39 })
  const choice = house.choice()
  expect(await outcomeOf(choice)).toBe('used')
  expect(choice.times).toEqual({ own: 39, other: 60 })
  const ours = await choice.openAgain(undefined)
  expect(openEncoder.openOwnEncoder).toHaveBeenCalledTimes(2)
  await ours.dispose()
  // One behind the other, also of ONNX Runtime's: weights lie on the device once.
  expect([house.open, house.most]).toEqual([0, 1])
  expect(house.trials).toEqual([{ vision: 'lost' }, null])
})

describe('leaves it to ONNX Runtime, with nothing of ours left behind,', () => {
  const never = (): Promise<never> => new Promise(() => undefined)

  it.each<[string, Behaviour, OwnKernels]>([
    ['where features are otherwise', { features: () => [1, 2, 3.1] }, 'wrong'],
    ['where features are no numbers', { features: () => [1, NaN, 3] }, 'wrong'],
    [
      'where something of a picture is left for the next',
      { features: (nth) => (nth === 0 ? RIGHT : [1, 2, 3.1]) },
      'wrong',
    ],
    ['where they are not faster by half', { ms: 41 }, 'slower'],
    ['where they fail', { opening: () => Promise.reject(new KernelsFailed('compiling')) }, 'compiling'],
    ['where the device refuses them', { complaint: () => 'validation' }, 'invalid'],
    ['where there is no room', { complaint: () => 'out-of-memory' }, 'memory'],
  ])('%s', async (_, ours, why) => {
    const house = new House(ours)
    expect(await outcomeOf(house.choice())).toBe(why)
    expect([house.open, house.most]).toEqual([0, 1])
  })

  it('where a run does not come back, on a device that is given up', async () => {
    const house = new House({ encode: never })
    const opened = house.choice().open().catch(toFailure)
    await vi.advanceTimersByTimeAsync(200_000)
    expect(await opened).toMatchObject({ code: 'device-lost' })
    expect([house.destroyed, house.trials.at(-1)]).toEqual([true, { vision: 'stuck' }])
    // Loaded again, on a new device.
    expect(await outcomeOf(new House().choice('auto', { vision: 'stuck' }))).toBe('stuck')
  })

  it('where a picture takes many times as long as on ONNX Runtime, which is slow itself', async () => {
    const house = new House({ encode: never })
    house.graphMs = 6000
    const opened = house.choice().open().catch(toFailure)
    let settled = false
    void opened.then(() => (settled = true))
    await vi.advanceTimersByTimeAsync(29_000)
    expect(settled).toBe(false)
    await vi.advanceTimersByTimeAsync(2000)
    expect([settled, house.judgement?.failure]).toEqual([true, 'stuck'])
  })

  it('where the device went away in two tests', async () => {
    const gone = (): Promise<never> => Promise.reject(new AppError('device-lost', 'Gone.'))
    const house = new House({ encode: gone })
    for (const unfinished of [1, 2]) {
      await expect(house.choice().open()).rejects.toMatchObject({ code: 'device-lost' })
      expect(house.judgement?.unfinished.memory).toBe(unfinished)
    }
    expect(await outcomeOf(house.choice())).toBe('lost')
  })

  it('where the page went away under two tests, but not where weights were on their way', async () => {
    const house = new House({ ms: 20 })
    for (const [where, memory, outcome] of [
      ['opening', 0, 'used'],
      ['opening', 0, 'used'],
      ['encode', 1, 'used'],
      ['encode', 1, null],
      ['encode', 2, 'lost'],
    ] as const) {
      house.ours[where] = never
      void house.choice().open()
      // Once there is nothing left to do but what never ends.
      await vi.advanceTimersByTimeAsync(1)
      expect([where, house.judgement?.unfinished.memory ?? 0]).toEqual([where, memory])
      house.ours[where] = () => Promise.resolve()
      if (outcome !== null) expect(await outcomeOf(house.choice())).toBe(outcome)
    }
  })

  it('where they were used and do not open again, which is remembered', async () => {
    const house = new House({ complaint: (nth) => (nth === 0 ? null : 'out-of-memory') })
    const choice = house.choice()
    expect(await outcomeOf(choice)).toBe('used')
    await choice.openAgain(undefined).then((encoder) => encoder.dispose())
    expect(choice.ownKernels).toBe('memory')
    expect(house.judgement).toMatchObject({ failures: 1, failure: 'memory' satisfies KernelFailure })
    await choice.openAgain(undefined).then((encoder) => encoder.dispose())
    expect(openEncoder.openOwnEncoder).toHaveBeenCalledTimes(2)
    expect([house.open, house.most]).toEqual([0, 1])
  })

  it('where people turned them off, without asking what either takes', async () => {
    const house = new House()
    expect(await outcomeOf(house.choice('never'))).toBe('left-out')
    expect(house.judgement).toBeUndefined()
  })
})

it('remembers a device that went away under a picture', async () => {
  const house = new House()
  expect(await outcomeOf(house.choice())).toBe('used')
  house.lose()
  await vi.waitFor(() => expect(house.judgement).toMatchObject({ failures: 1, failure: 'lost' }))
})

it.each([0, 1, 2, 3, 4])(
  'stops behind picture %i of its test, and holds nothing against kernels of our own',
  async (last) => {
    const house = new House()
    const stop = new AbortController()
    house.signal = stop.signal
    let pictures = 0
    house.ours.encode = (nth) => {
      pictures = nth + 1
      if (nth === last) stop.abort()
      return Promise.resolve()
    }
    const opened = house.choice().open().catch(toFailure)
    if (last === 4) expect(await opened).toHaveProperty('encode')
    else {
      expect(await opened).toMatchObject({ code: 'cancelled' })
      expect(house.open).toBe(0)
    }
    expect(pictures).toBe(last + 1)
    expect(house.judgement).toMatchObject({ unfinished: { memory: 0 }, failures: 0 })
  },
)

it('tests what it knows to be right with one picture, and measures it once', async () => {
  const house = new House({ ms: 20 })
  const pictures = vi.fn<() => Promise<void>>(() => Promise.resolve())
  house.ours.encode = pictures
  await outcomeOf(house.choice())
  pictures.mockClear()
  const again = house.choice()
  expect(await outcomeOf(again)).toBe('used')
  // And the one that `outcomeOf` asks for.
  expect(pictures).toHaveBeenCalledTimes(2)
  expect(again.times).toEqual({ own: 20, other: 60 })
})
