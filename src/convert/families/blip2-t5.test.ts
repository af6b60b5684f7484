import { describe, expect, it } from 'vitest'
import { countParameters } from '../checks.ts'
import { planConversion } from '../plan.ts'
import { readModel } from './families.ts'
import type { CheckpointModel } from './family.ts'

/** The hub's form for blip2-flan-t5-xl, as far as it matters. */
const XL = {
  model_type: 't5',
  d_ff: 5120,
  d_kv: 64,
  d_model: 2048,
  dense_act_fn: 'gelu',
  feed_forward_proj: 'gated-gelu',
  num_heads: 32,
  num_layers: 24,
  tie_word_embeddings: false,
}

const parse = (change: object = {}): CheckpointModel =>
  readModel({ model_type: 'blip-2', text_config: { ...XL, ...change } })

describe('the configuration of a BLIP-2 with T5', () => {
  // Shared embedding and head are two tables, unlike in a model that transformers 5 builds without weights.
  it.each([
    ['XL', {}, 3_942_446_592],
    ['XXL', { d_model: 4096, num_heads: 64, d_ff: 10240 }, 12_229_596_672],
  ])('plans exactly the published number of parameters of %s', (_, change, total) => {
    expect(countParameters(planConversion(parse(change), 'fp32').weights)).toBe(total)
  })

  it('says which licence the language model came with, of published ones', () => {
    expect(parse().licenceNotice).toMatch(/Flan-T5.*Apache License 2\.0/)
    expect(parse({ vocab_size: 192 }).licenceNotice).toBeUndefined()
  })

  it('takes the names that transformers takes for the same', () => {
    const { d_model: width, num_heads: heads, num_layers: layers, d_kv: size } = XL
    const others = {
      hidden_size: width,
      num_attention_heads: heads,
      num_hidden_layers: layers,
      head_dim: size,
    }
    const none = { d_model: undefined, num_heads: undefined, num_layers: undefined, d_kv: undefined }
    const shapes = (change: object): unknown => planConversion(parse(change), 'fp32').model
    expect(shapes({ ...none, ...others })).toEqual(shapes({}))
  })

  it.each([
    ['as it says', { decoder_start_token_id: 7, bos_token_id: 3 }, 7],
    ['with BOS where it does not say', { decoder_start_token_id: null, bos_token_id: 3 }, 3],
    ['with padding where there is no BOS', { pad_token_id: 2 }, 2],
  ])('starts answers %s', (_, change, id) => {
    const { model } = planConversion(parse(change), 'fp32')
    expect(model.family === 'blip2-t5' && model.parts['text-decoder'].shape.startId).toBe(id)
  })

  it.each([
    ['a start outside the vocabulary', { decoder_start_token_id: 32128 }, 'bad-checkpoint'],
    ['an end outside the vocabulary', { eos_token_id: [1, 99_999] }, 'bad-checkpoint'],
    ['answers without an end', { eos_token_id: 'none' }, 'bad-checkpoint'],
    ['two names with two values', { hidden_size: 4096 }, 'bad-checkpoint'],
    ['another feed-forward layer', { feed_forward_proj: 'relu' }, 'unsupported-model'],
    ['another activation', { dense_act_fn: 'silu' }, 'unsupported-model'],
    ['buckets that divide nothing', { relative_attention_num_buckets: 3 }, 'bad-checkpoint'],
    ['a head size that is no number', { d_kv: 'many' }, 'bad-checkpoint'],
  ])('refuses %s', (_, change, code) => {
    expect(() => parse(change)).toThrow(expect.objectContaining({ code }))
  })
})
