/**
 * In which way our kernels reduce on a device: through memory, which every device has, or within subgroups, where it has
 * them, they come out right and a token takes no longer. What fails within subgroups leads to memory in the same load. A test
 * within them that came to no end is no failure yet, since somebody may have closed the tab: behind a second they are left out.
 */
import { KernelsFailed } from '../wgsl/gpu/guard.ts'
import type { Together } from '../wgsl/gpu/together.ts'
import type { AtRisk, Tried, TryOptions } from './own-kernels.ts'

/** A decoder that reduces through memory to begin with, and its tests in whatever way it reduces just now. */
export interface Ways {
  haveSubgroups: boolean
  /** Throws `KernelsFailed`, and all is as before. */
  reduceBy: (by: Together) => Promise<void>
  /** Milliseconds of a token behind all of the test; null where something comes out otherwise. */
  whole: () => Promise<number | null>
  /** The first prompt and token; null where they come out otherwise. */
  first: () => Promise<true | null>
  /** As `work`, or throws `KernelsFailed` where the device had complaints about it. */
  guarded: <T>(work: () => Promise<T>) => Promise<T>
  atRisk: AtRisk
}

/** What came of it, the decoder reducing in the better way; null where ours are wrong. */
export type Outcome = Required<Omit<Tried<unknown>, 'model'>> | null

export function tryWays(ways: Ways, options: Pick<TryOptions, 'known' | 'subgroups'>): Promise<Outcome> {
  return options.known ? tryAgain(ways, options) : tryAfresh(ways, options)
}

/** Not tried here to the end before. */
async function tryAfresh(ways: Ways, { subgroups }: Pick<TryOptions, 'subgroups'>): Promise<Outcome> {
  const ms = await ways.atRisk('memory', () => ways.guarded(ways.whole))
  if (ms === null) return null
  if (!ways.haveSubgroups || subgroups === false) return { ms, subgroups }
  const within = await withinSubgroups(ways, ways.whole)
  if (within !== null && within <= ms) return { ms: within, subgroups: true }
  await ways.reduceBy('memory')
  return { ms, subgroups: false }
}

/** Everything has passed here before: whether the weights came right today is all there is to find out. */
async function tryAgain(ways: Ways, { subgroups }: Pick<TryOptions, 'subgroups'>): Promise<Outcome> {
  if (subgroups === true && ways.haveSubgroups) {
    if ((await withinSubgroups(ways, ways.first)) !== null) return { ms: null, subgroups }
    await ways.reduceBy('memory')
  }
  const right = await ways.atRisk('memory', () => ways.guarded(ways.first))
  return right === null ? null : { ms: null, subgroups: subgroups === null ? null : false }
}

/** What `test` finds out within subgroups; null as well where that fails in a way that leaves the device as it is. */
async function withinSubgroups<T>(ways: Ways, test: () => Promise<T | null>): Promise<T | null> {
  try {
    return await ways.atRisk('subgroups', () =>
      ways.guarded(async () => {
        await ways.reduceBy('subgroups')
        return test()
      }),
    )
  } catch (error) {
    if (error instanceof KernelsFailed && error.how !== 'stuck') return null
    throw error
  }
}
