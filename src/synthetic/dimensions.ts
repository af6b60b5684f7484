/**
 * Shapes of made-up models, as a `config.json` says them. Widths are those of `blip2-opt-2.7b` in the last two;
 * `launch-bound` is deep and narrow, so that a step costs what its many launches cost, arithmetic being next to nothing.
 */

/** Layers of each part. */
export interface Layers {
  vision: number
  qFormer: number
  text: number
}

export const SIZES = ['tiny', 'mini', 'launch-bound', '2-layers', 'full'] as const
export type Size = (typeof SIZES)[number]

/** The `config.json` of a size. What it does not say is transformers' default, which is the published model's. */
export function configOf(size: Size): string {
  return JSON.stringify(CONFIGS[size])
}

/** As the hub's current file has it, with so many layers. */
export function ofPublishedWidths({ vision, qFormer, text }: Layers): object {
  return {
    architectures: ['Blip2ForConditionalGeneration'],
    model_type: 'blip-2',
    image_token_index: 50265,
    num_query_tokens: 32,
    qformer_config: { model_type: 'blip_2_qformer', num_hidden_layers: qFormer },
    text_config: {
      model_type: 'opt',
      eos_token_id: 50118,
      ffn_dim: 10240,
      hidden_size: 2560,
      num_attention_heads: 32,
      num_hidden_layers: text,
      vocab_size: 50304,
      word_embed_proj_dim: 2560,
    },
    use_decoder_only_language_model: true,
    vision_config: { model_type: 'blip_2_vision_model', num_hidden_layers: vision },
  }
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

const CONFIGS: Record<Size, object> = {
  tiny: narrow({ hidden: 64, text: 64, layers: { vision: 1, qFormer: 2, text: 2 }, vocabulary: 512 }),
  'launch-bound': narrow({
    hidden: 64,
    text: 64,
    layers: { vision: 1, qFormer: 2, text: 24 },
    vocabulary: 1024,
  }),
  mini: narrow({ hidden: 128, text: 512, layers: { vision: 2, qFormer: 2, text: 6 }, vocabulary: 8192 }),
  '2-layers': ofPublishedWidths({ vision: 2, qFormer: 2, text: 2 }),
  full: ofPublishedWidths({ vision: 39, qFormer: 12, text: 32 }),
}
