/** Shapes of the published models (blip2.md 1 and 2), as their `config.json` says them; layers may be fewer. */

import { CLIP_TOWER } from '../convert/families/blip2-look.ts'
import { TOWER_DEPTH } from '../convert/lavis/config.ts'

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
  'flan-t5-xl-vitL',
  'itm-vit-g',
  'itm-vit-g-coco',
  'itm-vitL',
] as const
/** What the hub calls `Salesforce/blip2-` and this; those with ViT-L are files of LAVIS, `blip2_pretrained_…vitL.pth`. */
export type Published = (typeof PUBLISHED)[number]

const TEXT_LAYERS = { opt: 32, t5: 24 } as const

/** The `config.json` of a published model. What it does not say is transformers' default. */
export function publishedConfig(name: Published, layers?: Layers): object {
  const tuned = name.endsWith('-coco')
  const isClip = name.endsWith('-vitL')
  const kind = name.startsWith('itm') ? null : name.startsWith('opt') ? 'opt' : 't5'
  const ofTower = isClip ? TOWER_DEPTH.clip : TOWER_DEPTH.eva
  const { vision, qFormer, text } = layers ?? {
    vision: ofTower,
    qFormer: 12,
    text: TEXT_LAYERS[kind ?? 't5'],
  }
  const qFormerConfig = { model_type: 'blip_2_qformer', num_hidden_layers: qFormer }
  const common = {
    model_type: 'blip-2',
    num_query_tokens: 32,
    vision_config: isClip
      ? clip(vision)
      : {
          model_type: 'blip_2_vision_model',
          num_hidden_layers: vision,
          ...(tuned && { image_size: 364 }),
        },
  }
  if (kind === null)
    return {
      ...common,
      architectures: ['Blip2ForImageTextRetrieval'],
      image_text_hidden_size: 256,
      qformer_config: { ...qFormerConfig, vocab_size: 30523, use_qformer_text_input: true },
    }
  return {
    ...common,
    architectures: ['Blip2ForConditionalGeneration'],
    // The checkpoints that were tuned for captions are in the layout of 2023: no token stands for the picture.
    ...(!tuned && { image_token_index: kind === 'opt' ? 50265 : 32100 }),
    qformer_config: qFormerConfig,
    text_config: kind === 'opt' ? opt(name, text) : t5(name, text),
    use_decoder_only_language_model: kind === 'opt',
  }
}

/** As `convert/lavis` describes CLIP's ViT-L/14 (blip2.md 1.2). */
function clip(layers: number): object {
  return {
    model_type: CLIP_TOWER,
    hidden_act: 'quick_gelu',
    hidden_size: 1024,
    intermediate_size: 4096,
    num_attention_heads: 16,
    num_hidden_layers: layers,
    image_size: 224,
    patch_size: 14,
    layer_norm_eps: 1e-5,
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
