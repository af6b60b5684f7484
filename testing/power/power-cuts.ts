/** Seeded power cuts: work that is cut short several times, looked at after each cut, and then brought to its end. */
import { seededRandom, type Random } from '../../src/scenes/random.ts'
import { CUTS, Session, type Cut } from './machine.ts'
import type { Scenario, Work } from './scenario.ts'

/** The most cuts that one piece of work has to stand. */
const MOST_CUTS = 6

export interface Found {
  scenario: string
  /** What replays it. */
  seed: number
  /** Kind and step of each cut so far. */
  cuts: string[]
  what: string
}

export interface Tally {
  cuts: Record<Cut, number>
  /** Pieces of work that were brought to their end. */
  works: number
  found: Found[]
}

/** Cuts one piece of work short at moments that follow from `seed`. */
export async function cutShort(scenario: Scenario, seed: number, tally: Tally): Promise<void> {
  const random = seededRandom(seed)
  const cuts: string[] = []
  try {
    const work = await scenario.prepare(random)
    const wanted = 1 + Math.floor(random.next() * MOST_CUTS)
    const length = await lengthOf(scenario)
    for (let count = 0; count < wanted; count += 1) {
      // Early ones more often: every run begins by finding its place, and what is left of the work gets shorter.
      const session = new Session(random, 1 + Math.floor(random.next() ** 1.5 * length))
      const cut = random.pick(CUTS)
      const isDone = await session.run(() => work.goOn(session))
      // Work that was done sooner is cut right behind its report.
      session.end()
      cuts.push(`${cut} at step ${session.steps}${isDone ? ', done' : ''}`)
      tally.cuts[cut] += 1
      for (const medium of work.media) medium.lose(cut, random)
      await uncut(random, (whole) => work.check(whole))
    }
    await toTheEnd(work, random)
    tally.works += 1
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error)
    tally.found.push({ scenario: scenario.name, seed, cuts, what })
  }
}

async function toTheEnd(work: Work, random: Random): Promise<void> {
  await uncut(random, (session) => work.goOn(session))
  await uncut(random, (session) => work.check(session))
  await uncut(random, (session) => work.checkEnd(session))
}

async function uncut(random: Random, program: (session: Session) => Promise<void>): Promise<void> {
  const session = new Session(random)
  await program(session)
  session.end()
}

const lengths = new Map<Scenario, Promise<number>>()

/** Works of one scenario differ in length. */
const MEASURED = 8

/** Steps of the longest of some works where nothing is cut. */
function lengthOf(scenario: Scenario): Promise<number> {
  const known = lengths.get(scenario) ?? longest(scenario)
  lengths.set(scenario, known)
  return known
}

async function longest(scenario: Scenario): Promise<number> {
  let steps = 0
  for (let seed = 0; seed < MEASURED; seed += 1) {
    const random = seededRandom(seed)
    const work = await scenario.prepare(random)
    await uncut(random, async (session) => {
      await work.goOn(session)
      steps = Math.max(steps, session.steps)
    })
  }
  return steps
}

/**
 * Works on the scenarios in turn, one seed after the other from `seed` on, until there were `count` cuts. A scenario that
 * is listed twice comes twice as often.
 */
export async function powerCuts(scenarios: readonly Scenario[], count: number, seed: number): Promise<Tally> {
  const tally: Tally = { cuts: { kill: 0, power: 0, torn: 0 }, works: 0, found: [] }
  const total = (): number => CUTS.reduce((sum, cut) => sum + tally.cuts[cut], 0)
  for (let next = seed; total() < count; next += 1) {
    const scenario = scenarios[next % scenarios.length]
    if (scenario !== undefined) await cutShort(scenario, next, tally)
  }
  return tally
}
