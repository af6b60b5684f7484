/**
 * Does the built-in model know what it was not taught? Fits its sense of its limits and measures it:
 *   npx tsx lab/built-in-model/limits.ts [--scenes 400] [--pictures 45] [--again 20] [--photographs <folder>]
 *     [--icons <icons.json of an Iconify set>]… [--cache <file>]
 * Scenes are drawn from seeds that training had (to fit) and had not (to set the limit, and to count); pictures outside
 * are of many kinds, each of which is held out once. Writes `src/runtime/limits/drawn-scenes.json`, and what was counted
 * to `models/drawn-scenes/measurements.json`, of which `npm run card -- --parts ""` makes the card.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
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
import { measureLimits, type ByKind, type LimitsData } from './limits/measure-limits.ts'
import { AGAIN_SEEDS, FITTED_SEEDS, outside, SCENES, type PictureOf } from './limits/pictures.ts'
import { formatted } from './formatted.ts'

const { values } = parseArgs({
  options: {
    scenes: { type: 'string', default: '400' },
    pictures: { type: 'string', default: '45' },
    again: { type: 'string', default: '20' },
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

/** Features of pictures from `count` seeds on. */
async function look(
  { look: eyes, manifest }: TalkingModel,
  pictureOf: PictureOf,
  from: number,
  count: number,
): Promise<Float32Array[]> {
  const found: Float32Array[] = []
  for (let seed = from; seed < from + count; seed += 1) {
    const rows = await pictureOf(seed)
    if (rows === null) break
    const { embeddings } = await eyes.see(preprocess(rows, manifest.preprocessing))
    found.push(pooled(await embeddings.read(), qFormerOf(manifest).shape.queries))
    embeddings.dispose()
  }
  return found
}

async function lookAtAll(model: TalkingModel): Promise<LimitsData> {
  const [scenes, pictures, again] = [Number(values.scenes), Number(values.pictures), Number(values.again)]
  const each = async (kinds: Record<string, PictureOf>, from: number, count: number): Promise<ByKind> => {
    const found: Record<string, Float32Array[]> = {}
    for (const [kind, pictureOf] of Object.entries(kinds)) {
      found[kind] = await look(model, pictureOf, from, count)
      console.error(`${kind}: ${found[kind].length}`)
    }
    return found
  }
  const { drawn, photographed } = SCENES
  const trained = [
    ...(await look(model, drawn, 0, scenes)),
    ...(await look(model, photographed, 40_000, 2 * scenes)),
  ]
  const beyond = outside({ icons: values.icons, photographs: values.photographs })
  return {
    trained,
    scenes: await each(SCENES, FIRST_HELD_OUT_SEED, scenes),
    outside: await each(beyond, FITTED_SEEDS, pictures),
    again: await each(beyond, AGAIN_SEEDS, again),
  }
}

async function write(path: string, value: unknown): Promise<void> {
  const text = JSON.stringify(value)
  writeFileSync(path, await formatted(path, text))
}

async function main(): Promise<void> {
  const pack = await packOf(BUILT_IN)
  const data = await cached(async () => {
    const model = await openTalkingModel(pack, await openCompute('wasm'))
    try {
      return await lookAtAll(model)
    } finally {
      await model.dispose()
    }
  })
  const { shipped, figures } = measureLimits(data)
  const looks: string[] = []
  for (const precision of PRECISIONS)
    looks.push(lookKey((precision === BUILT_IN ? pack : await packOf(precision)).manifest))
  const digits = (value: number): number => Number(value.toPrecision(5))
  await write(LIMITS, {
    looks: [...new Set(looks)],
    weights: Array.from(shipped.weights, digits),
    bias: digits(shipped.bias),
  })
  const measurements = JSON.parse(readFileSync(FIGURES, 'utf8')) as Measurements
  await write(FIGURES, { ...measurements, limits: { checkpoint: checkpointHash(CHECKPOINT), ...figures } })
  console.log(JSON.stringify(figures, null, 1))
}

/** What was looked at, from a file where one is named and there. */
async function cached(make: () => Promise<LimitsData>): Promise<LimitsData> {
  const { cache } = values
  if (cache !== undefined && existsSync(cache))
    return JSON.parse(readFileSync(cache, 'utf8'), (_, value: unknown) =>
      Array.isArray(value) && typeof value[0] === 'number' ? Float32Array.from(value as number[]) : value,
    ) as LimitsData
  const data = await make()
  if (cache !== undefined)
    writeFileSync(
      cache,
      JSON.stringify(data, (_, value: unknown) =>
        value instanceof Float32Array ? Array.from(value) : value,
      ),
    )
  return data
}

await main()
