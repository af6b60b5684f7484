import { expect, it } from 'vitest'
import type { Precision } from '../pack/manifest.ts'
import { configOf } from '../synthetic/dimensions.ts'
import { readModel } from './families/families.ts'
import { planConversion } from './plan.ts'

/** Matrices of a small model → bits. */
function bitsOf(precision: Precision): Map<string, number> {
  const recipes = planConversion(readModel(configOf('mini')), precision).weights.flatMap(
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

it('has 8 bits everywhere in q8, and no blocks in fp32 and fp16', () => {
  expect(new Set(bitsOf('q8').values())).toEqual(new Set([8]))
  expect(bitsOf('fp32').size + bitsOf('fp16').size).toBe(0)
})
