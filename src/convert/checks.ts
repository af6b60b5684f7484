/**
 * The look that a converter takes before it starts: is every tensor there in its right shape (else nothing is done),
 * and do the values look like a BLIP-2 checkpoint (said, not enforced).
 */
import { AppError } from '../pack/failure.ts'
import type { CheckResult } from '../pack/manifest.ts'
import { visionTokens, type LookConfig } from './families/blip2-look.ts'
import type { ModelToConvert } from './families/model.ts'
import { elementsOf, type Checkpoint } from './checkpoint.ts'
import type { Source, WeightsPlan } from './weights.ts'

/** Throws `bad-checkpoint` naming every tensor that is missing or has another shape than the configuration says. */
export function checkSources(plans: readonly WeightsPlan[], checkpoint: Checkpoint): void {
  const sources = allSources(plans)
  const missing = sources.filter(({ tensor }) => !checkpoint.tensors.has(tensor)).map(({ tensor }) => tensor)
  if (missing.length > 0) {
    const rest = missing.length > 3 ? ` and ${missing.length - 3} more` : ''
    const list = missing.slice(0, 3).join(', ') + rest
    throw new AppError(
      'bad-checkpoint',
      `The checkpoint lacks ${list}; fetch it again, or check that config.json belongs to it.`,
    )
  }
  const wrong = sources.find(
    ({ tensor, shape }) => checkpoint.tensors.get(tensor)?.shape.join() !== shape.join(),
  )
  if (wrong !== undefined) {
    const found = checkpoint.tensors.get(wrong.tensor)?.shape.join(' × ') ?? ''
    throw new AppError(
      'bad-checkpoint',
      `${wrong.tensor} has shape ${found}, but config.json asks for ${wrong.shape.join(' × ')}; the files do not belong together.`,
    )
  }
}

/** Names of tensors that no graph uses, in the checkpoint's order. `copies`, as of a tied head, are known. */
export function unknownTensors(
  plans: readonly WeightsPlan[],
  copies: readonly string[],
  checkpoint: Checkpoint,
): string[] {
  const used = new Set([...allSources(plans).map(({ tensor }) => tensor), ...copies])
  return [...checkpoint.tensors.keys()].filter((name) => !used.has(name))
}

/** A tensor that several parts have a copy of counts once. */
export function countParameters(plans: readonly WeightsPlan[]): number {
  const shapes = new Map(allSources(plans).map(({ tensor, shape }) => [tensor, shape]))
  return [...shapes.values()].reduce((sum, shape) => sum + elementsOf(shape), 0)
}

export interface CheckedFacts {
  parameters: number
  statedImageSize: number | null
  /** Number of entries the tokenizer knows, or null when the checkpoint brings no tokenizer. */
  tokenizerEntries: number | null
  signal?: AbortSignal | undefined
}

/** Totals of the published checkpoints: OPT with 50304 and 50272 rows, then Flan-T5, at 224 and 364 pixels (blip2.md 1.7). */
const PUBLISHED_TOTALS = new Set([
  3_744_761_856, 3_744_679_936, 7_752_869_376, 7_752_738_304, 3_745_353_216, 3_745_271_296, 7_753_460_736,
  7_753_329_664, 3_876_648_448, 3_877_239_808, 12_098_000_384,
])
const PUBLISHED_WIDTHS = ['1408/768/2048', '1408/768/2560', '1408/768/4096']

/** Runs every sanity check of blip2.md 2.8 and says what it found. */
export async function runChecks(
  model: ModelToConvert,
  checkpoint: Checkpoint,
  facts: CheckedFacts,
): Promise<CheckResult[]> {
  return [
    parameterCheck(model, facts.parameters),
    await keyBiasCheck(model.look, checkpoint, facts.signal),
    await queryCheck(checkpoint, facts.signal),
    headCheck(model, checkpoint),
    imageSizeCheck(model.look, facts.statedImageSize),
    tokenizerCheck(model, facts.tokenizerEntries),
  ]
}

function parameterCheck({ look, hiddenSize }: ModelToConvert, parameters: number): CheckResult {
  const widths = [look.vision.hiddenSize, look.qFormer.hiddenSize, hiddenSize].join('/')
  const count = parameters.toLocaleString('en-US')
  if (!PUBLISHED_WIDTHS.includes(widths))
    return { name: 'parameters', ok: true, detail: `${count} parameters` }
  const ok = PUBLISHED_TOTALS.has(parameters)
  return {
    name: 'parameters',
    ok,
    detail: ok ? `${count} parameters, as published` : `${count} parameters, unlike any published BLIP-2`,
  }
}

async function keyBiasCheck(
  config: LookConfig,
  checkpoint: Checkpoint,
  signal?: AbortSignal,
): Promise<CheckResult> {
  const { hiddenSize, layers, qkvBias } = config.vision
  const name = 'vision key bias'
  if (!qkvBias) return { name, ok: true, detail: 'no qkv bias at all' }
  let unlike = 0
  for (let i = 0; i < layers; i += 1) {
    const tensor = `vision_model.encoder.layers.${i}.self_attn.qkv.bias`
    const bias = await checkpoint.readElements(tensor, hiddenSize, hiddenSize, signal)
    if (bias.some((value) => value !== 0)) unlike += 1
  }
  const detail =
    unlike === 0 ? 'zero in every layer' : `not zero in ${unlike} of ${layers} layers; used as it is`
  return { name, ok: unlike === 0, detail }
}

async function queryCheck(checkpoint: Checkpoint, signal?: AbortSignal): Promise<CheckResult> {
  const info = checkpoint.tensors.get('query_tokens')
  const values = await checkpoint.readElements('query_tokens', 0, elementsOf(info?.shape ?? []), signal)
  const ok = values.some((value) => value !== 0)
  return { name: 'query tokens', ok, detail: ok ? 'not zero' : 'all zero: this checkpoint was never trained' }
}

function headCheck({ headTensor, tiedHead }: ModelToConvert, checkpoint: Checkpoint): CheckResult {
  const stored = checkpoint.tensors.has(headTensor)
  const detail = tiedHead
    ? stored
      ? 'stored, equal to the embedding'
      : 'not stored; the embedding serves'
    : 'differs from the embedding; kept apart'
  return { name: 'language model head', ok: true, detail }
}

function imageSizeCheck(config: LookConfig, stated: number | null): CheckResult {
  const { imageSize } = config.vision
  const tokens = `${visionTokens(config.vision)} positions for ${imageSize} × ${imageSize} pixels`
  if (stated === null || stated === imageSize) return { name: 'image size', ok: true, detail: tokens }
  return {
    name: 'image size',
    ok: false,
    detail: `${tokens}; preprocessor_config.json says ${stated}, which is ignored`,
  }
}

function tokenizerCheck({ vocabulary }: ModelToConvert, entries: number | null): CheckResult {
  if (entries === null)
    return { name: 'tokenizer', ok: false, detail: 'none found: prompts and answers will be token ids only' }
  const ok = entries <= vocabulary
  return { name: 'tokenizer', ok, detail: `${entries} entries for ${vocabulary} rows` }
}

function allSources(plans: readonly WeightsPlan[]): Source[] {
  return plans.flatMap((plan) => plan.recipes.flatMap((recipe) => recipe.sources))
}
