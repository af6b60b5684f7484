/**
 * How well a measure of limits tells captions that are so from captions that are not, on kinds and seeds that it was not
 * fitted to: by the picture alone, and by the picture and how sure the model was of its words.
 */
import type { Tally } from '../../../src/scenes/judge.ts'
import { areaUnder, fitLogistic, quantile, scoreOf, type Fitted } from './fit.ts'

/** Of every hundred scenes so many may be taken for something else. */
export const FALSE_ALARMS = 0.02
/** And with the caption, of scenes that are captioned rightly: none, since more would be marked than were without captions. */
const CAPTION_ALARMS = 0
/** Kinds are held out in so many turns. */
const FOLDS = 6

/** A picture that was looked at, and the caption that was written of it. */
export interface Sight {
  /** See `pooled`. */
  features: Float32Array
  /** Of the greedy caption: sum of natural logarithms, and tokens, the ending one included. */
  logProbability: number
  tokens: number
  isTrue: boolean
}

export type ByKind = Readonly<Record<string, readonly Sight[]>>

/** Counts by the picture alone, and with the caption. */
export interface Counts {
  picture: Tally
  caption: Tally
}

export interface LimitsFigures {
  /** Area under the ROC curve, right captions against wrong ones, where the kinds are ones that it was not fitted to. */
  area: Record<keyof Counts, number>
  /** Right captions of held-out scenes that are marked, by the sort of scene. */
  falseAlarms: Record<string, Counts>
  /** Wrong captions of held-out scenes that are marked. */
  wrongScenes: Counts
  kinds: Record<string, KindCounts>
}

export interface KindCounts {
  /** Wrong captions that are not marked. */
  missed: Counts
  /** The same where no picture of that kind was fitted to. */
  unseen: Counts
  /** Right captions that are marked. */
  alarms: Counts
}

export interface LimitsData {
  /** Features of scenes from seeds that training had. */
  trained: readonly Float32Array[]
  /** Features of scenes of held-out seeds, which set the limit of the picture alone. */
  calibrating: readonly Float32Array[]
  /** Captioned scenes of other held-out seeds, by their sort: every other one sets the limit with the caption. */
  scenes: ByKind
  /** Features of pictures of which every caption is wrong, by kind. */
  outside: Readonly<Record<string, readonly Float32Array[]>>
  /** Pictures that may have right captions, by kind: every other one is fitted to. */
  attempts: ByKind
  /** The kinds of `outside` from other seeds, which only count. */
  again: ByKind
}

export interface Measure {
  picture: Fitted
  /** Of what `captionFeatures` gives. */
  caption: Fitted
}

/** The score shifted so that 0 is where such a share of the calibrating scenes lies above. */
export function calibrated(
  fitted: Fitted,
  calibrating: readonly Float32Array[],
  share: number = FALSE_ALARMS,
): Fitted {
  const limit = quantile(
    calibrating.map((features) => scoreOf(fitted, features)),
    1 - share,
  )
  return { ...fitted, bias: fitted.bias - limit }
}

/** What is fitted to and what counts are never the same pictures. */
export function measureLimits(data: LimitsData): { shipped: Measure; figures: LimitsFigures } {
  const counting = Object.entries(data.scenes).map(([kind, sights]) => [kind, everyOther(sights, 1)] as const)
  const counted: ByKind = {
    ...data.again,
    ...Object.fromEntries(
      Object.entries(data.attempts).map(([kind, sights]) => [kind, everyOther(sights, 1)]),
    ),
  }
  const names = Object.keys(counted)
  const shipped = fitMeasure(data, () => true)
  const kinds: LimitsFigures['kinds'] = {}
  const areas: LimitsFigures['area'][] = []
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const left = names.filter((_, i) => i % FOLDS === fold)
    if (left.length === 0) continue
    const without = fitMeasure(data, (kind) => !left.includes(kind))
    const unseen = left.flatMap((kind) => counted[kind] ?? [])
    areas.push(areaOf(without, [...counting.flatMap(([, sights]) => sights), ...unseen]))
    for (const kind of left) {
      const sights = counted[kind] ?? []
      kinds[kind] = {
        missed: missedOf(shipped, sights),
        unseen: missedOf(without, sights),
        alarms: markedOf(shipped, sights.filter(isRight)),
      }
    }
  }
  const average = (by: keyof Counts): number => areas.reduce((sum, one) => sum + one[by], 0) / areas.length
  const inOrder = Object.fromEntries(names.flatMap((kind) => (kinds[kind] ? [[kind, kinds[kind]]] : [])))
  return {
    shipped,
    figures: {
      area: { picture: average('picture'), caption: average('caption') },
      falseAlarms: Object.fromEntries(
        counting.map(([kind, sights]) => [kind, markedOf(shipped, sights.filter(isRight))]),
      ),
      wrongScenes: markedOf(
        shipped,
        counting.flatMap(([, sights]) => sights.filter(isWrong)),
      ),
      kinds: inOrder,
    },
  }
}

/**
 * What the picture says is fitted first, then three numbers beside it. Those are fitted to pictures whose score comes
 * from a fit without them, since a score is surer of what it was fitted to than of anything else.
 */
function fitMeasure(data: LimitsData, isFitted: (kind: string) => boolean): Measure {
  const fitted = Object.entries(data.attempts).filter(([kind]) => isFitted(kind))
  const attempts = fitted.flatMap(([, sights]) => everyOther(sights, 0))
  const outside = Object.entries(data.outside).flatMap(([kind, rows]) => (isFitted(kind) ? rows : []))
  const pictureBy = (sights: readonly Sight[]): Fitted =>
    calibrated(
      fitLogistic(
        [...data.trained, ...sights.filter(isRight).map(featuresOf)],
        [...outside, ...sights.filter(isWrong).map(featuresOf)],
      ),
      data.calibrating,
    )
  const picture = pictureBy(attempts)
  const crossed = ([0, 1] as const).flatMap((half) => {
    const other = pictureBy(everyOther(attempts, half === 0 ? 1 : 0))
    return everyOther(attempts, half).map((sight) => ({ sight, score: scoreOf(other, sight.features) }))
  })
  const scenes = Object.values(data.scenes)
    .flatMap((sights) => everyOther(sights, 0))
    .map((sight) => ({ sight, score: scoreOf(picture, sight.features) }))
  const side = (isSide: (sight: Sight) => boolean, of: typeof scenes): Float32Array[] =>
    of.filter(({ sight }) => isSide(sight)).map(({ sight, score }) => captionFeatures(score, sight))
  const all = [...scenes, ...crossed]
  const fit = fitLogistic(side(isRight, all), side(isWrong, all))
  return { picture, caption: calibrated(fit, side(isRight, scenes), CAPTION_ALARMS) }
}

function captionFeatures(score: number, { logProbability, tokens }: Sight): Float32Array {
  return Float32Array.of(score, logProbability, tokens)
}

function scoresOf({ picture, caption }: Measure, sight: Sight): Record<keyof Counts, number> {
  const score = scoreOf(picture, sight.features)
  return { picture: score, caption: scoreOf(caption, captionFeatures(score, sight)) }
}

function areaOf(measure: Measure, sights: readonly Sight[]): Record<keyof Counts, number> {
  const [right, wrong] = [true, false].map((wanted) =>
    sights.filter(({ isTrue }) => isTrue === wanted).map((sight) => scoresOf(measure, sight)),
  )
  const area = (by: keyof Counts): number =>
    areaUnder(right?.map((scores) => scores[by]) ?? [], wrong?.map((scores) => scores[by]) ?? [])
  return { picture: area('picture'), caption: area('caption') }
}

function missedOf(measure: Measure, sights: readonly Sight[]): Counts {
  const wrong = sights.filter(isWrong)
  const marked = markedOf(measure, wrong)
  const rest = ({ right, of }: Tally): Tally => ({ right: of - right, of })
  return { picture: rest(marked.picture), caption: rest(marked.caption) }
}

function markedOf(measure: Measure, sights: readonly Sight[]): Counts {
  const scores = sights.map((sight) => scoresOf(measure, sight))
  const above = (by: keyof Counts): Tally => ({
    right: scores.filter((score) => score[by] >= 0).length,
    of: scores.length,
  })
  return { picture: above('picture'), caption: above('caption') }
}

function isRight({ isTrue }: Sight): boolean {
  return isTrue
}

function isWrong({ isTrue }: Sight): boolean {
  return !isTrue
}

function featuresOf({ features }: Sight): Float32Array {
  return features
}

function everyOther<T>(rows: readonly T[], rest: 0 | 1): T[] {
  return rows.filter((_, i) => i % 2 === rest)
}
