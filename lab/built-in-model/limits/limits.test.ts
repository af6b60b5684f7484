import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPackFolder } from '../../../src/cli/files.ts'
import { preprocess } from '../../../src/image/preprocess.ts'
import { openCompute } from '../../../src/runtime/device/open-compute.ts'
import { outsideOf } from '../../../src/runtime/limits/limits.ts'
import { openTalkingModel } from '../../../src/runtime/models/models.ts'
import type { TalkingModel } from '../../../src/runtime/models/model.ts'
import { seededRandom } from '../../../src/scenes/random.ts'
import { areaUnder, fitLogistic, quantile, scoreOf } from './fit.ts'
import { calibrated, FALSE_ALARMS } from './measure-limits.ts'
import { outside, SCENES, type PictureOf } from './pictures.ts'

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
