/**
 * From logits to scores, in the order of transformers' `LogitsProcessorList`: repetition penalty, no-repeat n-gram,
 * shortest answer, then temperature, top-k and top-p. Each changes a row of scores [vocabulary] in place.
 */
import type { DecodingSettings, Sampling } from '../../pack/decoding.ts'

export interface ScoreContext {
  /** Ids before this token: image tokens, BOS, prompt and answer so far, as transformers counts them. */
  ids: readonly number[]
  /** Tokens of the answer so far. */
  newTokens: number
  eosIds: readonly number[]
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
  for (const id of repeating(context.ids, noRepeatNgram)) scores[id] = -Infinity
  if (context.newTokens < minNewTokens) for (const id of context.eosIds) scores[id] = -Infinity
}

/** Ids that would complete an n-gram of `size` which is there already. */
function repeating(ids: readonly number[], size: number): number[] {
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

/** Probabilities [vocabulary] to sample from: 0 where top-k or top-p leave a token out. */
export function samplingProbabilities(
  logits: Float32Array,
  { temperature, topK, topP }: Sampling,
): Float64Array {
  const order = Array.from(logits.keys()).sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0))
  const kept = topK > 0 ? order.slice(0, topK) : order
  const best = logits[order[0] ?? 0] ?? 0
  const weights = kept.map((id) => Math.exp(((logits[id] ?? -Infinity) - best) / temperature))
  const sum = weights.reduce((total, weight) => total + weight, 0)
  const probabilities = new Float64Array(logits.length)
  // At least one token stays; one is left out when those before it reach top-p already.
  let before = 0
  let total = 0
  for (const [rank, id] of kept.entries()) {
    if (rank > 0 && before >= topP) break
    const share = (weights[rank] ?? 0) / sum
    probabilities[id] = share
    before += share
    total += share
  }
  return probabilities.map((probability) => probability / total)
}

/** The id at which the running sum of probabilities passes `at`, uniform in [0, 1). */
export function draw(probabilities: Float64Array, at: number): number {
  let sum = 0
  let last = 0
  for (const [id, probability] of probabilities.entries()) {
    if (probability === 0) continue
    sum += probability
    last = id
    if (at < sum) return id
  }
  return last
}

/** Log-probabilities of a row of logits, as a new row. */
export function logSoftmax(logits: Float32Array): Float32Array<ArrayBuffer> {
  let best = -Infinity
  for (const logit of logits) if (logit > best) best = logit
  let sum = 0
  for (const logit of logits) sum += Math.exp(logit - best)
  const norm = best + Math.log(sum)
  return Float32Array.from(logits, (logit) => logit - norm)
}

/** Index of the largest value, the first one among equals. */
export function argmax(values: Float32Array): number {
  let best = 0
  for (let i = 1; i < values.length; i += 1) {
    if ((values[i] ?? -Infinity) > (values[best] ?? -Infinity)) best = i
  }
  return best
}

/** Uniform numbers in [0, 1) from a seed: SplitMix32 (Steele, Lea and Flood 2014, 32-bit variant). */
export function seededUniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32
  }
}
