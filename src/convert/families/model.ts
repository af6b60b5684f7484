/** What the converter has to know of a checkpoint's model, whatever family it is of: one row for each. */
import type { Precision } from '../../pack/manifest.ts'
import { sameValues, type Checkpoint } from '../checkpoint.ts'
import type { AccuracyLevel } from '../onnx/graph-builder.ts'
import { EMBEDDING_TENSOR, HEAD_TENSOR } from '../parts/opt.ts'
import { embeddingOf, T5_HEAD, T5_SHARED } from '../parts/t5-layers.ts'
import { planConversion, planT5Conversion } from '../plan.ts'
import type { ConversionPlan } from '../plan-draft.ts'
import type { LookConfig } from './blip2-look.ts'
import { blip2Config, type Blip2Config } from './blip2-opt.ts'
import { blip2T5Config, isBlip2T5, nameEmbeddings, settleHead, type Blip2T5Config } from './blip2-t5.ts'
import { parseConfig } from './config-json.ts'
import { licenceNotice } from './licence.ts'

export interface ModelToConvert {
  look: LookConfig
  /** Of the language model. */
  hiddenSize: number
  vocabulary: number
  /** The head's own tensor; it need not be stored. */
  headTensor: string
  tiedHead: boolean
  /** Tensors that may be stored beside those that are used: copies of tied tables. */
  copies: readonly string[]
  /** What must be known besides the licence's name. */
  notice: string | undefined
  /** The same with what the tensors' names tell. Throws `bad-checkpoint` where they leave no choice. */
  named(checkpoint: Checkpoint): ModelToConvert
  /** The same with what the stored values tell: whether the head is the embedding. Reads both where both are stored. */
  settled(checkpoint: Checkpoint, signal?: AbortSignal): Promise<ModelToConvert>
  plan(precision: Precision, accuracyLevel?: AccuracyLevel): ConversionPlan
}

/** Reads `config.json`. Throws `unsupported-model` for another architecture, `bad-checkpoint` for impossible values. */
export function modelOf(configText: string): ModelToConvert {
  const root = parseConfig(configText)
  return isBlip2T5(root) ? ofT5(blip2T5Config(root)) : ofOpt(blip2Config(root))
}

function ofOpt(config: Blip2Config): ModelToConvert {
  const model: ModelToConvert = {
    look: config,
    hiddenSize: config.text.hiddenSize,
    vocabulary: config.text.vocabulary,
    headTensor: HEAD_TENSOR,
    tiedHead: config.text.tiedHead,
    copies: [HEAD_TENSOR],
    notice: licenceNotice(config),
    named: () => model,
    async settled(checkpoint, signal) {
      const { tensors } = checkpoint
      if (!tensors.has(HEAD_TENSOR) || !tensors.has(EMBEDDING_TENSOR)) return model
      const tiedHead = await sameValues(checkpoint, HEAD_TENSOR, EMBEDDING_TENSOR, signal)
      return ofOpt({ ...config, text: { ...config.text, tiedHead } })
    },
    plan: (precision, accuracyLevel) => planConversion(config, precision, accuracyLevel),
  }
  return model
}

function ofT5(config: Blip2T5Config): ModelToConvert {
  const { text } = config
  const named = (checkpoint: Checkpoint): Blip2T5Config => ({
    ...config,
    text: nameEmbeddings(text, checkpoint),
  })
  return {
    look: config,
    hiddenSize: text.hiddenSize,
    vocabulary: text.vocabulary,
    headTensor: T5_HEAD,
    tiedHead: text.tiedHead,
    copies: [T5_HEAD, T5_SHARED, embeddingOf('encoder'), embeddingOf('decoder')],
    notice: undefined,
    named: (checkpoint) => ofT5(named(checkpoint)),
    async settled(checkpoint, signal) {
      const { text: sure } = named(checkpoint)
      return ofT5({ ...config, text: await settleHead(sure, checkpoint, signal) })
    },
    plan: (precision, accuracyLevel) => planT5Conversion(config, precision, accuracyLevel),
  }
}
