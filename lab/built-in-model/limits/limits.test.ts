import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPackFolder } from '../../../src/cli/files.ts'
import { GREEDY } from '../../../src/pack/decoding.ts'
import { preprocess } from '../../../src/image/preprocess.ts'
import { openCompute } from '../../../src/runtime/device/open-compute.ts'
import { outsideOf, outsideOfCaption } from '../../../src/runtime/limits/limits.ts'
import { openTalkingModel } from '../../../src/runtime/models/models.ts'
import type { TalkingModel } from '../../../src/runtime/models/model.ts'
import { seededRandom } from '../../../src/scenes/random.ts'
import { areaUnder, fitLogistic, quantile, scoreOf } from './fit.ts'
import { captionOfSeen } from '../captions.ts'
import { isTrue, type Thing } from './attempts.ts'
import { calibrated, FALSE_ALARMS, measureLimits, type Sight } from './measure-limits.ts'
import { outside, SCENES, SHOWN_ATTEMPTS, type PictureOf } from './pictures.ts'

let model: TalkingModel
beforeAll(async () => {
  model = await openTalkingModel(
    await openPackFolder('public/models/drawn-scenes'),
    await openCompute('wasm'),
  )
})
afterAll(() => model.dispose())

/** How many of these seeds' pictures are taken for none of those that the model was taught. */
async function noticed(pictureOf: PictureOf, from: number, count: number): Promise<number> {
  let found = 0
  for (let seed = from; seed < from + count; seed += 1) {
    const rows = await pictureOf(seed)
    if (rows === null) throw new Error('There are no more.')
    const { embeddings } = await model.look.see(preprocess(rows, model.manifest.preprocessing))
    if ((outsideOf(model.manifest, await embeddings.read()) ?? 0) >= 0.5) found += 1
    embeddings.dispose()
  }
  return found
}

describe('the built-in model', () => {
  it('takes scenes that it has never seen for scenes', async () => {
    expect(await noticed(SCENES.drawn, 1_700_000, 4)).toBe(0)
    expect(await noticed(SCENES.photographed, 1_710_000, 4)).toBeLessThanOrEqual(1)
  })

  // All kinds, and many of each: `lab/built-in-model/limits.ts`.
  it.each(['stick figures', 'words in large letters', 'pictures like photographs'])(
    'notices %s',
    async (kind) => {
      const pictureOf = outside({ icons: [], photographs: undefined })[kind]
      if (pictureOf === undefined) throw new Error(`There is no kind ${kind}.`)
      expect(await noticed(pictureOf, 9_000_000, 4)).toBeGreaterThanOrEqual(3)
    },
  )
})

/** Of pictures that people try, how many captions are written and how many of those marked, from fresh seeds. */
async function marked(kind: string, count: number): Promise<number> {
  const shownOf = SHOWN_ATTEMPTS[kind]
  if (shownOf === undefined) throw new Error(`There is no kind ${kind}.`)
  let found = 0
  for (let seed = 9_000_000; seed < 9_000_000 + count; seed += 1) {
    const shown = await shownOf(seed)
    if (shown === null) throw new Error('There are no more.')
    const seen = await model.look.see(preprocess(shown.rows, model.manifest.preprocessing))
    const picture = outsideOf(model.manifest, await seen.embeddings.read())
    const { ids, score } = await captionOfSeen(model, seen)
    const asked = { prompt: '', settings: GREEDY }
    const outside = outsideOfCaption(model.manifest, picture, { score, tokenIds: ids }, asked)
    if ((outside ?? 0) >= 0.5) found += 1
  }
  return found
}

describe('captions of what people try', () => {
  it.each(['houses', 'stick people', 'thick brush', "children's drawings"])(
    'are marked: %s',
    async (kind) => {
      expect(await marked(kind, 5)).toBeGreaterThanOrEqual(4)
    },
  )

  it.each(['own things on white', 'scenes as screenshots', 'scenes cut at the edge'])(
    'are not marked: %s',
    async (kind) => {
      expect(await marked(kind, 5)).toBeLessThanOrEqual(1)
    },
  )

  it('are judged by what was drawn', () => {
    const things: Thing[] = [
      { kind: 'star', colours: ['red'] },
      { kind: 'star', colours: ['green', 'blue'] },
    ]
    expect(isTrue('a blue star and a red star', things)).toBe(true)
    expect(isTrue('two stars', things)).toBe(true)
    for (const wrong of ['a star', 'three stars', 'two red stars', 'a red star and a bell', 'a drawing'])
      expect(isTrue(wrong, things), wrong).toBe(false)
    expect(isTrue('a plain background', [])).toBe(true)
  })
})

describe('what is counted', () => {
  const random = seededRandom(2)
  /** Right captions are about 0 and sure, wrong ones about 3 and not so sure. */
  const sights = (count: number, isTrue: boolean): Sight[] =>
    Array.from({ length: count }, () => ({
      features: Float32Array.of((isTrue ? 0 : 3) + random.between(-2, 2)),
      logProbability: (isTrue ? -1 : -3) + random.between(-1.5, 1.5),
      tokens: 8,
      isTrue,
    }))
  const { figures } = measureLimits({
    trained: sights(100, true).map(({ features }) => features),
    calibrating: sights(200, true).map(({ features }) => features),
    scenes: { drawn: [...sights(180, true), ...sights(20, false)] },
    outside: { one: sights(60, false).map(({ features }) => features) },
    attempts: { other: [...sights(200, false), ...sights(200, true)] },
    again: { one: sights(100, false) },
  })

  it('is each kind from pictures that were not fitted to, right and wrong captions apart', () => {
    const { one, other } = figures.kinds
    expect([one?.missed.picture.of, one?.alarms.picture.of, one?.unseen.picture.of]).toEqual([100, 0, 100])
    expect([other?.missed.caption.of, other?.alarms.caption.of]).toEqual([100, 100])
    expect(figures.falseAlarms['drawn']?.picture.of).toBe(90)
    expect(figures.wrongScenes.caption.of).toBe(10)
  })

  it('finds more with the caption than by the picture alone, where words tell something', () => {
    const missed = Object.values(figures.kinds).map((kind) => kind.missed)
    const sum = (by: 'picture' | 'caption'): number => missed.reduce((so, one) => so + one[by].right, 0)
    expect(sum('caption')).toBeLessThan(sum('picture'))
    expect(figures.area.caption).toBeGreaterThan(figures.area.picture)
    expect(figures.area.caption).toBeGreaterThan(0.95)
  })
})

describe('a fitted measure', () => {
  const random = seededRandom(1)
  const rows = (count: number, middle: number): Float32Array[] =>
    Array.from({ length: count }, () =>
      Float32Array.of(middle + random.between(-1, 1), random.between(-100, 100)),
    )
  const [inside, out] = [rows(200, 0), rows(100, 3)]

  it('tells apart what can be told apart, whatever the scale of its features', () => {
    const fitted = fitLogistic(inside, out)
    const [low, high] = [inside, out].map((side) => side.map((row) => scoreOf(fitted, row)))
    expect(areaUnder(low ?? [], high ?? [])).toBe(1)
  })

  it('has its limit where so many scenes lie above', () => {
    const fitted = calibrated(fitLogistic(inside, out), inside)
    expect(inside.filter((row) => scoreOf(fitted, row) > 0).length / inside.length).toBeLessThanOrEqual(
      FALSE_ALARMS,
    )
    expect(quantile([3, 1, 2, 4], 0.5)).toBe(3)
  })

  it('has half of the area where it tells nothing', () => {
    expect(areaUnder([1, 2], [1, 2])).toBe(0.5)
  })
})
