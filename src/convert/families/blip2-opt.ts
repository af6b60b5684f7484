/**
 * `config.json` → dimensions. The hub's current files list only what differs from the defaults in transformers' code,
 * older ones spell everything out; both are read here, with the defaults of `Blip2VisionConfig`, `Blip2QFormerConfig`
 * and `OPTConfig` supplied (transformers 5.18, the same in 4.57).
 */
import type { PartShapes } from '../../pack/families.ts'
import { lookConfig, lookShapes, type LookConfig } from './blip2-look.ts'
import {
  checkDivides,
  count,
  demand,
  parseConfig,
  section,
  tokenId,
  tokenIds,
  unsupported,
  type Json,
} from './config-json.ts'

export interface OptConfig {
  hiddenSize: number
  intermediateSize: number
  layers: number
  heads: number
  /** Rows of the token embedding. */
  vocabulary: number
  maxPositions: number
  tiedHead: boolean
  bosId: number
  eosIds: number[]
  padId: number
}

export interface Blip2Config extends LookConfig {
  text: OptConfig
  /** `image_token_index`, or nothing in the layout of 2023. */
  imageTokenIds: number[]
}

/** Reads `config.json`. Throws `unsupported-model` for another architecture, `bad-checkpoint` for impossible values. */
export function parseBlip2Config(text: string): Blip2Config {
  return blip2Config(parseConfig(text))
}

/** The same of a file that is read already. */
export function blip2Config(root: Json): Blip2Config {
  checkArchitecture(root)
  const config: Blip2Config = {
    ...lookConfig(root),
    text: optConfig(section(root, 'text_config'), root),
    imageTokenIds: tokenIds(root['image_token_index'] ?? root['image_token_id'] ?? []),
  }
  checkDivides(config.text.hiddenSize, config.text.heads, 'text_config.hidden_size', 'num_attention_heads')
  return config
}

/**
 * `GroupQueryAttention` takes head sizes that are multiples of 8, as every published model has. Others are filled up
 * with zeros, which change neither the scores nor what is kept of the result.
 */
export function cacheHeadSize({ hiddenSize, heads }: OptConfig): number {
  return Math.ceil(hiddenSize / heads / 8) * 8
}

/** What a pack says of each part. */
export function partShapes(config: Blip2Config): Pick<PartShapes, 'vision' | 'q-former' | 'decoder'> {
  const { text, queries } = config
  return {
    ...lookShapes(config, text.hiddenSize),
    decoder: {
      queries,
      hiddenSize: text.hiddenSize,
      layers: text.layers,
      heads: text.heads,
      headSize: text.hiddenSize / text.heads,
      cacheHeadSize: cacheHeadSize(text),
      vocabulary: text.vocabulary,
      positions: text.maxPositions,
      bosId: text.bosId,
      eosIds: text.eosIds,
      imageTokenIds: config.imageTokenIds,
      padId: text.padId,
    },
  }
}

function checkArchitecture(root: Json): void {
  const architectures = Array.isArray(root['architectures']) ? root['architectures'].map(String) : []
  const known = architectures.length === 0 || architectures.includes('Blip2ForConditionalGeneration')
  if (root['model_type'] !== 'blip-2' || !known) {
    const found = architectures[0] ?? String(root['model_type'])
    throw unsupported(`it is ${found}, not Blip2ForConditionalGeneration`)
  }
  const textType = section(root, 'text_config')['model_type'] ?? 'opt'
  if (textType !== 'opt' || root['use_decoder_only_language_model'] === false) {
    throw unsupported(`its language model is ${JSON.stringify(textType)}, not OPT`)
  }
  if (section(root, 'qformer_config')['use_qformer_text_input'] === true) {
    throw unsupported('its Q-Former takes text (InstructBLIP or a retrieval checkpoint)')
  }
}

function optConfig(json: Json, root: Json): OptConfig {
  demand(json, 'text_config', 'do_layer_norm_before', true)
  demand(json, 'text_config', 'activation_function', 'relu')
  demand(json, 'text_config', 'enable_bias', true)
  demand(json, 'text_config', 'layer_norm_elementwise_affine', true)
  demand(json, 'text_config', '_remove_final_layer_norm', false)
  const hiddenSize = count(json, 'hidden_size', 768)
  if (count(json, 'word_embed_proj_dim', hiddenSize) !== hiddenSize) {
    throw unsupported('its word_embed_proj_dim differs from hidden_size (the OPT-350m layout)')
  }
  const tied = json['tie_word_embeddings'] ?? root['tie_word_embeddings'] ?? true
  return {
    hiddenSize,
    intermediateSize: count(json, 'ffn_dim', 3072),
    layers: count(json, 'num_hidden_layers', 12),
    heads: count(json, 'num_attention_heads', 12),
    vocabulary: count(json, 'vocab_size', 50272),
    maxPositions: count(json, 'max_position_embeddings', 2048),
    tiedHead: tied !== false,
    bosId: tokenId(json, 'bos_token_id', 2),
    eosIds: tokenIds(json['eos_token_id'] ?? 2),
    padId: tokenId(json, 'pad_token_id', 1),
  }
}
