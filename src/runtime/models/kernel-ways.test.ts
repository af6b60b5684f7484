import { expect, it } from 'vitest'
import { AppError } from '../../pack/failure.ts'
import { KernelsFailed } from '../wgsl/gpu/guard.ts'
import type { Tunings } from '../wgsl/decoder/layout.ts'
import type { Together } from '../wgsl/gpu/together.ts'
import { tryWays, type Outcome, type Ways } from './kernel-ways.ts'
import type { Judgement, Risk } from './open-parts.ts'

type Test = () => Promise<number | null>

const takes = (ms: number | null) => (): Promise<number | null> => Promise.resolve(ms)

const SPREAD = {
  qkv: { threads: 64, lanes: 16, rowsPerThread: 4 },
} as Tunings

/** How a decoder runs: spread as usual, or as is fastest. */
type Way = Together | `${Together}, spread`

/** A device on which these ways do this; without `subgroups` it has none, and without a spread nobody looks for one. */
class Device {
  now: Way = 'memory'
  tested: Way[] = []
  /** What was written down as being at risk when each test ran. */
  atRisk: Risk[] = []
  underWay: Risk | null = null
  readonly #tests: Partial<Record<Way, Test>>
  readonly #ways: Ways

  constructor(tests: Partial<Record<Way, Test>>, fastest?: () => Promise<Tunings | null>) {
    this.#tests = tests
    const test = async (): Promise<number | null> => {
      this.tested.push(this.now)
      if (this.underWay !== null) this.atRisk.push(this.underWay)
      return (await this.#tests[this.now]?.()) ?? null
    }
    this.#ways = {
      haveSubgroups: 'subgroups' in tests,
      useKernels: (by, tunings) =>
        Promise.resolve(void (this.now = tunings === undefined ? by : `${by}, spread`)),
      fastestTunings: fastest,
      whole: test,
      first: async () => ((await test()) === null ? null : true),
      guarded: (work) => work(),
      atRisk: async (by, work) => {
        this.underWay = by
        const done = await work()
        this.underWay = null
        return done
      },
    }
  }

  async try(
    known: boolean,
    subgroups: boolean | null,
    tunings: Judgement['tunings'] = null,
  ): Promise<[Outcome, Way, Way[]]> {
    this.tested = []
    this.atRisk = []
    this.now = 'memory'
    return [await tryWays(this.#ways, { known, subgroups, tunings }), this.now, this.tested]
  }
}

it('takes subgroups where they are right and no slower, and tries only them from then on', async () => {
  const device = new Device({ memory: takes(5), subgroups: takes(4) })
  expect(await device.try(false, null)).toEqual([
    { ms: 4, subgroups: true, tunings: null },
    'subgroups',
    ['memory', 'subgroups'],
  ])
  expect(await device.try(true, true)).toEqual([
    { ms: null, subgroups: true, tunings: null },
    'subgroups',
    ['subgroups'],
  ])
})

const fails = (error: Error) => (): Promise<never> => Promise.reject(error)
it.each<[string, Test]>([
  ['take longer', takes(5.1)],
  ['come out otherwise', takes(null)],
  ['are not valid', fails(new KernelsFailed('invalid'))],
  ['take too long to compile', fails(new KernelsFailed('compiling'))],
])('goes on through memory in the same load where subgroups %s, and remembers that', async (_, subgroups) => {
  const device = new Device({ memory: takes(5), subgroups: subgroups })
  expect(await device.try(false, null)).toEqual([
    { ms: 5, subgroups: false, tunings: null },
    'memory',
    ['memory', 'subgroups'],
  ])
  expect(await device.try(true, false)).toEqual([
    { ms: null, subgroups: false, tunings: null },
    'memory',
    ['memory'],
  ])
})

it.each([
  [false, null],
  [true, true],
  [true, false],
])('writes down what is tried before each test (known: %s, subgroups: %s)', async (known, subgroups) => {
  for (const device of [
    new Device({ memory: takes(5), subgroups: takes(4) }),
    new Device({ memory: takes(5), subgroups: takes(null) }),
  ]) {
    await device.try(known, subgroups)
    expect(device.atRisk).toEqual(device.tested)
  }
})

it('goes back to memory where subgroups passed once and fail today', async () => {
  const device = new Device({ memory: takes(5), subgroups: takes(null) })
  expect(await device.try(true, true)).toEqual([
    { ms: null, subgroups: false, tunings: null },
    'memory',
    ['subgroups', 'memory'],
  ])
})

it('tries no subgroups where there are none, where they failed before, or where memory fails', async () => {
  expect(await new Device({ memory: takes(5) }).try(false, null)).toEqual([
    { ms: 5, subgroups: null, tunings: null },
    'memory',
    ['memory'],
  ])
  const device = new Device({ memory: takes(5), subgroups: takes(4) })
  expect(await device.try(false, false)).toEqual([
    { ms: 5, subgroups: false, tunings: null },
    'memory',
    ['memory'],
  ])
  expect(await new Device({ memory: takes(null), subgroups: takes(4) }).try(false, null)).toEqual([
    null,
    'memory',
    ['memory'],
  ])
})

it.each([new KernelsFailed('stuck'), new AppError('device-lost', 'Gone.')])(
  'waits for nothing on a device that does not come back (%s)',
  async (error) => {
    await expect(new Device({ memory: takes(5), subgroups: fails(error) }).try(false, null)).rejects.toBe(
      error,
    )
  },
)

const spread = (): Promise<Tunings> => Promise.resolve(SPREAD)

it.each<[Together, boolean | null, Partial<Record<Way, Test>>]>([
  ['memory', null, { memory: takes(5), 'memory, spread': takes(4) }],
  ['subgroups', true, { memory: takes(6), subgroups: takes(5), 'subgroups, spread': takes(5) }],
])('spreads products otherwise where that is right and no slower, by %s', async (by, subgroups, tests) => {
  const device = new Device(tests, spread)
  const [outcome, now, tested] = await device.try(false, null)
  expect([outcome?.subgroups, outcome?.tunings, now]).toEqual([subgroups, SPREAD, `${by}, spread`])
  expect(outcome?.ms).toBe(await tests[`${by}, spread`]?.())
  expect([tested.at(-1), device.atRisk.at(-1)]).toEqual([`${by}, spread`, 'tunings'])
  const again = await device.try(true, subgroups, SPREAD)
  expect(again).toEqual([{ ms: null, subgroups, tunings: SPREAD }, now, [now]])
  expect(device.atRisk).toEqual(['tunings'])
})

it.each<[string, Test, () => Promise<Tunings | null>]>([
  ['take longer', takes(5.1), spread],
  ['come out otherwise', takes(null), spread],
  ['are not valid', fails(new KernelsFailed('invalid')), spread],
  ['are not found', takes(1), () => Promise.resolve(null)],
  ['take too long to compile', takes(1), fails(new KernelsFailed('compiling'))],
])('stays with the usual spread where others %s, and remembers that', async (_, test, fastest) => {
  const device = new Device({ memory: takes(5), 'memory, spread': test }, fastest)
  const [outcome, now] = await device.try(false, null)
  expect([outcome, now]).toEqual([{ ms: 5, subgroups: null, tunings: 'usual' }, 'memory'])
  expect(await device.try(true, null, 'usual')).toEqual([
    { ms: null, subgroups: null, tunings: 'usual' },
    'memory',
    ['memory'],
  ])
})

it('goes back to the plain way where another spread passed once and fails today', async () => {
  const device = new Device(
    { memory: takes(5), subgroups: takes(4), 'subgroups, spread': takes(null) },
    spread,
  )
  expect(await device.try(true, true, SPREAD)).toEqual([
    { ms: null, subgroups: false, tunings: 'usual' },
    'memory',
    ['subgroups, spread', 'memory'],
  ])
})

it('looks for no spread where that has given rise to doubt', async () => {
  const device = new Device({ memory: takes(5), 'memory, spread': takes(1) }, fails(new Error('not asked')))
  expect(await device.try(false, null, 'usual')).toEqual([
    { ms: 5, subgroups: null, tunings: 'usual' },
    'memory',
    ['memory'],
  ])
})

it.each([new KernelsFailed('stuck'), new AppError('device-lost', 'Gone.')])(
  'waits for nothing on a device that does not come back from another spread (%s)',
  async (error) => {
    const device = new Device({ memory: takes(5), 'memory, spread': takes(1) }, fails(error))
    await expect(device.try(false, null)).rejects.toBe(error)
  },
)
