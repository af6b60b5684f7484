import { expect, it } from 'vitest'
import { chunkSizes, CHUNK_BYTES } from '../pack/chunks.ts'
import { PRECISIONS } from '../pack/precisions.ts'
import { parseConfig } from './families/config-json.ts'
import { readModel } from './families/families.ts'
import { planConversion } from './plan.ts'
import { outputsOf, type WeightsPlan } from './weights.ts'

const VISION = { vision_config: {}, num_query_tokens: 32 }
const CHAT = {
  ...VISION,
  architectures: ['Blip2ForConditionalGeneration'],
  model_type: 'blip-2',
  text_config: { model_type: 'opt', hidden_size: 2560, num_attention_heads: 32, num_hidden_layers: 1 },
}
const RETRIEVAL = {
  ...VISION,
  architectures: ['Blip2ForImageTextRetrieval'],
  model_type: 'blip-2',
  qformer_config: { vocab_size: 30523, use_qformer_text_input: true },
}

/** Of the vision encoder at its published size. */
function towerOf(config: object, precision: (typeof PRECISIONS)[number]): WeightsPlan {
  const plans = planConversion(readModel(parseConfig(JSON.stringify(config))), precision).weights
  const tower = plans.find(({ path }) => path === 'vision.weights')
  if (tower === undefined) throw new Error('There is no vision encoder.')
  return tower
}

it.each(PRECISIONS)(
  'a chat model and one of stage 1 over the same frozen tower have all its chunks but the last in common: %s',
  (precision) => {
    const [chat, retrieval] = [towerOf(CHAT, precision), towerOf(RETRIEVAL, precision)]
    // What lies where, and made of what, is the same to the last byte, so that equal tensors are equal chunks.
    expect(retrieval).toEqual(chat)
    // The one thing that training changes lies within the last chunk.
    const own = chat.recipes.filter(({ sources }) =>
      sources.some(({ tensor }) => tensor.startsWith('vision_model.post_layernorm.')),
    )
    const starts = own.flatMap(outputsOf).map(({ offset }) => offset)
    const sizes = chunkSizes(chat.bytes)
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(CHUNK_BYTES * (sizes.length - 1))
    expect(sizes.length).toBeGreaterThan(30)
  },
)
