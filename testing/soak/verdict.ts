/** Whether something grows from cycle to cycle. Plain arithmetic over what was measured. */

/** What was measured behind one cycle: bytes or a count, by what it is of. */
export type Sample = Record<string, number>

export interface Verdict {
  what: string
  /** Medians of the early and of the late samples. */
  early: number
  late: number
  grows: boolean
}

/** Late over early, at most: what a collected heap differs by from one time to the next stays far below. */
export const MOST_GROWTH = 1.02
/** Shares of the samples: at first caches fill, and what can be undone. */
const WARMED_UP = 0.1
const EARLY_ENDS = 0.35
const LATE_BEGINS = 0.75

/** One verdict for each thing that was measured. Throws when there are too few samples to tell. */
export function verdicts(samples: readonly Sample[]): Verdict[] {
  const early = samples.slice(Math.ceil(samples.length * WARMED_UP), Math.ceil(samples.length * EARLY_ENDS))
  const late = samples.slice(Math.floor(samples.length * LATE_BEGINS))
  if (early.length < 2 || late.length < 2)
    throw new Error(`${samples.length} samples tell nothing; take more.`)
  const things = new Set(samples.flatMap((sample) => Object.keys(sample)))
  return [...things].map((what) => {
    // What is not in a sample, such as a thread that was not there, is none.
    const medianOf = (some: Sample[]): number => median(some.map((sample) => sample[what] ?? 0))
    const [before, after] = [medianOf(early), medianOf(late)]
    return { what, early: before, late: after, grows: after > before * MOST_GROWTH }
  })
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}
