import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { countParameters } from '../convert/checks.ts'
import { convertCheckpoint } from '../convert/convert.ts'
import { inspectCheckpoint } from '../convert/inspect.ts'
import { captionWork } from '../pack/caption-work.ts'
import { languageLicenceOf } from '../pack/licences.ts'
import { sinkInMemory } from '../pack/bytes.ts'
import { parseConfig } from '../convert/families/config-json.ts'
import { readModel } from '../convert/families/families.ts'
import { planConversion } from '../convert/plan.ts'
import { syntheticCheckpoint, syntheticTree } from './checkpoint.ts'
import { parseCatalogue } from '../state/catalogue.ts'
import { configOf } from './dimensions.ts'
import { PUBLISHED, type Published } from './published.ts'
import { valueSource } from './values.ts'

const NAME = 'language_model.model.decoder.layers.0.fc2.weight'

function deviation(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
}

it('gives the same values in whatever stretches they are asked for', () => {
  const whole = valueSource(1).values(NAME, [70, 30], 0, 2100)
  const again = valueSource(1)
  const pieces = [0, 7, 31, 1999].map((first, i, all) =>
    again.values(NAME, [70, 30], first, (all[i + 1] ?? 2100) - first),
  )
  expect(pieces.flatMap((piece) => [...piece])).toEqual([...whole])
  expect(valueSource(2).values(NAME, [70, 30], 0, 2100)).not.toEqual(whole)
  // Those of its own seed, whichever seed was asked for before.
  expect([...valueSource(2).values(NAME, [70, 30], 0, 3)]).toEqual([
    -0.02061590552330017, -0.057704370468854904, 0.010030119679868221,
  ])
})

it('looks like weights: narrow, a scale for each channel, few outliers, norms about one', () => {
  const source = valueSource(1)
  const rows = Array.from({ length: 512 }, (_, row) =>
    deviation(source.values(NAME, [512, 1024], row * 1024, 1024)),
  )
  const usual = rows.toSorted((a, b) => a - b)[256] ?? 0
  expect(usual).toBeGreaterThan(0.01)
  expect(usual).toBeLessThan(0.04)
  expect(rows.filter((row) => row > 4 * usual)).toHaveLength(1)
  const norm = source.values('vision_model.post_layernorm.weight', [1408], 0, 1408)
  expect(norm.reduce((sum, value) => sum + value, 0) / 1408).toBeCloseTo(1, 1)
})

it('is a checkpoint that the converter takes, the same pack every time', async () => {
  const convert = async (seed: number): Promise<string[]> => {
    const options = { precision: 'q4f16', name: 'synthetic' } as const
    const { files } = await convertCheckpoint(syntheticTree('tiny', seed), sinkInMemory(new Map()), options)
    return files.flatMap(({ chunks }) => chunks.map(({ sha256 }) => sha256))
  }
  const first = await convert(1)
  expect(await convert(1)).toEqual(first)
  expect(await convert(2)).not.toEqual(first)
})

// Parameters as blip2.md 1.7 counts them, embedding and head of T5 as two tables; the most that a q4f16 pack may have.
it.each<[Published, number, number]>([
  ['opt-2.7b', 3_744_761_856, 2.3e9],
  ['opt-2.7b-coco', 3_745_271_296, 2.3e9],
  ['opt-6.7b', 7_752_869_376, 4.3e9],
  ['opt-6.7b-coco', 7_753_329_664, 4.3e9],
  ['flan-t5-xl', 3_942_446_592, 2.4e9],
  ['flan-t5-xl-coco', 3_943_037_952, 2.4e9],
  ['flan-t5-xxl', 12_229_596_672, 7.2e9],
  // ViT-L: 290,583,552 with the norm behind it, and keys and values of 1024 instead of 1408 in six layers of the Q-Former.
  ['flan-t5-xl-vitL', 3_243_538_944, 2e9],
  ['itm-vit-g', 1_172_032_258, 1e9],
  ['itm-vit-g-coco', 1_172_623_618, 1e9],
  ['itm-vitL', 473_124_610, 4e8],
])('has the parameters of %s, and a small enough pack', (name, parameters, mostBytes) => {
  const { weights, graphs } = planConversion(readModel(parseConfig(configOf(name))), 'q4f16')
  expect(countParameters(weights)).toBe(parameters)
  const bytes = [...weights.map((file) => file.bytes), ...graphs.map((file) => file.bytes.length)]
  expect(bytes.reduce((sum, count) => sum + count, 0)).toBeLessThan(mostBytes)
})

it.each(PUBLISHED)('has a header that the converter takes, for %s', async (name) => {
  const { pack, likely } = await inspectCheckpoint(syntheticTree(name, 1), 'q4f16')
  const family = ['opt', 'itm'].find((kind) => name.startsWith(kind)) ?? 't5'
  expect(pack.family).toBe(`blip2-${family}`)
  expect(likely.fetchBytes).toBeGreaterThan(family === 'itm' ? 1.8e9 : 13e9)
})

const LAVIS = 'https://storage.googleapis.com/sfr-vision-language-research/LAVIS/models/BLIP2/'

/** Of a file of LAVIS with what it leaves out behind it. */
function addressOf(name: Published): string {
  const file = (model: string, rest: string): string =>
    `${LAVIS}blip2_pretrained_${model}.pth ${LAVIS}clip_vit_L.pth hub:${rest}`
  if (name === 'flan-t5-xl-vitL') return file('flant5xl_vitL', 'google/flan-t5-xl')
  return name === 'itm-vitL' ? file('vitL', 'google-bert/bert-base-uncased') : `Salesforce/blip2-${name}`
}

it('is what the page offers: each published model, with what is fetched and kept of it', async () => {
  const { models } = parseCatalogue(JSON.parse(await readFile('public/models.json', 'utf8')))
  expect(models.map(({ address }) => address)).toEqual(PUBLISHED.map(addressOf))
  for (const [i, model] of models.entries()) {
    const { pack, likely } = await inspectCheckpoint(
      syntheticTree(PUBLISHED[i] ?? 'tiny', 1),
      model.precision,
    )
    const { licence, ...numbers } = model.costs ?? { licence: null }
    expect(licence).toBe(languageLicenceOf(pack))
    const work = pack.family === 'blip2-itm' ? null : captionWork(pack)
    expect(model.costs?.work == null).toBe(work === null)
    const exact = { fetchBytes: likely.fetchBytes, keepBytes: likely.keepBytes, ...work }
    const said = Object.entries({ ...numbers, ...model.costs?.work }).filter(([name]) => name !== 'work')
    expect(said.map(([name]) => name).sort()).toEqual(Object.keys(exact).sort())
    for (const [name, value] of said) {
      const is = Number(exact[name as keyof typeof exact])
      expect([name, Math.abs(Number(value) / is - 1) < 0.01]).toEqual([name, true])
    }
  }
})

it('refuses sizes that it does not know', () => {
  expect(syntheticCheckpoint('models/reference')).toBeNull()
  expect(() => syntheticCheckpoint('synthetic:huge')).toThrow('sizes tiny, mini')
})
