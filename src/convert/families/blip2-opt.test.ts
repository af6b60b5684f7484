import { describe, expect, it } from 'vitest'
import { parseConfig } from './config-json.ts'
import { readModel } from './families.ts'
import type { CheckpointModel } from './family.ts'
import { countParameters } from '../checks.ts'
import { planConversion } from '../plan.ts'

/** The hub's current short form for blip2-opt-2.7b, as far as it matters. */
const SHORT = {
  architectures: ['Blip2ForConditionalGeneration'],
  model_type: 'blip-2',
  image_token_index: 50265,
  num_query_tokens: 32,
  qformer_config: { model_type: 'blip_2_qformer' },
  text_config: {
    model_type: 'opt',
    eos_token_id: 50118,
    ffn_dim: 10240,
    hidden_size: 2560,
    num_attention_heads: 32,
    num_hidden_layers: 32,
    vocab_size: 50304,
    word_embed_proj_dim: 2560,
  },
  vision_config: { model_type: 'blip_2_vision_model' },
}

const parse = (change: object = {}): CheckpointModel => readModel({ ...SHORT, ...change })

describe('a BLIP-2 with OPT', () => {
  it('supplies the defaults that the short form leaves out', () => {
    expect(planConversion(parse(), 'q4').model.parts).toMatchObject({
      vision: {
        shape: { imageSize: 224, patchSize: 14, hiddenSize: 1408, layers: 39, heads: 16, tokens: 257 },
      },
      'q-former': { shape: { queries: 32, hiddenSize: 768, layers: 12, heads: 12, embeddingSize: 2560 } },
      decoder: {
        shape: { headSize: 80, cacheHeadSize: 80, positions: 2048, bosId: 2, eosIds: [50118], padId: 1 },
      },
    })
  })

  it.each([
    [50304, 3_744_761_856],
    [50272, 3_744_679_936],
  ])('plans exactly the published number of parameters for %i rows', (rows, total) => {
    const config = parse({ text_config: { ...SHORT.text_config, vocab_size: rows } })
    expect(countParameters(planConversion(config, 'fp32').weights)).toBe(total)
  })

  it('plans a q4f16 pack of the full model below 2.3 GB', () => {
    const bytes = planConversion(parse(), 'q4f16').weights.reduce((sum, { bytes }) => sum + bytes, 0)
    expect(bytes).toBeLessThan(2.3e9)
  })

  it.each<[string, object, string]>([
    ['T5', { text_config: { model_type: 't5' } }, 'unsupported-model'],
    ['InstructBLIP', { architectures: ['InstructBlipForConditionalGeneration'] }, 'unsupported-model'],
    ['a retrieval checkpoint', { qformer_config: { use_qformer_text_input: true } }, 'unsupported-model'],
    ['another model', { model_type: 'clip' }, 'unsupported-model'],
    [
      'post-norm OPT',
      { text_config: { ...SHORT.text_config, do_layer_norm_before: false } },
      'unsupported-model',
    ],
    ['another activation', { vision_config: { hidden_act: 'quick_gelu' } }, 'unsupported-model'],
    [
      'an ending outside the vocabulary',
      { text_config: { ...SHORT.text_config, eos_token_id: 60000 } },
      'bad-checkpoint',
    ],
    ['no ending', { text_config: { ...SHORT.text_config, eos_token_id: [] } }, 'bad-checkpoint'],
    ['a size that is no number', { vision_config: { hidden_size: 'many' } }, 'bad-checkpoint'],
    ['a negative size', { num_query_tokens: -1 }, 'bad-checkpoint'],
    ['heads that do not divide', { vision_config: { num_attention_heads: 7 } }, 'bad-checkpoint'],
    ['a section that is no object', { vision_config: [] }, 'bad-checkpoint'],
  ])('refuses %s', (_, change, code) => {
    expect(() => parse(change)).toThrow(expect.objectContaining({ code }))
  })

  it.each(['', 'null', '[]', '{'])('refuses the text %j', (text) => {
    expect(() => parseConfig(text)).toThrow(expect.objectContaining({ code: 'bad-checkpoint' }))
  })
})
