/**
 * BLIP-2 after its first stage, which compares pictures with texts (transformers' `Blip2ForImageTextRetrieval`). Its
 * `config.json` still describes a language model, of which it has nothing; whether an image token is named there matters
 * to transformers' processor alone, which puts ids in front of a text that the model takes off again.
 */
import type { PartShapes } from '../../pack/families.ts'
import { crossLayersOf } from '../../pack/shapes.ts'
import { textQFormerPart, type TextQFormerConfig } from '../parts/text-q-former.ts'
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
  }
}

function modelOf(config: TextQFormerConfig): CheckpointModel {
  const { vision, qFormer, projectionSize } = config
  const model: CheckpointModel = {
    parts: [visionPart(vision), textQFormerPart(config)],
    imageSize: vision.imageSize,
    licenceNotice: undefined,
    // A buffer that older versions stored.
    spareTensors: ['embeddings.position_ids'],
    describe: (places) => {
      const shape = qFormerShape(config)
      const { queries, hiddenSize, heads } = shape
      const look = { queries, hiddenSize, heads, layers: crossLayersOf(shape) }
      return {
        family: 'blip2-itm',
        parts: {
          vision: { ...places('vision'), shape: visionShape(vision) },
          'text-q-former': { ...places('text-q-former'), shape },
          'cross-attention': { ...places('cross-attention'), shape: look },
        },
      }
    },
    settle: () => Promise.resolve(model),
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
