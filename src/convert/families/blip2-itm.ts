/**
 * BLIP-2 after its first stage, which compares pictures with texts (transformers' `Blip2ForImageTextRetrieval`). Its
 * `config.json` still describes a language model, of which it has nothing; whether an image token is named there matters
 * to transformers' processor alone, which puts ids in front of a text that the model takes off again.
 */
import type { PartShapes } from '../../pack/families.ts'
import { crossLayersOf, MOST_TEMPERATURE } from '../../pack/shapes.ts'
import {
  HEAD_TENSORS,
  TEXT_TENSORS,
  textQFormerPart,
  type TextQFormerConfig,
} from '../parts/text-q-former.ts'
import { elementsOf, type Checkpoint } from '../checkpoint.ts'
import { visionPart } from '../parts/vision.ts'
import { checkLook, type Published } from './blip2-checks.ts'
import { lookConfig, visionShape } from './blip2-look.ts'
import { count, section, unsupported, type Json } from './config-json.ts'
import type { CheckpointFamily, CheckpointModel } from './family.ts'

/** Of the class in transformers, which is how such checkpoints are told from those that write. */
const ARCHITECTURE = 'Blip2ForImageTextRetrieval'

/** Totals at 224 and 364 pixels (blip2.md 1.7). */
const PUBLISHED: Published = { widths: ['1408/768/256'], totals: [1_172_032_258, 1_172_623_618] }

export const blip2Itm: CheckpointFamily = {
  recognises: (root) =>
    root['model_type'] === 'blip-2' &&
    Array.isArray(root['architectures']) &&
    root['architectures'].includes(ARCHITECTURE),
  read: (root, { imageSize }) => modelOf(readBlip2Itm(root, imageSize)),
}

/** Throws `unsupported-model` for one that reads no text, `bad-checkpoint` for impossible values. */
export function readBlip2Itm(root: Json, imageSize?: number): TextQFormerConfig {
  const json = section(root, 'qformer_config')
  if (json['use_qformer_text_input'] !== true)
    throw unsupported('its Q-Former reads no text, so it can compare a picture with none')
  const look = lookConfig(root, imageSize)
  return {
    ...look,
    qFormer: {
      ...look.qFormer,
      vocabulary: count(json, 'vocab_size', 30522),
      positions: count(json, 'max_position_embeddings', 512),
    },
    projectionSize: count(root, 'image_text_hidden_size', 256),
    wordHead: null,
  }
}

/** What is in LAVIS' files alone, and in none of transformers'. */
const TEMPERATURE = 'temp'
const SPARE = [TEMPERATURE, `${HEAD_TENSORS.decoder}.weight`, `${HEAD_TENSORS.decoder}.bias`]

function modelOf(config: TextQFormerConfig, temperature?: number): CheckpointModel {
  const { vision, qFormer, projectionSize } = config
  const model: CheckpointModel = {
    parts: [visionPart(vision, { pools: false }), textQFormerPart(config)],
    imageSize: vision.imageSize,
    licenceNotice: undefined,
    // And a buffer that older versions stored.
    spareTensors: [...SPARE, 'embeddings.position_ids'],
    describe: (places) => {
      const shape = { ...qFormerShape(config), ...(temperature !== undefined && { temperature }) }
      const { queries, hiddenSize, heads, vocabulary } = shape
      const look = { queries, hiddenSize, heads, layers: crossLayersOf(shape) }
      return {
        family: 'blip2-itm',
        parts: {
          vision: { ...places('vision'), shape: visionShape(vision) },
          'text-q-former': { ...places('text-q-former'), shape },
          'cross-attention': { ...places('cross-attention'), shape: look },
          ...(config.wordHead !== null && {
            // LAVIS adds [DEC] to BERT's words, so it is the last.
            'word-head': {
              ...places('word-head'),
              shape: { hiddenSize, vocabulary, startId: vocabulary - 1 },
            },
          }),
        },
      }
    },
    settle: async (checkpoint, same) => {
      const { tensors } = checkpoint
      const decoder = `${HEAD_TENSORS.decoder}.weight`
      const writes = tensors.has(`${HEAD_TENSORS.transform}.weight`)
      const tied = writes && (!tensors.has(decoder) || (await same(decoder, TEXT_TENSORS.words)))
      return modelOf({ ...config, wordHead: writes ? { tied } : null }, await temperatureOf(checkpoint))
    },
    check: (checkpoint, facts) =>
      checkLook(
        config,
        { width: projectionSize, vocabulary: qFormer.vocabulary, published: PUBLISHED },
        { checkpoint, facts },
      ),
  }
  return model
}

function qFormerShape({ qFormer, queries, projectionSize }: TextQFormerConfig): PartShapes['text-q-former'] {
  const { hiddenSize, layers, heads, crossAttentionFrequency, vocabulary, positions } = qFormer
  return {
    queries,
    hiddenSize,
    layers,
    heads,
    crossAttentionEvery: crossAttentionFrequency,
    projectionSize,
    vocabulary,
    positions,
  }
}

/** Undefined where the checkpoint does not say, or says what nothing can be divided by. */
async function temperatureOf(checkpoint: Checkpoint): Promise<number | undefined> {
  const stored = checkpoint.tensors.get(TEMPERATURE)
  if (stored === undefined || elementsOf(stored.shape) !== 1) return undefined
  const [value = NaN] = await checkpoint.readElements(TEMPERATURE, 0, 1)
  return value > 0 && value <= MOST_TEMPERATURE ? value : undefined
}
