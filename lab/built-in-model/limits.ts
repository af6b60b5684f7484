/**
 * Does the built-in model know what it was not taught? Fits its sense of its limits and measures it:
 *   npx tsx lab/built-in-model/limits.ts [--scenes 400] [--captioned 150] [--pictures 45] [--attempts 40] [--again 20]
 *     [--photographs <folder>] [--icons <icons.json of an Iconify set>]… [--cache <file>]
 * Scenes are drawn from seeds that training had (to fit) and had not (to set the limits, and to count); pictures outside
 * are of many kinds, each of which is held out once. Writes `src/runtime/limits/drawn-scenes.json`, and what was counted
 * to `models/drawn-scenes/measurements.json`, of which `npm run card -- --parts ""` makes the card. What was
 * looked at is added to the cache as it comes: a run that was ended goes on, and one that asks for more looks at the rest.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { folderTree } from '../../src/cli/files.ts'
import { convertCheckpoint } from '../../src/convert/convert.ts'
import { preprocess } from '../../src/image/preprocess.ts'
import { sinkInMemory } from '../../src/pack/bytes.ts'
import { qFormerOf } from '../../src/pack/families.ts'
import { lookKey, type PackReader } from '../../src/pack/manifest.ts'
import { PRECISIONS, type Precision } from '../../src/pack/precisions.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { pooled } from '../../src/runtime/limits/limits.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import type { TalkingModel } from '../../src/runtime/models/model.ts'
import { FIRST_HELD_OUT_SEED } from '../../src/scenes/scene.ts'
import { packInMemory } from '../../testing/parity/reference.ts'
import { BUILT_IN, checkpointHash, type Measurements } from './card/measurements.ts'
import { captionOfSeen } from './captions.ts'
import type { Fitted } from './limits/fit.ts'
import { LookedAt } from './limits/looked-at.ts'
import { measureLimits, type LimitsData, type Sight } from './limits/measure-limits.ts'
import {
  AGAIN_SEEDS,
  ATTEMPTED_SEEDS,
  CAPTIONED_SEEDS,
  FITTED_SEEDS,
  outside,
  SCENES,
  SHOWN_ATTEMPTS,
  SHOWN_SCENES,
  shownOutside,
  type PictureOf,
  type ShownOf,
} from './limits/pictures.ts'
import { formatted } from './formatted.ts'

const { values } = parseArgs({
  options: {
    scenes: { type: 'string', default: '400' },
    pictures: { type: 'string', default: '45' },
    again: { type: 'string', default: '20' },
    attempts: { type: 'string', default: '40' },
    captioned: { type: 'string', default: '150' },
    photographs: { type: 'string' },
    icons: { type: 'string', multiple: true, default: [] },
    cache: { type: 'string' },
  },
})

const CHECKPOINT = 'models/drawn-scenes/checkpoint'
const [LIMITS, FIGURES] = ['src/runtime/limits/drawn-scenes.json', 'models/drawn-scenes/measurements.json']

async function packOf(precision: Precision): Promise<PackReader> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  await convertCheckpoint(folderTree(CHECKPOINT), sinkInMemory(files), { name: 'drawn-scenes', precision })
  return packInMemory(files)
}

/** Pictures from `count` seeds on, and what is said of them. */
async function sightsOf(
  model: TalkingModel,
  shownOf: ShownOf,
  from: number,
  count: number,
): Promise<Sight[]> {
  const found: Sight[] = []
  for (let seed = from; seed < from + count; seed += 1) {
    const shown = await shownOf(seed)
    if (shown === null) break
    const seen = await model.look.see(preprocess(shown.rows, model.manifest.preprocessing))
    const features = featuresOf(model, await seen.embeddings.read())
    const { text, ids, score } = await captionOfSeen(model, seen)
    found.push({
      features,
      logProbability: score * ids.length,
      tokens: ids.length,
      isTrue: shown.isTrue(text),
    })
  }
  return found
}

/** Features alone of pictures from `count` seeds on. */
async function featuresFrom(
  model: TalkingModel,
  pictureOf: PictureOf,
  from: number,
  count: number,
): Promise<Float32Array[]> {
  const found: Float32Array[] = []
  for (let seed = from; seed < from + count; seed += 1) {
    const rows = await pictureOf(seed)
    if (rows === null) break
    const { embeddings } = await model.look.see(preprocess(rows, model.manifest.preprocessing))
    found.push(featuresOf(model, await embeddings.read()))
    embeddings.dispose()
  }
  return found
}

function featuresOf({ manifest }: TalkingModel, embeddings: Float32Array): Float32Array {
  return pooled(embeddings, qFormerOf(manifest).shape.queries)
}

/** `one` of each kind. */
async function eachKind<Of, Found>(
  kinds: Readonly<Record<string, Of>>,
  one: (name: string, of: Of) => Promise<Found[]>,
): Promise<Record<string, Found[]>> {
  const found: Record<string, Found[]> = {}
  for (const [kind, of] of Object.entries(kinds)) {
    const all = await one(kind, of)
    found[kind] = all
    console.error(`${kind}: ${all.length}`)
  }
  return found
}

async function lookWith(pack: PackReader): Promise<LimitsData> {
  const model = await openTalkingModel(pack, await openCompute('wasm'))
  try {
    return await lookAtAll(model)
  } finally {
    await model.dispose()
  }
}

async function lookAtAll(model: TalkingModel): Promise<LimitsData> {
  const [scenes, captioned] = [Number(values.scenes), Number(values.captioned)]
  const [pictures, attempts, again] = [Number(values.pictures), Number(values.attempts), Number(values.again)]
  const { drawn, photographed } = SCENES
  const beyond = outside(values)
  const seen = new LookedAt<Float32Array>(values.cache)
  const said = new LookedAt<Sight>(values.cache)
  const features = (name: string, of: PictureOf, from: number, count: number): Promise<Float32Array[]> =>
    seen.upTo(`features, ${name}`, from, count, (first, rest) => featuresFrom(model, of, first, rest))
  const sights = (name: string, of: ShownOf, from: number, count: number): Promise<Sight[]> =>
    said.upTo(`sights, ${name}`, from, count, (first, rest) => sightsOf(model, of, first, rest))
  const calibrating = await eachKind(SCENES, (name, pictureOf) =>
    features(name, pictureOf, FIRST_HELD_OUT_SEED, scenes),
  )
  return {
    trained: [
      ...(await features('drawn', drawn, 0, scenes)),
      ...(await features('photographed', photographed, 40_000, 2 * scenes)),
    ],
    calibrating: Object.values(calibrating).flat(),
    scenes: await eachKind(SHOWN_SCENES, (name, of) => sights(name, of, CAPTIONED_SEEDS, captioned)),
    outside: await eachKind(beyond, (name, of) => features(name, of, FITTED_SEEDS, pictures)),
    attempts: await eachKind(SHOWN_ATTEMPTS, (name, of) => sights(name, of, ATTEMPTED_SEEDS, attempts)),
    again: await eachKind(shownOutside(beyond), (name, of) => sights(name, of, AGAIN_SEEDS, again)),
  }
}

async function write(path: string, value: unknown): Promise<void> {
  const text = JSON.stringify(value)
  writeFileSync(path, await formatted(path, text))
}

async function main(): Promise<void> {
  const pack = await packOf(BUILT_IN)
  const { shipped, figures } = measureLimits(await lookWith(pack))
  const looks: string[] = []
  for (const precision of PRECISIONS)
    looks.push(lookKey((precision === BUILT_IN ? pack : await packOf(precision)).manifest))
  const digits = (value: number): number => Number(value.toPrecision(5))
  const rounded = ({ weights, bias }: Fitted): { weights: number[]; bias: number } => ({
    weights: Array.from(weights, digits),
    bias: digits(bias),
  })
  await write(LIMITS, {
    looks: [...new Set(looks)],
    ...rounded(shipped.picture),
    caption: rounded(shipped.caption),
  })
  const measurements = JSON.parse(readFileSync(FIGURES, 'utf8')) as Measurements
  await write(FIGURES, { ...measurements, limits: { checkpoint: checkpointHash(CHECKPOINT), ...figures } })
  console.log(JSON.stringify(figures, null, 1))
}

await main()
