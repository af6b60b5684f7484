/**
 * BLIP-2 with OPT. The hub's current files list only what differs from the defaults in transformers' code, older ones
 * spell everything out; both are read, with the defaults of `OPTConfig` supplied (transformers 5.18, the same in 4.57).
 */
import type { PartShapes } from '../../pack/families.ts'
import { noticeOf } from '../../pack/licences.ts'
import { cacheHeadSize, embeddingTensor, headTensor, optPart, type OptConfig } from '../parts/opt.ts'
import { qFormerPart } from '../parts/q-former.ts'
import { visionPart } from '../parts/vision.ts'
import { checkBlip2, type Published } from './blip2-checks.ts'
import { isBlip2, lookConfig, visionTokens, type LookConfig } from './blip2-look.ts'
import {
  checkDivides,
  checkTokenIds,
  count,
  demand,
  section,
  tokenId,
  tokenIds,
  unsupported,
  type Json,
} from './config-json.ts'
import type { CheckpointFamily, CheckpointModel } from './family.ts'

export interface Blip2OptConfig extends LookConfig {
  text: OptConfig
  ids: Pick<PartShapes['decoder'], 'bosId' | 'eosIds' | 'imageTokenIds' | 'padId'>
}

const MODULES = { decoder: 'language_model.model.decoder', head: 'language_model.lm_head' }

/** Totals with 50304 and 50272 rows, at 224 and 364 pixels (blip2.md 1.7). */
const PUBLISHED: Published = {
  widths: ['1408/768/2560', '1408/768/4096'],
  totals: [
    3_744_761_856, 3_744_679_936, 7_752_869_376, 7_752_738_304, 3_745_353_216, 3_745_271_296, 7_753_460_736,
    7_753_329_664,
  ],
}

export const blip2Opt: CheckpointFamily = {
  recognises: (root) =>
    isBlip2(root) &&
    (section(root, 'text_config')['model_type'] ?? 'opt') === 'opt' &&
    root['use_decoder_only_language_model'] !== false,
  read: (root, { imageSize }) => modelOf(readBlip2Opt(root, imageSize)),
}

function modelOf(config: Blip2OptConfig): CheckpointModel {
  const { vision, text, queries } = config
  const [head, embedding] = [headTensor(text.modules), embeddingTensor(text.modules)]
  return {
    parts: [
      visionPart(vision, { pools: true }),
      qFormerPart(config, text.hiddenSize),
      optPart(text, queries),
    ],
    imageSize: vision.imageSize,
    licenceNotice: noticeOf('blip2-opt', text.vocabulary),
    spareTensors: [head],
    describe: (places) => {
      const shapes = partShapes(config)
      return {
        family: 'blip2-opt',
        parts: {
          vision: { ...places('vision'), shape: shapes.vision },
          'q-former': { ...places('q-former'), shape: shapes['q-former'] },
          decoder: { ...places('decoder'), shape: shapes.decoder },
          'pooled-class': { ...places('pooled-class'), shape: { hiddenSize: vision.hiddenSize } },
          'text-states': { ...places('text-states'), shape: textStatesShape(shapes.decoder) },
        },
      }
    },
    /**
     * Stored values decide over the configuration: transformers 5 does not tie two tensors that are both stored and
     * differ, and a copy that is equal needs no second place.
     */
    settle: async ({ tensors }, same) => {
      if (!tensors.has(head) || !tensors.has(embedding)) return modelOf(config)
      return modelOf({ ...config, text: { ...text, tiedHead: await same(head, embedding) } })
    },
    check: (checkpoint, facts) => {
      const headStored = checkpoint.tensors.has(head)
      const language = { ...text, headStored, headTied: text.tiedHead }
      return checkBlip2(config, language, PUBLISHED, { checkpoint, facts })
    },
  }
}

/** Throws `unsupported-model` for another OPT, `bad-checkpoint` for impossible values. */
export function readBlip2Opt(root: Json, imageSize?: number): Blip2OptConfig {
  if (section(root, 'qformer_config')['use_qformer_text_input'] === true)
    throw unsupported('its Q-Former takes text (InstructBLIP or a retrieval checkpoint)')
  const textJson = section(root, 'text_config')
  const text = optConfig(textJson, root)
  checkDivides(text.hiddenSize, text.heads, 'text_config.hidden_size', 'num_attention_heads')
  const ids = {
    bosId: tokenId(textJson, 'bos_token_id', 2),
    eosIds: tokenIds(textJson['eos_token_id'] ?? 2),
    imageTokenIds: tokenIds(root['image_token_index'] ?? root['image_token_id'] ?? []),
    padId: tokenId(textJson, 'pad_token_id', 1),
  }
  checkTokenIds([ids.bosId, ...ids.imageTokenIds, ids.padId], ids.eosIds, text.vocabulary)
  return { ...lookConfig(root, imageSize), text, ids }
}

/** What a pack says of each part. */
function partShapes(config: Blip2OptConfig): Pick<PartShapes, 'vision' | 'q-former' | 'decoder'> {
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
      ...config.ids,
    },
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
    modules: MODULES,
    hiddenSize,
    intermediateSize: count(json, 'ffn_dim', 3072),
    layers: count(json, 'num_hidden_layers', 12),
    heads: count(json, 'num_attention_heads', 12),
    vocabulary: count(json, 'vocab_size', 50272),
    maxPositions: count(json, 'max_position_embeddings', 2048),
    tiedHead: tied !== false,
  }
}

function textStatesShape(decoder: PartShapes['decoder']): PartShapes['text-states'] {
  const { hiddenSize, layers, heads, vocabulary, positions } = decoder
  return { hiddenSize, layers, heads, vocabulary, positions }
}
