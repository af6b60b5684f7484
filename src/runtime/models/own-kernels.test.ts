import { expect, it, vi } from 'vitest'
import type { KernelFailure, KernelTimes, OwnKernels } from '../../pack/device-report.ts'
import { AppError } from '../../pack/failure.ts'
import { KernelsFailed } from '../wgsl/gpu/guard.ts'
import type { Judgement, JudgementKey, Judgements, Risk } from './open-parts.ts'
import { openBetter, type Rivals, type Trial, type Tried, type TryOptions } from './own-kernels.ts'
import { compileLimit, testLimits } from './own-trial.ts'

const NONE: Judgement['unfinished'] = { memory: 0, subgroups: 0, tunings: 0 }
const KEY: JudgementKey = { subject: 'a part on a device', state: 'in a browser' }

/** A decoder of either kind, which counts how many are open at once. */
class Decoder {
  readonly ownKernels: OwnKernels
  times: KernelTimes | null = null
  readonly #house: House

  constructor(house: House, ownKernels: OwnKernels) {
    this.#house = house
    this.ownKernels = ownKernels
    house.open += 1
    house.most = Math.max(house.most, house.open)
  }

  dispose(): Promise<void> {
    this.#house.open -= 1
    return Promise.resolve()
  }
}

/** A device and a browser that remembers. */
class House {
  open = 0
  most = 0
  judged = 0
  tried: TryOptions[] = []
  gone = false
  trials: (KernelFailure | null)[] = []
  /** Waits until no other tab measures. */
  alone: Trial['alone']
  readonly kept = new Map<JudgementKey, Judgement>()
  readonly judgements: Judgements = {
    recall: (key) => Promise.resolve(this.kept.get(key)),
    keep: (key, judgement) => Promise.resolve(void this.kept.set(key, judgement)),
  }

  get known(): Judgement | undefined {
    return this.kept.get(KEY)
  }

  /** Loads the model where ours do this. */
  async load(own: (options: TryOptions) => Promise<Tried<Decoder>>, gain = 1): Promise<Decoder> {
    const rivals: Rivals<Decoder> = {
      openGraph: (why, times) => Promise.resolve(Object.assign(new Decoder(this, why), { times })),
      judge: async () => {
        this.judged += 1
        await new Decoder(this, 'unfit').dispose()
        return { expected: [Float32Array.of(1), Float32Array.of(2)], ms: 20 }
      },
      tryOwn: (options) => {
        this.tried.push(options)
        return own(options)
      },
      inUse: (model, times) => Object.assign(model, { times }),
    }
    return openBetter(rivals, {
      key: KEY,
      judgements: this.judgements,
      gain,
      alone: this.alone,
      giveUpDevice: () => (this.gone = true),
      onTrial: (ifLost) => void this.trials.push(ifLost),
    })
  }

  /** Loads the model, and the page goes away once a test by `by` is under way, or before any. */
  async closedIn(by: Risk | null): Promise<void> {
    const forEver = new Promise<never>(() => undefined)
    await new Promise<void>((resolve) => {
      const work = (): Promise<never> => {
        resolve()
        return forEver
      }
      void this.load(async ({ atRisk }) => {
        // Compiled before, or tried through memory.
        if (by !== 'memory') await atRisk('memory', () => Promise.resolve())
        return by === null ? work() : atRisk(by, work)
      })
    })
  }

  /** Ours, which take so long. */
  readonly own =
    (ms: number | null = 5, subgroups: boolean | null = null) =>
    (): Promise<Tried<Decoder>> =>
      Promise.resolve({ model: new Decoder(this, 'used'), ms, subgroups })
}

const fails = (how: KernelFailure) => (): Promise<never> => Promise.reject(new KernelsFailed(how))
const lost = (): Promise<never> => Promise.reject(new AppError('device-lost', 'Gone.'))

it('uses ours where they are right and not slower, and asks ONNX Runtime only once', async () => {
  const house = new House()
  const first = await house.load(house.own())
  expect([first.ownKernels, first.times]).toEqual(['used', { own: 5, other: 20 }])
  await first.dispose()
  const second = await house.load(house.own(null))
  expect([second.ownKernels, second.times]).toEqual(['used', { own: 5, other: 20 }])
  expect(house.judged).toBe(1)
  // Of what has passed whole, the second load tests only that the weights came right.
  expect(house.tried.map(({ known }) => known)).toEqual([false, true])
  expect(house.trials).toEqual(['lost', null, 'lost', null])
  // One behind the other: a device with room for one has room for both.
  expect(house.most).toBe(1)
})

it('times both once no other tab does, with nothing written down until then, and waits for nobody where nothing is timed', async () => {
  const house = new House()
  const held: unknown[] = []
  house.alone = async (work) => {
    held.push(house.judged, house.tried.length, house.known)
    const done = await work(false)
    held.push(house.judged, house.tried.length, house.known?.verdict)
    return done
  }
  for (const ms of [5, null]) await (await house.load(house.own(ms))).dispose()
  expect([held, house.tried.length]).toEqual([[0, 0, undefined, 1, 1, 'right'], 2])
  const slower = new House()
  slower.alone = (work) => {
    held.push('again')
    return work(false)
  }
  for (const ms of [30, 30]) await (await slower.load(slower.own(ms))).dispose()
  expect(held.slice(6)).toEqual(['again'])
})

it('is told by the tab that it waited for what that one found out', async () => {
  const house = new House()
  let goOn = (): void => undefined
  const first = new Promise<void>((resolve) => (goOn = resolve))
  house.alone = async (work) => {
    await first
    return work(false)
  }
  const waiting = house.load(house.own(null))
  house.alone = (work) => work(false)
  await (await house.load(house.own(5))).dispose()
  goOn()
  const model = await waiting
  expect([model.ownKernels, model.times, house.judged]).toEqual(['used', { own: 5, other: 20 }, 1])
  expect(house.tried.map(({ known }) => known)).toEqual([false, true])
})

it('holds nothing against ours that a tab has written down which is still at it', async () => {
  const house = new House()
  for (const other of [1, 2]) {
    await house.closedIn('memory')
    expect(house.known?.unfinished.memory).toBe(other)
  }
  // Without locks, or where that tab is gone, it counts.
  expect((await house.load(house.own())).ownKernels).toBe('lost')
  house.kept.set(KEY, { ...(house.known as Judgement), unfinished: { ...NONE, memory: 1 } })
  house.alone = (work) => work(true)
  await house.closedIn('memory')
  expect(house.known?.unfinished.memory).toBe(1)
  expect((await house.load(house.own())).ownKernels).toBe('used')
})

it('uses ONNX Runtime where ours are slower, from the next load on without trying', async () => {
  const house = new House()
  for (const tries of [1, 1]) {
    const model = await house.load(house.own(20.1))
    expect([model.ownKernels, model.times]).toEqual(['slower', { own: 20.1, other: 20 }])
    expect(house.tried).toHaveLength(tries)
    await model.dispose()
  }
  expect([house.open, house.most]).toEqual([0, 1])
})

it('uses ours although they are slower where that is wanted', async () => {
  const house = new House()
  const model = await house.load(house.own(30), 0)
  expect([model.ownKernels, model.times?.own]).toEqual(['used', 30])
})

it.each([
  [13.3, 'used'],
  [13.4, 'slower'],
] as const)('takes %d ms against 20 for one and a half times as fast, or not: %s', async (ms, outcome) => {
  const house = new House()
  const model = await house.load(house.own(ms), 1.5)
  expect(model.ownKernels).toBe(outcome)
})

it('uses ONNX Runtime where ours come out otherwise, for good', async () => {
  const house = new House()
  const wrong = (): Promise<Tried<Decoder>> => Promise.resolve({ model: null, ms: null, subgroups: null })
  expect((await house.load(wrong)).ownKernels).toBe('wrong')
  expect((await house.load(house.own())).ownKernels).toBe('wrong')
  expect(house.tried).toHaveLength(1)
})

it.each<KernelFailure>(['memory', 'invalid', 'compiling'])(
  'goes on with ONNX Runtime in the same load when ours fail (%s), and tries them once more at most',
  async (how) => {
    const house = new House()
    for (const tries of [1, 2, 2]) {
      const model = await house.load(fails(how))
      expect(model.ownKernels).toBe(how)
      expect(house.tried).toHaveLength(tries)
      await model.dispose()
    }
    expect(house.known).toMatchObject({ failures: 2, failure: how, unfinished: NONE })
    expect([house.judged, house.most]).toEqual([1, 1])
  },
)

it('goes on with ONNX Runtime in the same load where a cache of ours finds no room, which says so itself', async () => {
  const house = new House()
  const model = await house.load(() => Promise.reject(new AppError('out-of-memory', 'No room.')))
  expect(model.ownKernels).toBe('memory')
  expect(house.known).toMatchObject({ failures: 1, failure: 'memory', unfinished: NONE })
  expect(house.trials).toEqual(['lost', null])
})

it('gives a device up on which ours do not come back, which counts as a failure', async () => {
  const house = new House()
  await expect(house.load(fails('stuck'))).rejects.toMatchObject({ code: 'device-lost' })
  expect(house.gone).toBe(true)
  // What the loss means is told before the device goes.
  expect(house.trials.at(-1)).toBe('stuck')
  expect(house.known).toMatchObject({ failures: 1, failure: 'stuck' })
})

it('does not try ours a third time where the device went away in two tests', async () => {
  const house = new House()
  for (const memory of [1, 2]) {
    await expect(house.load(lost)).rejects.toMatchObject({ code: 'device-lost' })
    expect(house.known?.unfinished).toEqual({ ...NONE, memory })
    // How it came about is still asked for.
    expect(house.trials.at(-1)).toBe('lost')
  }
  const model = await house.load(house.own())
  expect([model.ownKernels, house.tried.length]).toEqual(['lost', 2])
})

it('does not try ours a third time where the page went away in two tests', async () => {
  const house = new House()
  for (const memory of [1, 2]) {
    await house.closedIn('memory')
    // Nobody knows whose fault that was, and what reduces otherwise has not been tried at all.
    expect(house.known).toMatchObject({ unfinished: { ...NONE, memory }, subgroups: null })
  }
  expect((await house.load(house.own())).ownKernels).toBe('lost')
  expect(house.tried).toHaveLength(2)
})

it('holds nothing against ours where the page goes away while nothing of theirs runs', async () => {
  const house = new House()
  for (let times = 0; times < 3; times += 1) await house.closedIn(null)
  expect((await house.load(house.own())).ownKernels).toBe('used')
  for (let times = 0; times < 3; times += 1) await house.closedIn(null)
  expect(house.known).toMatchObject({ verdict: 'right', unfinished: NONE })
  expect((await house.load(house.own())).ownKernels).toBe('used')
})

it.each([null, true])(
  'tries subgroups again where the page went away under them once, and memory where it did twice (known: %s)',
  async (before) => {
    const house = new House()
    if (before !== null) await (await house.load(house.own(5, before))).dispose()
    await house.closedIn('subgroups')
    expect(house.known).toMatchObject({ unfinished: { ...NONE, subgroups: 1 }, subgroups: before })
    await house.closedIn('subgroups')
    await house.load(house.own(5, false))
    expect(house.tried.slice(-3).map(({ subgroups }) => subgroups)).toEqual([before, before, false])
    // What reduces through memory has nothing to answer for.
    expect(house.known).toMatchObject({ verdict: 'right', unfinished: NONE, failures: 0, subgroups: false })
    await house.load(house.own(5, false))
    expect(house.tried.at(-1)?.subgroups).toBe(false)
  },
)

it('looks for a spread again where the page went away under it once, and leaves it as usual where it did twice', async () => {
  const house = new House()
  for (const tunings of [1, 2]) {
    await house.closedIn('tunings')
    expect(house.known).toMatchObject({ unfinished: { ...NONE, tunings }, tunings: null })
  }
  await house.load(house.own(5, null))
  expect(house.tried.map(({ tunings }) => tunings)).toEqual([null, null, 'usual'])
  expect(house.known).toMatchObject({ verdict: 'right', unfinished: NONE, failures: 0 })
})

it.each([new KernelsFailed('compiling'), new AppError('cancelled', 'Stopped.'), new TypeError('A fault.')])(
  'holds nothing against a way that came back with a complaint, where the page goes away behind it (%s)',
  async (complaint) => {
    const house = new House()
    for (const by of ['subgroups', 'tunings'] as const) {
      const caught = new Promise<unknown>((resolve) => {
        void house.load(async ({ atRisk }) => {
          resolve(await atRisk(by, () => Promise.reject(complaint)).catch((error: unknown) => error))
          return new Promise<never>(() => undefined)
        })
      })
      expect(await caught).toBe(complaint)
      expect(house.known).toMatchObject({ unfinished: NONE, failures: 0 })
    }
  },
)

it.each([new KernelsFailed('stuck'), new AppError('device-lost', 'Gone.')])(
  'leaves written down what was tried when the device went away, until it is said what counts (%s)',
  async (end) => {
    const house = new House()
    let between: Judgement | undefined
    const loading = house.load(async ({ atRisk }) => {
      try {
        return await atRisk('tunings', () => Promise.reject(end))
      } finally {
        between = house.known
      }
    })
    await expect(loading).rejects.toMatchObject({ code: 'device-lost' })
    expect(between).toMatchObject({ unfinished: { ...NONE, tunings: 1 } })
  },
)

it('remembers how products are spread, and leaves that behind a device that went away', async () => {
  const house = new House()
  const tunings = { qkv: { threads: 64, lanes: 16, rowsPerThread: 4 } } as Judgement['tunings']
  const spread = async (): Promise<Tried<Decoder>> => ({ ...(await house.own(5)()), tunings })
  await (await house.load(spread)).dispose()
  expect(house.known).toMatchObject({ tunings })
  await expect(house.load(lost)).rejects.toMatchObject({ code: 'device-lost' })
  expect([house.tried.at(-1)?.tunings, house.known?.tunings]).toEqual([tunings, 'usual'])
})

it('begins to count anew where subgroups came to an end in between', async () => {
  const house = new House()
  for (let times = 0; times < 3; times += 1) {
    await house.closedIn('subgroups')
    await (await house.load(house.own(5, true))).dispose()
    expect(house.known).toMatchObject({ unfinished: NONE, subgroups: true })
  }
})

it('leaves written down how ours failed, when what was given up comes to its end later', async () => {
  const house = new House()
  const held: (() => void)[] = []
  const loading = house.load(async ({ atRisk }) => {
    void atRisk('memory', () => new Promise<void>((resolve) => void held.push(resolve)))
    await vi.waitFor(() => expect(held).toHaveLength(1))
    throw new KernelsFailed('compiling')
  })
  expect((await loading).ownKernels).toBe('compiling')
  held[0]?.()
  await new Promise((resolve) => setTimeout(resolve))
  expect(house.known).toMatchObject({ failures: 1, failure: 'compiling', unfinished: NONE })
})

it('counts a device that goes away under an answer, and a test that passes does not make up for it', async () => {
  const house = new House()
  for (const failures of [1, 2]) {
    const model = await house.load(house.own())
    expect(model.ownKernels).toBe('used')
    const [last] = house.tried.slice(-1)
    // Every run under way hears of it.
    last?.onFailed('lost')
    last?.onFailed('lost')
    await vi.waitFor(() => expect(house.known).toMatchObject({ failures, failure: 'lost' }))
  }
  expect((await house.load(house.own())).ownKernels).toBe('lost')
})

it('does not count a device that goes away in the test twice over', async () => {
  const house = new House()
  const own = (): Promise<never> => {
    house.tried.at(-1)?.onFailed('lost')
    return lost()
  }
  await expect(house.load(own)).rejects.toMatchObject({ code: 'device-lost' })
  expect(house.known).toMatchObject({ unfinished: { memory: 1 }, failures: 0 })
})

it('remembers how ours reduce, and leaves subgroups out behind a device that went away in a test or under an answer', async () => {
  const house = new House()
  await expect(house.load(lost)).rejects.toMatchObject({ code: 'device-lost' })
  await (await house.load(house.own(5, false))).dispose()
  expect(house.tried.map(({ subgroups }) => subgroups)).toEqual([null, false])
  expect(house.known).toMatchObject({ verdict: 'right', unfinished: NONE, subgroups: false })
  const other = new House()
  for (const known of [null, true]) {
    const model = await other.load(other.own(5, true))
    expect([other.tried.at(-1)?.subgroups, other.known?.subgroups]).toEqual([known, true])
    await model.dispose()
  }
  other.tried.at(-1)?.onFailed('lost')
  await vi.waitFor(() => expect(other.known).toMatchObject({ failures: 1, subgroups: false }))
})

it('holds nothing against ours when loading is cancelled, or the pack ends early', async () => {
  const house = new House()
  for (const code of ['cancelled', 'bad-pack'] as const)
    await expect(house.load(() => Promise.reject(new AppError(code, 'No.')))).rejects.toMatchObject({ code })
  expect(house.known).toMatchObject({ unfinished: NONE, failures: 0, verdict: null, subgroups: null })
})

it('waits longer on a device that is slow, and on a software adapter as long as it takes', () => {
  const work = { firstRuns: 100, test: 1000 }
  expect(testLimits({ software: false }, work, 25)).toEqual({ firstRunsMs: 20_000, testMs: 60_000 })
  expect(testLimits({ software: false }, work, 400)).toEqual({ firstRunsMs: 40_000, testMs: 400_000 })
  expect(testLimits({ software: true }, work, 400)).toEqual({ firstRunsMs: Infinity, testMs: Infinity })
  expect([false, true].map((software) => compileLimit({ software }))).toEqual([60_000, Infinity])
})
