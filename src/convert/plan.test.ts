import { expect, it } from 'vitest'
import type { Precision } from '../pack/manifest.ts'
import { configOf } from '../synthetic/dimensions.ts'
import { parseConfig } from './families/config-json.ts'
import { readModel } from './families/families.ts'
import { planConversion } from './plan.ts'

/** Matrices of a small model → bits. */
function bitsOf(precision: Precision): Map<string, number> {
  const recipes = planConversion(readModel(parseConfig(configOf('mini'))), precision).weights.flatMap(
    (plan) => plan.recipes,
  )
  return new Map(
    recipes.flatMap((recipe) =>
      recipe.kind === 'quantise' ? recipe.sources.map(({ tensor }) => [tensor, recipe.bits] as const) : [],
    ),
  )
}

const EIGHT = /^(qformer\.|language_projection|.*embed_tokens)/

it.each<Precision>(['q4', 'q4f16'])('keeps 8 bits in %s where they do most for their bytes', (precision) => {
  const bits = bitsOf(precision)
  const kept = [...bits].filter(([, count]) => count === 8).map(([tensor]) => tensor)
  expect(kept).toEqual([...bits.keys()].filter((tensor) => EIGHT.test(tensor)))
  expect(kept).toContain('language_model.model.decoder.embed_tokens.weight')
  expect(bits.get('vision_model.encoder.layers.0.mlp.fc1.weight')).toBe(4)
  expect(bits.get('language_model.model.decoder.layers.0.fc1.weight')).toBe(4)
})

it.each([
  ['opt-2.7b', 32, 32, 32],
  ['opt-6.7b', 64, 64, 128],
] as const)(
  'lets weights of %s share scales by %i in the table, %i and %i',
  (name, table, reading, writing) => {
    const blocks = (precision: Precision): Map<string, number> => {
      const { weights } = planConversion(readModel(parseConfig(configOf(name))), precision)
      const quantised = weights
        .flatMap(({ recipes }) => recipes)
        .filter((recipe) => recipe.kind === 'quantise')
      return new Map(
        quantised.flatMap(({ sources, blockSize }) =>
          sources.map(({ tensor }) => [tensor, blockSize] as const),
        ),
      )
    }
    const decoder = 'language_model.model.decoder'
    const four = blocks('q4f16')
    expect(four.get(`${decoder}.embed_tokens.weight`)).toBe(table)
    expect(four.get(`${decoder}.layers.3.self_attn.v_proj.weight`)).toBe(reading)
    expect(four.get(`${decoder}.layers.3.fc1.weight`)).toBe(reading)
    expect(four.get(`${decoder}.layers.3.self_attn.out_proj.weight`)).toBe(writing)
    expect(four.get(`${decoder}.layers.3.fc2.weight`)).toBe(writing)
    expect(blocks('q8').get(`${decoder}.layers.3.fc2.weight`)).toBe(32)
  },
)

it('has 8 bits everywhere in q8, and no blocks in fp32 and fp16', () => {
  expect(new Set(bitsOf('q8').values())).toEqual(new Set([8]))
  expect(bitsOf('fp32').size + bitsOf('fp16').size).toBe(0)
})
