/**
 * Would stage 1 know better what the built-in model was not taught? Its matching score and its likeness of a picture and
 * the caption that the talking model wrote of it, against the measure that is shipped (`src/runtime/limits`):
 *   npx tsx lab/built-in-model/limits-by-matching.ts [--scenes 200] [--pictures 12]
 * Scenes and pictures come from seeds that neither training nor the shipped measure had. Prints a table.
 */
import { parseArgs } from 'node:util'
import { openPackFolder } from '../../src/cli/files.ts'
import { preprocess } from '../../src/image/preprocess.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { outsideOf } from '../../src/runtime/limits/limits.ts'
import { openRetrievalModel, openTalkingModel } from '../../src/runtime/models/models.ts'
import type { TalkingModel } from '../../src/runtime/models/model.ts'
import type { RetrievalModel } from '../../src/runtime/models/retrieval.ts'
import { FIRST_HELD_OUT_SEED } from '../../src/scenes/scene.ts'
import { captionOfSeen } from './captions.ts'
import { areaUnder, fitLogistic, quantile, scoreOf } from './limits/fit.ts'
import { FALSE_ALARMS } from './limits/measure-limits.ts'
import { outside, SCENES, type PictureOf } from './limits/pictures.ts'

const { values } = parseArgs({
  options: { scenes: { type: 'string', default: '200' }, pictures: { type: 'string', default: '12' } },
})

/** Behind all seeds that the shipped measure was fitted to, calibrated with or counted on. */
const [SCENES_FROM, PICTURES_FROM] = [FIRST_HELD_OUT_SEED + 50_000, 9_000_000]

interface Models {
  talking: TalkingModel
  comparing: RetrievalModel
}

/** Of each measure how far a picture lies outside by it: higher is farther. */
const MEASURES = ['shipped', 'matching', 'likeness'] as const
type Scores = Record<(typeof MEASURES)[number], number>

async function scoresOf({ talking, comparing }: Models, pictureOf: PictureOf, seed: number): Promise<Scores> {
  const rows = await pictureOf(seed)
  if (rows === null) throw new Error(`There is no picture of seed ${seed}.`)
  const pixels = preprocess(rows, talking.manifest.preprocessing)
  const looked = await talking.look.see(pixels)
  const share = outsideOf(talking.manifest, await looked.embeddings.read()) ?? NaN
  const { text } = await captionOfSeen(talking, looked)
  const seen = await comparing.encode(preprocess(rows, comparing.manifest.preprocessing))
  const [match] = await comparing.match(seen, [text])
  seen.features.dispose()
  const [no = NaN, yes = NaN] = match?.logits ?? []
  return { shipped: Math.log(share / (1 - share)), matching: no - yes, likeness: -(match?.itc ?? NaN) }
}

async function scoresOfKinds(
  models: Models,
  kinds: Record<string, PictureOf>,
  from: number,
  count: number,
): Promise<Map<string, Scores[]>> {
  const found = new Map<string, Scores[]>()
  for (const [kind, pictureOf] of Object.entries(kinds)) {
    const scores: Scores[] = []
    for (let i = 0; i < count; i += 1) scores.push(await scoresOf(models, pictureOf, from + i))
    found.set(kind, scores)
    console.error(`${kind}: ${count}`)
  }
  return found
}

/** Area under the ROC curve, and what is caught where so few scenes lie above as the shipped limit was set for. */
function report(name: string, inside: readonly number[], out: ReadonlyMap<string, readonly number[]>): void {
  const limit = quantile(inside, 1 - FALSE_ALARMS)
  const all = [...out.values()].flat()
  const caught = (scores: readonly number[]): string =>
    ((100 * scores.filter((score) => score > limit).length) / scores.length).toFixed(0)
  console.log(`${name}: area ${areaUnder(inside, all).toFixed(3)}, caught ${caught(all)} %`)
  console.log(`  ${[...out].map(([kind, scores]) => `${kind} ${caught(scores)}`).join(', ')}`)
}

const vector = (scores: Scores): Float32Array => Float32Array.from(MEASURES, (name) => scores[name])

async function main(): Promise<void> {
  const compute = await openCompute('wasm')
  const models: Models = {
    talking: await openTalkingModel(await openPackFolder('public/models/drawn-scenes'), compute),
    comparing: await openRetrievalModel(
      await openPackFolder('public/models/drawn-scenes-retrieval'),
      compute,
    ),
  }
  const kinds = outside({ icons: [], photographs: undefined })
  const scenes = await scoresOfKinds(models, SCENES, SCENES_FROM, Number(values.scenes))
  const others = await scoresOfKinds(models, kinds, PICTURES_FROM, Number(values.pictures))
  const inside = [...scenes.values()].flat()
  for (const name of MEASURES) {
    const out = new Map([...others].map(([kind, scores]) => [kind, scores.map((one) => one[name])]))
    report(
      name,
      inside.map((one) => one[name]),
      out,
    )
  }
  // All three together, fitted to every other picture and counted on the rest.
  const half = (scores: readonly Scores[], rest: 0 | 1): Float32Array[] =>
    scores.filter((_, i) => i % 2 === rest).map(vector)
  const together = fitLogistic(half(inside, 0), half([...others.values()].flat(), 0))
  const scored = (scores: readonly Scores[]): number[] =>
    half(scores, 1).map((features) => scoreOf(together, features))
  report('together', scored(inside), new Map([...others].map(([kind, scores]) => [kind, scored(scores)])))
  await models.talking.dispose()
  await models.comparing.dispose()
}

await main()
