/** Whether values look like a BLIP-2 checkpoint: said, not enforced. */
import type { CheckResult } from '../../pack/manifest.ts'
import { elementsOf, type Checkpoint } from '../checkpoint.ts'
import { QUERY_TOKENS } from '../parts/q-former-layers.ts'
import { qkvBiasTensor } from '../parts/vision-eva.ts'
import { visionTokens, type LookConfig } from './blip2-look.ts'
import type { CheckedFacts } from './family.ts'

/** What is known of the published checkpoints of a family: widths of vision, Q-Former and what that goes to, and totals of parameters. */
export interface Published {
  widths: readonly string[]
  totals: readonly number[]
}

/** What the language model's part in it is. */
export interface LanguageFacts {
  hiddenSize: number
  vocabulary: number
  headStored: boolean
  headTied: boolean
}

interface Looked {
  checkpoint: Checkpoint
  facts: CheckedFacts
}

/** Runs every sanity check of blip2.md 2.8 and says what it found. */
export async function checkBlip2(
  look: LookConfig,
  { hiddenSize, vocabulary, headStored, headTied }: LanguageFacts,
  published: Published,
  looked: Looked,
): Promise<CheckResult[]> {
  const checks = await checkLook(look, { width: hiddenSize, vocabulary, published }, looked)
  return [...checks, headCheck(headStored, headTied)]
}

/** Those of them that hold without a language model. `width` is that of what the Q-Former's outputs are projected to. */
export async function checkLook(
  look: LookConfig,
  { width, vocabulary, published }: { width: number; vocabulary: number; published: Published },
  { checkpoint, facts }: Looked,
): Promise<CheckResult[]> {
  const widths = [look.vision.hiddenSize, look.qFormer.hiddenSize, width].join('/')
  return [
    parameterCheck(widths, facts.parameters, published),
    await keyBiasCheck(look, checkpoint, facts.signal),
    await queryCheck(checkpoint, facts.signal),
    imageSizeCheck(look, facts.stated),
    tokenizerCheck(vocabulary, facts.tokenizerEntries),
  ]
}

function parameterCheck(widths: string, parameters: number, published: Published): CheckResult {
  const count = parameters.toLocaleString('en-US')
  if (!published.widths.includes(widths))
    return { name: 'parameters', ok: true, detail: `${count} parameters` }
  const ok = published.totals.includes(parameters)
  return {
    name: 'parameters',
    ok,
    detail: ok ? `${count} parameters, as published` : `${count} parameters, unlike any published BLIP-2`,
  }
}

async function keyBiasCheck(
  { vision }: LookConfig,
  checkpoint: Checkpoint,
  signal?: AbortSignal,
): Promise<CheckResult> {
  const { tower, hiddenSize, layers, qkvBias } = vision
  const name = 'vision key bias'
  if (tower === 'clip') return { name, ok: true, detail: 'a tower that has one' }
  if (!qkvBias) return { name, ok: true, detail: 'no qkv bias at all' }
  let unlike = 0
  for (let i = 0; i < layers; i += 1) {
    const tensor = qkvBiasTensor(i)
    const bias = await checkpoint.readElements(tensor, hiddenSize, hiddenSize, signal)
    if (bias.some((value) => value !== 0)) unlike += 1
  }
  const detail =
    unlike === 0 ? 'zero in every layer' : `not zero in ${unlike} of ${layers} layers; used as it is`
  return { name, ok: unlike === 0, detail }
}

async function queryCheck(checkpoint: Checkpoint, signal?: AbortSignal): Promise<CheckResult> {
  const info = checkpoint.tensors.get(QUERY_TOKENS)
  const values = await checkpoint.readElements(QUERY_TOKENS, 0, elementsOf(info?.shape ?? []), signal)
  const ok = values.some((value) => value !== 0)
  return { name: 'query tokens', ok, detail: ok ? 'not zero' : 'all zero: this checkpoint was never trained' }
}

function headCheck(stored: boolean, tied: boolean): CheckResult {
  const detail = tied
    ? stored
      ? 'stored, equal to the embedding'
      : 'not stored; the embedding serves'
    : 'differs from the embedding; kept apart'
  return { name: 'language model head', ok: true, detail }
}

function imageSizeCheck({ vision }: LookConfig, stated: CheckedFacts['stated']): CheckResult {
  const { imageSize, trainedSize } = vision
  const from =
    imageSize === trainedSize ? '' : `, interpolated from those for ${trainedSize} × ${trainedSize}`
  const tokens = `${visionTokens(vision)} positions for ${imageSize} × ${imageSize} pixels${from}`
  if (stated === null || stated.imageSize === trainedSize)
    return { name: 'image size', ok: true, detail: tokens }
  return {
    name: 'image size',
    ok: false,
    detail: `${tokens}; ${stated.file} says ${stated.imageSize}, which is ignored`,
  }
}

function tokenizerCheck(vocabulary: number, entries: number | null): CheckResult {
  if (entries === null)
    return { name: 'tokenizer', ok: false, detail: 'none found: prompts and answers will be token ids only' }
  const ok = entries <= vocabulary
  return { name: 'tokenizer', ok, detail: `${entries} entries for ${vocabulary} rows` }
}
