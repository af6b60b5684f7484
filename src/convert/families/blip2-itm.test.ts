import { describe, expect, it } from 'vitest'
import { countParameters } from '../checks.ts'
import { planConversion } from '../plan.ts'
import { parseConfig } from './config-json.ts'
import { readModel } from './families.ts'
import type { CheckpointModel } from './family.ts'

/** The hub's current form for blip2-itm-vit-g, as far as it matters. */
const PUBLISHED = {
  architectures: ['Blip2ForImageTextRetrieval'],
  model_type: 'blip-2',
  image_text_hidden_size: 256,
  num_query_tokens: 32,
  qformer_config: { model_type: 'blip_2_qformer', vocab_size: 30523, use_qformer_text_input: true },
  text_config: { model_type: 'opt' },
  vision_config: { model_type: 'blip_2_vision_model' },
}

const parse = (change: object = {}): CheckpointModel =>
  readModel(parseConfig(JSON.stringify({ ...PUBLISHED, ...change })))

describe('a BLIP-2 of stage 1', () => {
  it.each([
    [224, 1_172_032_258],
    [364, 1_172_623_618],
  ])('plans exactly the published tensors at %i pixels, and nothing of a language model', (size, total) => {
    const { weights } = planConversion(parse({ vision_config: { image_size: size } }), 'fp32')
    const sources = weights.flatMap(({ recipes }) => recipes.flatMap((recipe) => recipe.sources))
    expect(new Set(sources.map(({ tensor }) => tensor)).size).toBe(809)
    expect(countParameters(weights)).toBe(total)
  })

  it('stores the text half as the query half, the words as a table and the two rows of matching as they are', () => {
    const { weights } = planConversion(parse(), 'q4')
    const recipes = weights.flatMap((plan) => plan.recipes)
    const bits = (tensor: string): number | undefined => {
      const recipe = recipes.find(({ sources }) => sources.some((source) => source.tensor === tensor))
      return recipe?.kind === 'quantise' ? recipe.bits : undefined
    }
    for (const part of ['intermediate', 'intermediate_query'])
      expect(bits(`qformer.encoder.layer.3.${part}.dense.weight`)).toBe(8)
    expect(bits('embeddings.word_embeddings.weight')).toBe(8)
    expect(bits('embeddings.position_embeddings.weight')).toBeUndefined()
    expect(bits('itm_head.weight')).toBeUndefined()
  })

  it.each<[string, object, string]>([
    ['one that reads no text', { qformer_config: { vocab_size: 30523 } }, 'unsupported-model'],
    ['vectors of no width', { image_text_hidden_size: 0 }, 'bad-checkpoint'],
    [
      'an impossible vocabulary',
      { qformer_config: { vocab_size: 'many', use_qformer_text_input: true } },
      'bad-checkpoint',
    ],
  ])('refuses %s', (_, change, code) => {
    expect(() => parse(change)).toThrow(expect.objectContaining({ code }))
  })
})
