/** What was measured again and again while the same things were done, and what of it grew. */

/** A quantity that should not grow with what is done. */
export interface Series {
  name: string
  values: readonly number[]
  /** The late median may be this many times the early one. */
  ratio: number
  /** And so much above it, in the same unit: for quantities of which there may be none at first. */
  slack: number
}

export interface Growth {
  name: string
  early: number
  late: number
  grew: boolean
}

/** Before this share of all values what is done for the first time is still part of them. */
const EARLY_FROM = 0.2
const EARLY_TO = 0.4
const LATE_FROM = 0.8

/** Compares medians of an early and a late window. Throws where there are too few values for that. */
export function growthOf({ name, values, ratio, slack }: Series): Growth {
  const at = (share: number): number => Math.floor(share * values.length)
  const early = median(values.slice(at(EARLY_FROM), at(EARLY_TO)))
  const late = median(values.slice(at(LATE_FROM)))
  return { name, early, late, grew: late > early * ratio + slack }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]]
  if (low === undefined || high === undefined) throw new Error('A median of nothing was asked for.')
  return (low + high) / 2
}

/** How many objects of each class there are. */
export type Census = ReadonlyMap<string, number>

/**
 * Classes of which there are more in the late censuses than in the early ones by at least one for every two cycles
 * between them: what is kept once in each cycle grows by one.
 */
export function grownClasses(
  early: readonly Census[],
  late: readonly Census[],
  cyclesBetween: number,
): Growth[] {
  const names = new Set([...early, ...late].flatMap((census) => [...census.keys()]))
  return [...names]
    .map((name) => {
      const of = (censuses: readonly Census[]): number =>
        median(censuses.map((census) => census.get(name) ?? 0))
      const [was, is] = [of(early), of(late)]
      return { name, early: was, late: is, grew: is - was >= cyclesBetween / 2 }
    })
    .filter(({ grew }) => grew)
}
