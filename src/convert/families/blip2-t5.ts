/**
 * BLIP-2 with T5: `config.json` → dimensions, with the defaults of transformers' `T5Config` supplied (5.18). What a
 * configuration leaves open, where the embedding lies and what the head is, the stored tensors decide.
 */
import { AppError } from '../../pack/failure.ts'
import type { PartShapes } from '../../pack/families.ts'
import { noticeOf } from '../../pack/licences.ts'
import type { Checkpoint } from '../checkpoint.ts'
import { qFormerPart } from '../parts/q-former.ts'
import { t5DecoderPart } from '../parts/t5-decoder.ts'
import { t5EncoderPart } from '../parts/t5-encoder.ts'
import { embeddingOf, t5CacheHeadSize, T5_HEAD, T5_SHARED, type T5Config } from '../parts/t5-layers.ts'
import { visionPart } from '../parts/vision.ts'
import { checkBlip2, type Published } from './blip2-checks.ts'
import { isBlip2, lookConfig, lookShapes, type LookConfig } from './blip2-look.ts'
import type { CheckpointFamily, CheckpointModel } from './family.ts'
import {
  checkTokenIds,
  count,
  demand,
  positive,
  section,
  shown,
  tokenId,
  tokenIds,
  unsupported,
  type Json,
} from './config-json.ts'

interface Blip2T5Config extends LookConfig {
  text: T5Config
}

/** Totals of Flan-T5-xl at 224 and 364 pixels and of Flan-T5-xxl (blip2.md 1.7). */
const PUBLISHED: Published = {
  widths: ['1408/768/2048', '1408/768/4096'],
  totals: [3_942_446_592, 3_943_037_952, 12_229_596_672],
}

export const blip2T5: CheckpointFamily = {
  recognises: (root) => isBlip2(root) && section(root, 'text_config')['model_type'] === 't5',
  read: (root, { imageSize }) => modelOf(blip2T5Config(root, imageSize)),
}

function modelOf(config: Blip2T5Config): CheckpointModel {
  const { vision, text, queries } = config
  return {
    parts: [
      visionPart(vision, { pools: true }),
      qFormerPart(config, text.hiddenSize),
      t5EncoderPart(text, queries),
      t5DecoderPart(text),
    ],
    imageSize: vision.imageSize,
    licenceNotice: noticeOf('blip2-t5', text.vocabulary),
    spareTensors: [T5_HEAD, T5_SHARED, embeddingOf('encoder'), embeddingOf('decoder')],
    describe: (places) => {
      const shapes = t5PartShapes(config)
      return {
        family: 'blip2-t5',
        parts: {
          vision: { ...places('vision'), shape: shapes.vision },
          'q-former': { ...places('q-former'), shape: shapes['q-former'] },
          'text-encoder': { ...places('text-encoder'), shape: shapes['text-encoder'] },
          'text-decoder': { ...places('text-decoder'), shape: shapes['text-decoder'] },
          'pooled-class': { ...places('pooled-class'), shape: { hiddenSize: vision.hiddenSize } },
        },
      }
    },
    settle: async (checkpoint, same) => {
      const named = nameEmbeddings(text, checkpoint)
      const { encoder, decoder: own, head } = named.embeddings
      // A copy of the shared table is the shared table: it is read, and counted, once.
      const decoder = (await same(own, encoder)) ? encoder : own
      const embeddings = { encoder, decoder, head }
      return modelOf({ ...config, text: { ...named, embeddings, tiedHead: await same(head, decoder) } })
    },
    check: (checkpoint, facts) => {
      const headStored = checkpoint.tensors.has(T5_HEAD)
      const language = { ...text, headStored, headTied: text.tiedHead }
      return checkBlip2(config, language, PUBLISHED, { checkpoint, facts })
    },
  }
}

/** Of a root that is recognised. Throws `unsupported-model` for another T5, `bad-checkpoint` for impossible values. */
function blip2T5Config(root: Json, imageSize: number | undefined): Blip2T5Config {
  if (section(root, 'qformer_config')['use_qformer_text_input'] === true)
    throw unsupported('its Q-Former takes text (InstructBLIP or a retrieval checkpoint)')
  if (root['use_decoder_only_language_model'] === true)
    throw unsupported('its config.json names T5 but calls it a decoder-only model')
  return { ...lookConfig(root, imageSize), text: t5Config(section(root, 'text_config')) }
}

/** Names by which transformers takes the same value (`T5Config.attribute_map`). */
const ALIASES: Readonly<Record<string, string>> = {
  hidden_size: 'd_model',
  num_attention_heads: 'num_heads',
  num_hidden_layers: 'num_layers',
  head_dim: 'd_kv',
}

/** With each value under T5's own name. Throws `bad-checkpoint` where two names have two values. */
function withOwnNames(json: Json): Json {
  const named = { ...json }
  for (const [alias, own] of Object.entries(ALIASES)) {
    const value = json[alias]
    if (value === undefined || value === null) continue
    if ((json[own] ?? value) !== value)
      throw new AppError(
        'bad-checkpoint',
        `config.json: ${own} is ${shown(json[own])}, and ${alias}, another name of it, is ${shown(value)}.`,
      )
    named[own] = value
  }
  return named
}

function t5Config(given: Json): T5Config {
  const json = withOwnNames(given)
  demand(json, 'text_config', 'is_encoder_decoder', true)
  const encoderLayers = count(json, 'num_layers', 6)
  const padId = tokenId(json, 'pad_token_id', 0)
  const relative = bucketRule(json)
  const { tie_word_embeddings: tied, scale_decoder_outputs: scaled } = json
  const vocabulary = count(json, 'vocab_size', 32128)
  const startId = startIdOf(json, padId)
  const eosIds = tokenIds(json['eos_token_id'] ?? 1)
  checkTokenIds([startId, padId], eosIds, vocabulary)
  return {
    hiddenSize: count(json, 'd_model', 512),
    heads: count(json, 'num_heads', 8),
    headSize: count(json, 'd_kv', 64),
    intermediateSize: count(json, 'd_ff', 2048),
    encoderLayers,
    decoderLayers: count(json, 'num_decoder_layers', encoderLayers),
    vocabulary,
    ...relative,
    epsilon: positive(json, 'layer_norm_epsilon', 1e-6),
    gelu: geluOf(json),
    // Since transformers 5 the head is always tied in the configuration; saved again, only this key tells.
    scaledHead: typeof scaled === 'boolean' ? scaled : tied !== false,
    tiedHead: tied !== false,
    embeddings: { encoder: T5_SHARED, decoder: T5_SHARED, head: tied === false ? T5_HEAD : T5_SHARED },
    startId,
    eosIds,
    padId,
  }
}

/** Where nothing says what a decoder starts with, transformers' `generate` starts with BOS. */
function startIdOf(json: Json, padId: number): number {
  return tokenId(json, 'decoder_start_token_id', tokenId(json, 'bos_token_id', padId))
}

function bucketRule(json: Json): Pick<T5Config, 'buckets' | 'maxDistance'> {
  const buckets = count(json, 'relative_attention_num_buckets', 32)
  const maxDistance = count(json, 'relative_attention_max_distance', 128)
  if (buckets >= 4 && buckets % 2 === 0 && maxDistance > buckets / 2) return { buckets, maxDistance }
  throw new AppError(
    'bad-checkpoint',
    `config.json: ${buckets} relative_attention_num_buckets do not divide distances up to ${maxDistance}.`,
  )
}

/** `gated-gelu` without a name of its own means the tanh form; BLIP-2 names the exact one. */
function geluOf(json: Json): T5Config['gelu'] {
  demand(json, 'text_config', 'feed_forward_proj', 'gated-gelu')
  demand(json, 'text_config', 'is_gated_act', true)
  const named = json['dense_act_fn'] ?? (json['feed_forward_proj'] === undefined ? 'relu' : 'gelu_new')
  if (named === 'gelu') return 'erf'
  if (named === 'gelu_new') return 'tanh'
  throw unsupported(`text_config.dense_act_fn is ${shown(named)}, only "gelu" and "gelu_new" are known`)
}

/**
 * What serves as which embedding and as the head, by the names of the stored tensors, as transformers 5 does: what is
 * stored under its own name is used, what is not is the shared table. Throws `bad-checkpoint` when there is no
 * embedding, or no head where the configuration wants one of its own.
 */
function nameEmbeddings(config: T5Config, checkpoint: Checkpoint): T5Config {
  const stored = (names: string[]): string | undefined => names.find((name) => checkpoint.tensors.has(name))
  const [ofEncoder, ofDecoder] = [embeddingOf('encoder'), embeddingOf('decoder')]
  // transformers embeds the prompt with the shared table, whatever the encoder's own copy holds.
  const encoder = stored([T5_SHARED, ofEncoder, ofDecoder])
  const decoder = stored([ofDecoder, T5_SHARED, ofEncoder])
  if (encoder === undefined || decoder === undefined) {
    throw new AppError(
      'bad-checkpoint',
      `The checkpoint has no token embedding (${T5_SHARED}); fetch it again, or check that config.json belongs to it.`,
    )
  }
  const head = stored([T5_HEAD]) ?? encoder
  if (head !== T5_HEAD && !config.tiedHead) {
    throw new AppError(
      'bad-checkpoint',
      `The checkpoint has no ${T5_HEAD}, and its config.json does not let the embedding serve instead; fetch it again.`,
    )
  }
  return { ...config, embeddings: { encoder, decoder, head }, tiedHead: head !== T5_HEAD }
}

/** What a pack says of each part. */
function t5PartShapes(
  config: Blip2T5Config,
): Pick<PartShapes, 'vision' | 'q-former' | 'text-encoder' | 'text-decoder'> {
  const { text, queries } = config
  const { hiddenSize, heads, headSize, vocabulary, buckets, maxDistance } = text
  const shared = { hiddenSize, heads, headSize, vocabulary, buckets, maxDistance }
  return {
    ...lookShapes(config, hiddenSize),
    'text-encoder': {
      ...shared,
      queries,
      layers: text.encoderLayers,
      crossLayers: text.decoderLayers,
      endId: text.eosIds[0] ?? 1,
    },
    'text-decoder': {
      ...shared,
      layers: text.decoderLayers,
      cacheHeadSize: t5CacheHeadSize(text),
      startId: text.startId,
      eosIds: text.eosIds,
      padId: text.padId,
    },
  }
}
