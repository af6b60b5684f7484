import { expect, it } from 'vitest'
import { AppError } from '../../pack/failure.ts'
import { KernelsFailed } from '../wgsl/gpu/guard.ts'
import type { Together } from '../wgsl/gpu/together.ts'
import { tryWays, type Outcome, type Ways } from './reducing-ways.ts'

type Test = () => Promise<number | null>

const takes = (ms: number | null) => (): Promise<number | null> => Promise.resolve(ms)

/** A device on which the two ways do this; without the second it has no subgroups. */
class Device {
  now: Together = 'memory'
  tested: Together[] = []
  /** What was written down as being at risk when each test ran. */
  atRisk: Together[] = []
  #underWay: Together | null = null
  readonly #tests: Record<Together, Test>
  readonly #ways: Ways

  constructor(memory: Test, subgroups?: Test) {
    this.#tests = { memory, subgroups: subgroups ?? takes(0) }
    const test = (): Promise<number | null> => {
      this.tested.push(this.now)
      if (this.#underWay !== null) this.atRisk.push(this.#underWay)
      return this.#tests[this.now]()
    }
    this.#ways = {
      haveSubgroups: subgroups !== undefined,
      reduceBy: (by) => Promise.resolve(void (this.now = by)),
      whole: test,
      first: async () => ((await test()) === null ? null : true),
      guarded: (work) => work(),
      atRisk: async (by, work) => {
        this.#underWay = by
        const done = await work()
        this.#underWay = null
        return done
      },
    }
  }

  async try(known: boolean, subgroups: boolean | null): Promise<[Outcome, Together, Together[]]> {
    this.tested = []
    this.atRisk = []
    this.now = 'memory'
    return [await tryWays(this.#ways, { known, subgroups }), this.now, this.tested]
  }
}

it('takes subgroups where they are right and no slower, and tries only them from then on', async () => {
  const device = new Device(takes(5), takes(4))
  expect(await device.try(false, null)).toEqual([
    { ms: 4, subgroups: true },
    'subgroups',
    ['memory', 'subgroups'],
  ])
  expect(await device.try(true, true)).toEqual([{ ms: null, subgroups: true }, 'subgroups', ['subgroups']])
})

const fails = (error: Error) => (): Promise<never> => Promise.reject(error)
it.each<[string, Test]>([
  ['take longer', takes(5.1)],
  ['come out otherwise', takes(null)],
  ['are not valid', fails(new KernelsFailed('invalid'))],
  ['take too long to compile', fails(new KernelsFailed('compiling'))],
])('goes on through memory in the same load where subgroups %s, and remembers that', async (_, subgroups) => {
  const device = new Device(takes(5), subgroups)
  expect(await device.try(false, null)).toEqual([
    { ms: 5, subgroups: false },
    'memory',
    ['memory', 'subgroups'],
  ])
  expect(await device.try(true, false)).toEqual([{ ms: null, subgroups: false }, 'memory', ['memory']])
})

it.each([
  [false, null],
  [true, true],
  [true, false],
])('writes down what is tried before each test (known: %s, subgroups: %s)', async (known, subgroups) => {
  for (const device of [new Device(takes(5), takes(4)), new Device(takes(5), takes(null))]) {
    await device.try(known, subgroups)
    expect(device.atRisk).toEqual(device.tested)
  }
})

it('goes back to memory where subgroups passed once and fail today', async () => {
  const device = new Device(takes(5), takes(null))
  expect(await device.try(true, true)).toEqual([
    { ms: null, subgroups: false },
    'memory',
    ['subgroups', 'memory'],
  ])
})

it('tries no subgroups where there are none, where they failed before, or where memory fails', async () => {
  expect(await new Device(takes(5)).try(false, null)).toEqual([
    { ms: 5, subgroups: null },
    'memory',
    ['memory'],
  ])
  const device = new Device(takes(5), takes(4))
  expect(await device.try(false, false)).toEqual([{ ms: 5, subgroups: false }, 'memory', ['memory']])
  expect(await new Device(takes(null), takes(4)).try(false, null)).toEqual([null, 'memory', ['memory']])
})

it.each([new KernelsFailed('stuck'), new AppError('device-lost', 'Gone.')])(
  'waits for nothing on a device that does not come back (%s)',
  async (error) => {
    await expect(new Device(takes(5), fails(error)).try(false, null)).rejects.toBe(error)
  },
)
