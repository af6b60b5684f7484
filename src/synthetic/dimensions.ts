/**
 * Shapes of made-up models, as a `config.json` says them. `full` is `opt-2.7b`; `launch-bound` is deep and narrow, so
 * that a step costs what its many launches cost, arithmetic being next to nothing.
 */
import { PUBLISHED, publishedConfig, type Layers, type Published } from './published.ts'

export const SIZES = [
  'tiny',
  'mini',
  'launch-bound',
  '2-layers',
  'full',
  'opt-6.7b-2-layers',
  'flan-t5-xxl-2-layers',
  ...PUBLISHED,
] as const
export type Size = (typeof SIZES)[number]

/** The `config.json` of a size. What it does not say is transformers' default, which is the published model's. */
export function configOf(size: Size): string {
  return JSON.stringify(isPublished(size) ? publishedConfig(size) : ownConfigs()[size])
}

function isPublished(size: Size): size is Published {
  return PUBLISHED.some((name) => name === size)
}

/** The same architecture, narrower; every width is a multiple of 32, so that all matrices are quantised. */
function narrow(scale: { hidden: number; text: number; layers: Layers; vocabulary: number }): object {
  const { hidden, text, layers, vocabulary } = scale
  return {
    architectures: ['Blip2ForConditionalGeneration'],
    model_type: 'blip-2',
    image_token_index: vocabulary - 1,
    num_query_tokens: 32,
    qformer_config: {
      model_type: 'blip_2_qformer',
      encoder_hidden_size: hidden,
      hidden_size: hidden,
      intermediate_size: 4 * hidden,
      num_attention_heads: hidden / 32,
      num_hidden_layers: layers.qFormer,
    },
    text_config: {
      model_type: 'opt',
      eos_token_id: vocabulary - 2,
      ffn_dim: 4 * text,
      hidden_size: text,
      num_attention_heads: text / 64,
      num_hidden_layers: layers.text,
      vocab_size: vocabulary,
      word_embed_proj_dim: text,
    },
    use_decoder_only_language_model: true,
    vision_config: {
      model_type: 'blip_2_vision_model',
      hidden_size: hidden,
      image_size: 56,
      intermediate_size: 4 * hidden,
      num_attention_heads: hidden / 32,
      num_hidden_layers: layers.vision,
    },
  }
}

function ownConfigs(): Record<Exclude<Size, Published>, object> {
  const two = { vision: 2, qFormer: 2, text: 2 }
  const narrowLayers = { vision: 1, qFormer: 2, text: 2 }
  return {
    tiny: narrow({ hidden: 64, text: 64, layers: narrowLayers, vocabulary: 512 }),
    'launch-bound': narrow({ hidden: 64, text: 64, layers: { ...narrowLayers, text: 24 }, vocabulary: 1024 }),
    mini: narrow({ hidden: 128, text: 512, layers: { ...two, text: 6 }, vocabulary: 8192 }),
    '2-layers': publishedConfig('opt-2.7b', two),
    'opt-6.7b-2-layers': publishedConfig('opt-6.7b', two),
    'flan-t5-xxl-2-layers': publishedConfig('flan-t5-xxl', two),
    full: publishedConfig('opt-2.7b'),
  }
}
