/** Shapes of the published models (blip2.md 1 and 2), as their `config.json` says them; layers may be fewer. */

/** Layers of each part; of T5 as many in the encoder as in the decoder. */
export interface Layers {
  vision: number
  qFormer: number
  text: number
}

export const PUBLISHED = [
  'opt-2.7b',
  'opt-2.7b-coco',
  'opt-6.7b',
  'opt-6.7b-coco',
  'flan-t5-xl',
  'flan-t5-xl-coco',
  'flan-t5-xxl',
] as const
/** What the hub calls `Salesforce/blip2-` and this. */
export type Published = (typeof PUBLISHED)[number]

const TEXT_LAYERS = { opt: 32, t5: 24 } as const

/** The `config.json` of a published model. What it does not say is transformers' default. */
export function publishedConfig(name: Published, layers?: Layers): object {
  const tuned = name.endsWith('-coco')
  const kind = name.startsWith('opt') ? 'opt' : 't5'
  const { vision, qFormer, text } = layers ?? { vision: 39, qFormer: 12, text: TEXT_LAYERS[kind] }
  return {
    architectures: ['Blip2ForConditionalGeneration'],
    model_type: 'blip-2',
    // The checkpoints that were tuned for captions are in the layout of 2023: no token stands for the picture.
    ...(!tuned && { image_token_index: kind === 'opt' ? 50265 : 32100 }),
    num_query_tokens: 32,
    qformer_config: { model_type: 'blip_2_qformer', num_hidden_layers: qFormer },
    text_config: kind === 'opt' ? opt(name, text) : t5(name, text),
    use_decoder_only_language_model: kind === 'opt',
    vision_config: {
      model_type: 'blip_2_vision_model',
      num_hidden_layers: vision,
      ...(tuned && { image_size: 364 }),
    },
  }
}

function opt(name: Published, layers: number): object {
  const hidden = name.startsWith('opt-2.7b') ? 2560 : 4096
  return {
    model_type: 'opt',
    eos_token_id: 50118,
    ffn_dim: 4 * hidden,
    hidden_size: hidden,
    num_attention_heads: 32,
    num_hidden_layers: layers,
    vocab_size: name.endsWith('-coco') ? 50272 : 50304,
    word_embed_proj_dim: hidden,
  }
}

function t5(name: Published, layers: number): object {
  const [width, heads, wide] = name === 'flan-t5-xxl' ? [4096, 64, 10240] : [2048, 32, 5120]
  return {
    model_type: 't5',
    d_ff: wide,
    d_kv: 64,
    d_model: width,
    dense_act_fn: 'gelu',
    feed_forward_proj: 'gated-gelu',
    is_gated_act: true,
    num_decoder_layers: layers,
    num_heads: heads,
    num_layers: layers,
    tie_word_embeddings: false,
    vocab_size: 32128,
  }
}
