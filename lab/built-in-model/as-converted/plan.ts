/**
 * How the converter would store a checkpoint. It knows generators only, so for a retrieval checkpoint the parts that
 * both have are planned by it, and the others by the rules for their siblings in the Q-Former: its text half's matrices
 * as those of the query half, the three heads as the language projection, the word embedding as a token table, positions
 * and norms as floats.
 */
import { elementsOf, type Checkpoint } from '../../../src/convert/checkpoint.ts'
import { areSame } from '../../../src/convert/compare.ts'
import { lookConfig, type LookConfig } from '../../../src/convert/families/blip2-look.ts'
import { parseConfig } from '../../../src/convert/families/config-json.ts'
import { readModel } from '../../../src/convert/families/families.ts'
import type { SameValues } from '../../../src/convert/families/family.ts'
import { planConversion } from '../../../src/convert/plan.ts'
import { storagePolicy, WeightsPlanner } from '../../../src/convert/planner.ts'
import type { WeightsPlan } from '../../../src/convert/weights.ts'
import type { Precision } from '../../../src/pack/manifest.ts'

const RETRIEVAL = 'Blip2ForImageTextRetrieval'

interface ConfigJson {
  model_type?: string
  architectures?: string[]
  image_text_hidden_size?: number
  qformer_config?: { vocab_size?: number; max_position_embeddings?: number }
}

/** One plan per weights file of the pack that would be written. */
export async function planOf(
  configText: string,
  checkpoint: Checkpoint,
  precision: Precision,
): Promise<WeightsPlan[]> {
  const json = JSON.parse(configText) as ConfigJson
  if (json.architectures?.includes(RETRIEVAL) === true) return planRetrieval(json, precision)
  const same: SameValues = (...tensors) => areSame(checkpoint, tensors, {})
  const model = await readModel(parseConfig(configText)).settle(checkpoint, same)
  return planConversion(model, precision).weights
}

export function planRetrieval(json: ConfigJson, precision: Precision): WeightsPlan[] {
  const configText = JSON.stringify(asGenerator(json))
  const planners = new Map<string, WeightsPlanner>()
  for (const part of readModel(parseConfig(configText)).parts) {
    const planner = new WeightsPlanner(part.name, storagePolicy(precision, part.sensitive))
    part.plan(planner)
    planners.set(part.name, planner)
  }
  const [vision, qFormer] = [planners.get('vision'), planners.get('q-former')]
  if (vision === undefined || qFormer === undefined) throw new Error('A model that looks at nothing.')
  planTextHalf(qFormer, lookConfig(parseConfig(configText)), json)
  return [vision.finish(), withoutProjection(qFormer.finish())]
}

/** The same dimensions without what makes the converter refuse them. */
function asGenerator(json: ConfigJson): object {
  return {
    ...json,
    architectures: ['Blip2ForConditionalGeneration'],
    qformer_config: { ...json.qformer_config, use_qformer_text_input: false },
  }
}

function planTextHalf(planner: WeightsPlanner, { qFormer }: LookConfig, json: ConfigJson): void {
  const { hiddenSize: hidden, intermediateSize: wide, layers, layerNormEps } = qFormer
  const { vocab_size: vocabulary = 30522, max_position_embeddings: positions = 512 } =
    json.qformer_config ?? {}
  const { image_text_hidden_size: projected = 256 } = json
  const one = (tensor: string, outputs: number, inputs: number): void => {
    planner.linear(tensor, [tensor], outputs, inputs)
  }
  const [words, places] = ['embeddings.word_embeddings.weight', 'embeddings.position_embeddings.weight']
  planner.table(words, { tensor: words, shape: [vocabulary, hidden] })
  planner.floats(places, [{ tensor: places, shape: [positions, hidden] }])
  for (let i = 0; i < layers; i += 1) {
    const layer = `qformer.encoder.layer.${i}`
    one(`${layer}.intermediate.dense`, wide, hidden)
    one(`${layer}.output.dense`, hidden, wide)
    planner.norm(`${layer}.output.LayerNorm`, hidden, layerNormEps)
  }
  one('vision_projection', projected, hidden)
  one('text_projection', projected, hidden)
  one('itm_head', 2, hidden)
}

/** Into a language model, which a retrieval checkpoint does not have. */
function withoutProjection(plan: WeightsPlan): WeightsPlan {
  const recipes = plan.recipes.filter(({ sources }) =>
    sources.every(({ tensor }) => !tensor.startsWith('language_projection.')),
  )
  return { ...plan, recipes }
}

/** Names and sizes of all tensors that plans read. */
export function sourcesOf(plans: readonly WeightsPlan[]): Map<string, number> {
  return new Map(
    plans.flatMap(({ recipes }) =>
      recipes.flatMap(({ sources }) =>
        sources.map(({ tensor, shape }) => [tensor, elementsOf(shape)] as const),
      ),
    ),
  )
}
