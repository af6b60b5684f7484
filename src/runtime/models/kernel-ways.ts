/**
 * In which way our kernels run on a device. They reduce through memory, which every device has, or within subgroups, where it
 * has them, they come out right and a token takes no longer; then products of one row are spread over workgroups as is
 * fastest here. What fails in one of these leads back to the plain way in the same load. A test that came to no end is no
 * failure yet, since somebody may have closed the tab: behind a second one that way is left out.
 */
import type { Tunings } from '../wgsl/decoder/layout.ts'
import { KernelsFailed } from '../wgsl/gpu/guard.ts'
import type { Together } from '../wgsl/gpu/together.ts'
import type { Risk } from './open-parts.ts'
import type { AtRisk, Tried, TryOptions } from './own-kernels.ts'

/** A decoder that runs in the plain way to begin with, and its tests in whatever way it runs just now. */
export interface Ways {
  haveSubgroups: boolean
  /** Products are spread as usual where `tunings` are left out. Throws `KernelsFailed`, and all is as before. */
  useKernels: (by: Together, tunings?: Tunings) => Promise<void>
  /** How products are best spread; null where that is as usual. Left out where nobody is to look for it. */
  fastestTunings?: ((by: Together) => Promise<Tunings | null>) | undefined
  /** Milliseconds of a token behind all of the test; null where something comes out otherwise. */
  whole: () => Promise<number | null>
  /** The first prompt and token; null where they come out otherwise. */
  first: () => Promise<true | null>
  /** As `work`, or throws `KernelsFailed` where the device had complaints about it. */
  guarded: <T>(work: () => Promise<T>) => Promise<T>
  atRisk: AtRisk
}

type Known = Pick<TryOptions, 'known' | 'subgroups' | 'tunings'>

/** What came of it, the decoder running in the best way; null where ours are wrong. */
export type Outcome = Required<Omit<Tried<unknown>, 'model'>> | null

export function tryWays(ways: Ways, options: Known): Promise<Outcome> {
  return options.known ? tryAgain(ways, options) : tryAfresh(ways, options)
}

/** Not tried here to the end before. */
async function tryAfresh(ways: Ways, { subgroups, tunings }: Known): Promise<Outcome> {
  const ms = await ways.atRisk('memory', () => ways.guarded(ways.whole))
  if (ms === null) return null
  const reduced = await tryReducing(ways, { ms, subgroups })
  if (ways.fastestTunings === undefined || tunings === 'usual') return { ...reduced, tunings }
  return tryTuning(ways, reduced, ways.fastestTunings)
}

interface Reduced {
  /** Of a token. */
  ms: number
  subgroups: boolean | null
}

async function tryReducing(ways: Ways, { ms, subgroups }: Reduced): Promise<Reduced> {
  if (!ways.haveSubgroups || subgroups === false) return { ms, subgroups }
  const within = await passesIn(ways, 'subgroups', async () => {
    await ways.useKernels('subgroups')
    return ways.whole()
  })
  if (within !== null && within <= ms) return { ms: within, subgroups: true }
  await ways.useKernels('memory')
  return { ms, subgroups: false }
}

async function tryTuning(
  ways: Ways,
  reduced: Reduced,
  fastestTunings: NonNullable<Ways['fastestTunings']>,
): Promise<Outcome> {
  const by = reduced.subgroups === true ? 'subgroups' : 'memory'
  const tuned = await passesIn(ways, 'tunings', async () => {
    const tunings = await fastestTunings(by)
    if (tunings === null) return null
    await ways.useKernels(by, tunings)
    const ms = await ways.whole()
    return ms === null ? null : { ms, tunings }
  })
  if (tuned !== null && tuned.ms <= reduced.ms) return { ...reduced, ...tuned }
  await ways.useKernels(by)
  return { ...reduced, tunings: 'usual' }
}

/** Everything has passed here before: whether the weights came right today is all there is to find out. */
async function tryAgain(ways: Ways, { subgroups, tunings }: Known): Promise<Outcome> {
  const by = subgroups === true && ways.haveSubgroups ? 'subgroups' : 'memory'
  const spread = tunings === 'usual' || tunings === null ? undefined : tunings
  if (by === 'memory' && spread === undefined) return plainly(ways, { subgroups, tunings })
  const passed = await passesIn(ways, spread === undefined ? by : 'tunings', async () => {
    await ways.useKernels(by, spread)
    return ways.first()
  })
  if (passed !== null) return { ms: null, subgroups, tunings }
  await ways.useKernels('memory')
  return plainly(ways, { subgroups, tunings: tunings === null ? null : 'usual' })
}

async function plainly(
  ways: Ways,
  { subgroups, tunings }: Pick<Known, 'subgroups' | 'tunings'>,
): Promise<Outcome> {
  const right = await ways.atRisk('memory', () => ways.guarded(ways.first))
  return right === null ? null : { ms: null, subgroups: subgroups === null ? null : false, tunings }
}

/** What `test` finds out in a way that may be left; null as well where that fails and leaves the device as it is. */
async function passesIn<T>(ways: Ways, risk: Risk, test: () => Promise<T | null>): Promise<T | null> {
  try {
    return await ways.atRisk(risk, () => ways.guarded(test))
  } catch (error) {
    if (error instanceof KernelsFailed && error.how !== 'stuck') return null
    throw error
  }
}
