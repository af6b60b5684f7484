/** What every BLIP-2 has in common: how its `config.json` describes the vision tower and the Q-Former. */
import { AppError } from '../../pack/failure.ts'
import type { PartShapes } from '../../pack/families.ts'
import { checkDivides, count, demand, positive, section, type Json } from './config-json.ts'

/** `vision_config.model_type` of a tower that transformers does not know: CLIP's as LAVIS has it (`lavis/config`). */
export const CLIP_TOWER = 'lavis_clip_vit'

export interface VisionConfig {
  tower: 'eva' | 'clip'
  hiddenSize: number
  intermediateSize: number
  layers: number
  heads: number
  /** Side of the pictures that it takes, in pixels. */
  imageSize: number
  /** Side of the pictures that its stored positions are for. */
  trainedSize: number
  patchSize: number
  layerNormEps: number
  /** Of the norm behind the last block; transformers has but one for all. */
  postNormEps: number
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

export interface LookConfig {
  vision: VisionConfig
  qFormer: QFormerConfig
  /** Query embeddings that a picture becomes. */
  queries: number
}

/** Times the trained side that pictures may have: beyond it interpolated positions and attention's cost make no sense. */
const MOST_ENLARGED = 4

/**
 * Reads both. `imageSize` is the side of the pictures that are to be looked at; undefined for the trained one. Throws
 * `unsupported-model` for another kind, `bad-checkpoint` for impossible sizes, `bad-usage` for an impossible `imageSize`.
 */
export function lookConfig(root: Json, imageSize?: number): LookConfig {
  const vision = resized(visionConfig(section(root, 'vision_config')), imageSize)
  const qFormer = qFormerConfig(section(root, 'qformer_config'))
  checkDivides(vision.hiddenSize, vision.heads, 'vision_config.hidden_size', 'num_attention_heads')
  checkDivides(qFormer.hiddenSize, qFormer.heads, 'qformer_config.hidden_size', 'num_attention_heads')
  return { vision, qFormer, queries: count(root, 'num_query_tokens', 32) }
}

/** Classes of transformers whose weights are those of a BLIP-2 that writes, under the same names. */
const WRITERS: readonly unknown[] = ['Blip2ForConditionalGeneration', 'Blip2Model']

/** Whether a `config.json` calls itself a BLIP-2 that writes. */
export function isBlip2(root: Json): boolean {
  const architectures = Array.isArray(root['architectures']) ? root['architectures'] : []
  const known = architectures.length === 0 || architectures.some((name) => WRITERS.includes(name))
  return root['model_type'] === 'blip-2' && known
}

/** Whole patches along a side; pixels beyond the last are not looked at. */
export function patchGrid({ imageSize, patchSize }: VisionConfig, size = imageSize): number {
  return Math.floor(size / patchSize)
}

/** Image tokens: one class token and a square of patches. */
export function visionTokens(vision: VisionConfig): number {
  return patchGrid(vision) ** 2 + 1
}

function resized(vision: VisionConfig, imageSize = vision.trainedSize): VisionConfig {
  const { patchSize, trainedSize } = vision
  if (patchSize > trainedSize)
    throw new AppError(
      'bad-checkpoint',
      `config.json: patches of ${patchSize} pixels do not fit into pictures of ${trainedSize}.`,
    )
  const most = MOST_ENLARGED * trainedSize
  if (Number.isInteger(imageSize) && imageSize >= patchSize && imageSize <= most)
    return { ...vision, imageSize }
  throw new AppError(
    'bad-usage',
    `This model cannot look at pictures of ${imageSize} pixels; choose a size from ${patchSize} to ${most}.`,
  )
}

function visionConfig(json: Json): VisionConfig {
  const tower = json['model_type'] === CLIP_TOWER ? 'clip' : 'eva'
  demand(json, 'vision_config', 'hidden_act', tower === 'clip' ? 'quick_gelu' : 'gelu')
  demand(json, 'vision_config', 'num_channels', 3)
  const layerNormEps = positive(json, 'layer_norm_eps', 1e-6)
  return {
    tower,
    hiddenSize: count(json, 'hidden_size', 1408),
    intermediateSize: count(json, 'intermediate_size', 6144),
    layers: count(json, 'num_hidden_layers', 39),
    heads: count(json, 'num_attention_heads', 16),
    imageSize: count(json, 'image_size', 224),
    trainedSize: count(json, 'image_size', 224),
    patchSize: count(json, 'patch_size', 14),
    layerNormEps,
    postNormEps: positive(json, 'post_layer_norm_eps', layerNormEps),
    qkvBias: json['qkv_bias'] !== false,
  }
}

function qFormerConfig(json: Json): QFormerConfig {
  demand(json, 'qformer_config', 'hidden_act', 'gelu')
  demand(json, 'qformer_config', 'position_embedding_type', 'absolute')
  return {
    hiddenSize: count(json, 'hidden_size', 768),
    intermediateSize: count(json, 'intermediate_size', 3072),
    layers: count(json, 'num_hidden_layers', 12),
    heads: count(json, 'num_attention_heads', 12),
    layerNormEps: positive(json, 'layer_norm_eps', 1e-12),
    crossAttentionFrequency: count(json, 'cross_attention_frequency', 2),
  }
}

/** What a pack says of the vision encoder. */
export function visionShape(vision: VisionConfig): PartShapes['vision'] {
  const { imageSize, patchSize, hiddenSize, layers, heads } = vision
  return { imageSize, patchSize, hiddenSize, layers, heads, tokens: visionTokens(vision) }
}

/** What a pack says of both parts. `embeddingSize`: width of the language model. */
export function lookShapes(
  { vision, qFormer, queries }: LookConfig,
  embeddingSize: number,
): Pick<PartShapes, 'vision' | 'q-former'> {
  return {
    vision: visionShape(vision),
    'q-former': {
      queries,
      hiddenSize: qFormer.hiddenSize,
      layers: qFormer.layers,
      heads: qFormer.heads,
      embeddingSize,
    },
  }
}
