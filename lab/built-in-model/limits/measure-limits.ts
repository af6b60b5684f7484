/** How well a measure of limits tells pictures inside from outside, on kinds and seeds that it was not fitted to. */
import type { Tally } from '../../../src/scenes/judge.ts'
import { areaUnder, fitLogistic, quantile, scoreOf, type Fitted } from './fit.ts'

/** Of every hundred scenes so many may be taken for something else. */
export const FALSE_ALARMS = 0.02
/** Kinds are held out in so many turns. */
const FOLDS = 6

export type ByKind = Readonly<Record<string, readonly Float32Array[]>>

export interface LimitsFigures {
  /** Area under the ROC curve where the kinds are ones that it was not fitted to. */
  area: number
  /** Scenes of held-out seeds that are taken for something else, by the sort of scene. */
  falseAlarms: Record<string, Tally>
  /** Pictures of each kind that are not noticed: where no picture of that kind was fitted to, and as it is shipped. */
  missed: Record<string, { unseen: Tally; shipped: Tally }>
}

export interface LimitsData {
  /** Features of scenes from seeds that training had. */
  trained: readonly Float32Array[]
  /** Of held-out seeds, by the sort of scene. */
  scenes: ByKind
  outside: ByKind
  /** The same kinds from other seeds. */
  again: ByKind
}

/** The scores shifted so that 0 is where `FALSE_ALARMS` of the calibrating scenes lie above. */
export function calibrated(fitted: Fitted, calibrating: readonly Float32Array[]): Fitted {
  const limit = quantile(
    calibrating.map((features) => scoreOf(fitted, features)),
    1 - FALSE_ALARMS,
  )
  return { ...fitted, bias: fitted.bias - limit }
}

/** Half of the held-out scenes calibrate, the other half count. */
export function measureLimits({ trained, scenes, outside, again }: LimitsData): {
  shipped: Fitted
  figures: LimitsFigures
} {
  const calibrating = Object.values(scenes).flatMap((rows) => rows.filter((_, i) => i % 2 === 0))
  const counting = Object.entries(scenes).map(
    ([kind, rows]) => [kind, rows.filter((_, i) => i % 2 === 1)] as const,
  )
  const fit = (kinds: readonly string[]): Fitted =>
    calibrated(
      fitLogistic(
        trained,
        kinds.flatMap((kind) => outside[kind] ?? []),
      ),
      calibrating,
    )
  const kinds = Object.keys(outside)
  const shipped = fit(kinds)
  const missed: LimitsFigures['missed'] = {}
  const areas: number[] = []
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const left = kinds.filter((_, i) => i % FOLDS === fold)
    if (left.length === 0) continue
    const without = fit(kinds.filter((kind) => !left.includes(kind)))
    const scored = (rows: readonly Float32Array[]): number[] => rows.map((row) => scoreOf(without, row))
    areas.push(
      areaUnder(
        scored(counting.flatMap(([, rows]) => rows)),
        scored(left.flatMap((kind) => outside[kind] ?? [])),
      ),
    )
    for (const kind of left)
      missed[kind] = {
        unseen: below(without, outside[kind] ?? []),
        shipped: below(shipped, again[kind] ?? []),
      }
  }
  const falseAlarms = Object.fromEntries(
    counting.map(([kind, rows]) => {
      const { right, of } = below(shipped, rows)
      return [kind, { right: of - right, of }] as const
    }),
  )
  const area = areas.reduce((sum, one) => sum + one, 0) / areas.length
  return { shipped, figures: { area, falseAlarms, missed } }
}

function below(fitted: Fitted, rows: readonly Float32Array[]): Tally {
  return { right: rows.filter((row) => scoreOf(fitted, row) < 0).length, of: rows.length }
}
