/**
 * `config.json` → dimensions. The hub's current files list only what differs from the defaults in transformers' code,
 * older ones spell everything out; both are read here, with the defaults of `Blip2VisionConfig`, `Blip2QFormerConfig`
 * and `OPTConfig` supplied (transformers 5.18, the same in 4.57).
 */
import { AppError } from '../../pack/failure.ts'
import type { PartShapes } from '../../pack/families.ts'

export interface VisionConfig {
  hiddenSize: number
  intermediateSize: number
  layers: number
  heads: number
  imageSize: number
  patchSize: number
  layerNormEps: number
  qkvBias: boolean
}

export interface QFormerConfig {
  hiddenSize: number
  intermediateSize: number
  layers: number
  heads: number
  layerNormEps: number
  crossAttentionFrequency: number
}

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

export interface Blip2Config {
  vision: VisionConfig
  qFormer: QFormerConfig
  text: OptConfig
  queries: number
  /** `image_token_index`, or nothing in the layout of 2023. */
  imageTokenIds: number[]
}

type Json = Record<string, unknown>

/** Reads `config.json`. Throws `unsupported-model` for another architecture, `bad-checkpoint` for impossible values. */
export function parseBlip2Config(text: string): Blip2Config {
  const root = parseObject(text)
  checkArchitecture(root)
  const textJson = section(root, 'text_config')
  const vision = visionConfig(section(root, 'vision_config'))
  const config: Blip2Config = {
    vision,
    qFormer: qFormerConfig(section(root, 'qformer_config')),
    text: optConfig(textJson, root),
    queries: count(root, 'num_query_tokens', 32),
    imageTokenIds: tokenIds(root['image_token_index'] ?? root['image_token_id'] ?? []),
  }
  checkDivides(vision.imageSize, vision.patchSize, 'vision_config.image_size', 'patch_size')
  checkDivides(vision.hiddenSize, vision.heads, 'vision_config.hidden_size', 'num_attention_heads')
  checkDivides(
    config.qFormer.hiddenSize,
    config.qFormer.heads,
    'qformer_config.hidden_size',
    'num_attention_heads',
  )
  checkDivides(config.text.hiddenSize, config.text.heads, 'text_config.hidden_size', 'num_attention_heads')
  return config
}

/** Image tokens: one class token and a square of patches. */
export function visionTokens(vision: VisionConfig): number {
  return (vision.imageSize / vision.patchSize) ** 2 + 1
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
  const { vision, qFormer, text, queries } = config
  const { imageSize, patchSize, hiddenSize, layers, heads } = vision
  return {
    vision: { imageSize, patchSize, hiddenSize, layers, heads, tokens: visionTokens(vision) },
    'q-former': {
      queries,
      hiddenSize: qFormer.hiddenSize,
      layers: qFormer.layers,
      heads: qFormer.heads,
      embeddingSize: text.hiddenSize,
    },
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

function visionConfig(json: Json): VisionConfig {
  expect(json, 'vision_config', 'hidden_act', 'gelu')
  expect(json, 'vision_config', 'num_channels', 3)
  return {
    hiddenSize: count(json, 'hidden_size', 1408),
    intermediateSize: count(json, 'intermediate_size', 6144),
    layers: count(json, 'num_hidden_layers', 39),
    heads: count(json, 'num_attention_heads', 16),
    imageSize: count(json, 'image_size', 224),
    patchSize: count(json, 'patch_size', 14),
    layerNormEps: positive(json, 'layer_norm_eps', 1e-6),
    qkvBias: json['qkv_bias'] !== false,
  }
}

function qFormerConfig(json: Json): QFormerConfig {
  expect(json, 'qformer_config', 'hidden_act', 'gelu')
  expect(json, 'qformer_config', 'position_embedding_type', 'absolute')
  return {
    hiddenSize: count(json, 'hidden_size', 768),
    intermediateSize: count(json, 'intermediate_size', 3072),
    layers: count(json, 'num_hidden_layers', 12),
    heads: count(json, 'num_attention_heads', 12),
    layerNormEps: positive(json, 'layer_norm_eps', 1e-12),
    crossAttentionFrequency: count(json, 'cross_attention_frequency', 2),
  }
}

function optConfig(json: Json, root: Json): OptConfig {
  expect(json, 'text_config', 'do_layer_norm_before', true)
  expect(json, 'text_config', 'activation_function', 'relu')
  expect(json, 'text_config', 'enable_bias', true)
  expect(json, 'text_config', 'layer_norm_elementwise_affine', true)
  expect(json, 'text_config', '_remove_final_layer_norm', false)
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

function parseObject(text: string): Json {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new AppError('bad-checkpoint', 'config.json is not valid JSON; fetch the checkpoint again.', {
      cause,
    })
  }
  if (!isObject(value))
    throw new AppError('bad-checkpoint', 'config.json holds no object; fetch the checkpoint again.')
  return value
}

function section(root: Json, name: string): Json {
  const value = root[name] ?? {}
  if (!isObject(value)) throw new AppError('bad-checkpoint', `config.json: ${name} is not an object.`)
  return value
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Upper bound of any dimension: far above every published model, far below what could overflow a size in bytes. */
const MAX_DIMENSION = 2 ** 20

function count(json: Json, key: string, otherwise: number): number {
  const value = json[key] ?? otherwise
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > MAX_DIMENSION) {
    throw new AppError(
      'bad-checkpoint',
      `config.json: ${key} is ${JSON.stringify(value)}, which is not a possible size.`,
    )
  }
  return value
}

function positive(json: Json, key: string, otherwise: number): number {
  const value = json[key] ?? otherwise
  if (typeof value !== 'number' || !(value > 0 && value < 1)) {
    throw new AppError(
      'bad-checkpoint',
      `config.json: ${key} is ${JSON.stringify(value)}, which is not a possible epsilon.`,
    )
  }
  return value
}

function tokenId(json: Json, key: string, otherwise: number): number {
  const [id] = tokenIds(json[key] ?? otherwise)
  return id ?? otherwise
}

function tokenIds(value: unknown): number[] {
  const ids: unknown[] = Array.isArray(value) ? value : [value]
  return ids.filter((id): id is number => typeof id === 'number' && Number.isInteger(id) && id >= 0)
}

function expect(json: Json, part: string, key: string, wanted: string | number | boolean): void {
  const value = json[key]
  if (value !== undefined && value !== null && value !== wanted) {
    throw unsupported(`${part}.${key} is ${JSON.stringify(value)}, only ${JSON.stringify(wanted)} is known`)
  }
}

function checkDivides(whole: number, part: number, wholeName: string, partName: string): void {
  if (whole % part !== 0) {
    throw new AppError(
      'bad-checkpoint',
      `config.json: ${wholeName} (${whole}) is not a multiple of ${partName} (${part}).`,
    )
  }
}

function unsupported(why: string): AppError {
  return new AppError(
    'unsupported-model',
    `This checkpoint cannot be converted: ${why}. Use a BLIP-2 with OPT, such as Salesforce/blip2-opt-2.7b.`,
  )
}
