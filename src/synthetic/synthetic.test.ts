import { expect, it } from 'vitest'
import { convertCheckpoint } from '../convert/convert.ts'
import { sinkInMemory } from '../pack/bytes.ts'
import { readModel } from '../convert/families/families.ts'
import { planConversion } from '../convert/plan.ts'
import { syntheticCheckpoint, syntheticTree } from './checkpoint.ts'
import { configOf } from './dimensions.ts'
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

it('has the shapes of the published model at full size, and a pack of at most 2.3 GB', () => {
  const { weights } = planConversion(readModel(configOf('full')), 'q4f16')
  const sources = weights.flatMap(({ recipes }) => recipes.flatMap((recipe) => recipe.sources))
  const elements = sources.map(({ shape }) => shape.reduce((product, size) => product * size, 1))
  expect(elements.reduce((sum, count) => sum + count, 0)).toBe(3_744_761_856)
  expect(weights.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(2.3e9)
})

it('refuses sizes that it does not know', () => {
  expect(syntheticCheckpoint('models/reference')).toBeNull()
  expect(() => syntheticCheckpoint('synthetic:huge')).toThrow('sizes tiny, mini')
})
