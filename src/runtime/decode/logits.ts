/**
 * From logits to scores, in the order of transformers' `LogitsProcessorList`: repetition penalty, no-repeat n-gram,
 * banned words, shortest answer, forced beginning. Each changes a row of scores [vocabulary] in place. A row has some 50,000 entries and there is one
 * for every token, so what goes over a whole row are plain loops without closures and copies.
 */
import type { DecodingSettings } from '../../pack/decoding.ts'
import type { Logits } from '../language/language-model.ts'
import { allowOnly, completing, stillToWrite, type TokenRules } from './word-rules.ts'

export interface ScoreContext {
  /** Ids before this token: image tokens, BOS, prompt and answer so far, as transformers counts them. */
  ids: readonly number[]
  /** Tokens of the answer so far. */
  newTokens: number
  eosIds: readonly number[]
  rules?: TokenRules | undefined
}

/** Whether `penalise` would change anything behind `newTokens` tokens. */
export function penalises(settings: DecodingSettings, newTokens: number, rules?: TokenRules): boolean {
  const { repetitionPenalty, noRepeatNgram, minNewTokens } = settings
  return repetitionPenalty !== 1 || noRepeatNgram > 0 || newTokens < minNewTokens || rules !== undefined
}

/** Everything but sampling. Greedy search and sampling give it logits, beam search log-probabilities. */
export function penalise(scores: Float32Array, settings: DecodingSettings, context: ScoreContext): void {
  const { repetitionPenalty, noRepeatNgram, minNewTokens } = settings
  if (repetitionPenalty !== 1) {
    for (const id of new Set(context.ids)) {
      const score = scores[id]
      if (score !== undefined) scores[id] = score < 0 ? score * repetitionPenalty : score / repetitionPenalty
    }
  }
  const { rules, newTokens, eosIds } = context
  // What was asked for word by word may repeat something.
  const wanted = wantedNext(context)
  const asked = wanted.map((id) => [id, scores[id] ?? -Infinity] as const)
  for (const id of repeating(context.ids, noRepeatNgram)) scores[id] = -Infinity
  for (const [id, score] of asked) scores[id] = score
  if (rules !== undefined)
    for (const id of completing(rules.banned, context.ids, eosIds)) scores[id] = -Infinity
  if (newTokens < minNewTokens) for (const id of eosIds) scores[id] = -Infinity
  if (rules !== undefined && newTokens < rules.beginning.length) allowOnly(scores, wanted)
}

/** What the rules ask for next: the beginning, then what goes on with a missing word. */
function wantedNext({ rules, newTokens, ids }: ScoreContext): readonly number[] {
  if (rules === undefined) return []
  const begun = rules.beginning[newTokens]
  if (begun !== undefined) return [begun]
  return rules.forced.length === 0 ? [] : stillToWrite(rules.forced, ids.slice(ids.length - newTokens)).next
}

/** Ids that would complete an n-gram of `size` which is there already. */
export function repeating(ids: readonly number[], size: number): number[] {
  if (size === 0 || ids.length + 1 < size) return []
  const start = ids.length - size + 1
  const banned: number[] = []
  for (let i = 0; i + size <= ids.length; i += 1) {
    let same = true
    for (let j = 0; j < size - 1 && same; j += 1) same = ids[i + j] === ids[start + j]
    const next = ids[i + size - 1]
    if (same && next !== undefined) banned.push(next)
  }
  return banned
}

/** log Σ exp(logit): what a logit is to be reduced by to become a log-probability. */
export function logSumExp(logits: Float32Array): number {
  const best = largest(logits)
  let sum = 0
  for (let i = 0; i < logits.length; i += 1) sum += Math.exp((logits[i] ?? 0) - best)
  return best + Math.log(sum)
}

/** Turns a row of logits into log-probabilities, in place. `norm` is their `logSumExp`, where it is known. */
export function logSoftmax(logits: Float32Array, norm: number = logSumExp(logits)): void {
  for (let i = 0; i < logits.length; i += 1) logits[i] = (logits[i] ?? 0) - norm
}

/** The largest value; minus infinity of none. */
export function largest(values: Float32Array): number {
  let best = -Infinity
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] ?? 0
    if (value > best) best = value
  }
  return best
}

/** Index of the largest value, the first one among equals. */
export function argmax(values: Float32Array): number {
  let best = 0
  let most = values[0] ?? -Infinity
  for (let i = 1; i < values.length; i += 1) {
    const value = values[i] ?? 0
    if (value > most) {
      most = value
      best = i
    }
  }
  return best
}

/** `count` rows of equal length, as views. */
export function splitRows(rows: Logits, count: number): Logits[] {
  const size = rows.length / count
  return Array.from({ length: count }, (_, i) => rows.subarray(i * size, (i + 1) * size))
}
