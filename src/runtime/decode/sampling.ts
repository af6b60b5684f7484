/**
 * Drawing a token: temperature, top-k and top-p as transformers' warpers apply them, in that order. A sort of some
 * 50,000 logits would take tens of milliseconds for every token, so tokens are counted into buckets by their logit, and
 * only the bucket through which a limit passes is put in order.
 */
import type { Sampling } from '../../pack/decoding.ts'
import { largest } from './logits.ts'

/** Buckets in each unit of (best logit − logit) ÷ temperature, and how many there are; the last one takes the rest. */
const BUCKETS_PER_UNIT = 64
/** Beyond 64 units a token has at most e^-64 of the best one's probability. */
const BUCKETS = 64 * BUCKETS_PER_UNIT

/** Draws tokens from rows of one length, in memory that is taken once. */
export class Sampler {
  readonly #sampling: Sampling
  readonly #uniform: () => number
  /** Of each token e^((logit − best) ÷ temperature), or 0 where it is left out. */
  #weights = new Float64Array(0)
  readonly #counts = new Uint32Array(BUCKETS)
  readonly #sums = new Float64Array(BUCKETS)
  #best = 0

  constructor(sampling: Sampling, seed: number) {
    this.#sampling = sampling
    this.#uniform = seededUniform(seed)
  }

  /** A token by its probability; the next call draws anew. */
  draw(logits: Float32Array): number {
    return drawAt(this.weights(logits), this.#uniform())
  }

  /** What each token [vocabulary] is drawn in proportion to, 0 where top-k or top-p leave it out. Valid until the next call. */
  weights(logits: Float32Array): Float64Array {
    const { topK, topP } = this.#sampling
    this.#weigh(logits)
    if (topK > 0 && topK < logits.length) this.#keepLikeliest(logits, topK)
    if (topP < 1) this.#keepShare(logits, topP)
    return this.#weights
  }

  #weigh(logits: Float32Array): void {
    const { length } = logits
    if (this.#weights.length !== length) this.#weights = new Float64Array(length)
    this.#best = largest(logits)
    const weights = this.#weights
    for (let i = 0; i < length; i += 1) weights[i] = Math.exp(-this.#distance(logits[i] ?? 0))
  }

  /** How many tokens that are not left out, and how much weight, each bucket has. */
  #fillBuckets(logits: Float32Array): void {
    const [counts, sums, weights] = [this.#counts, this.#sums, this.#weights]
    counts.fill(0)
    sums.fill(0)
    for (let i = 0; i < logits.length; i += 1) {
      const weight = weights[i] ?? 0
      if (weight === 0) continue
      const bucket = this.#bucketOf(logits[i] ?? 0)
      counts[bucket] = (counts[bucket] ?? 0) + 1
      sums[bucket] = (sums[bucket] ?? 0) + weight
    }
  }

  /** Top-k: leaves out what is below the k-th logit; as in transformers those equal to it all stay. */
  #keepLikeliest(logits: Float32Array, k: number): void {
    this.#fillBuckets(logits)
    let left = k
    let bucket = 0
    while (bucket < BUCKETS && (this.#counts[bucket] ?? 0) < left) {
      left -= this.#counts[bucket] ?? 0
      bucket += 1
    }
    // Fewer than k have any weight at all.
    if (bucket === BUCKETS) return
    const last = this.#inOrder(logits, bucket)[left - 1]
    const lowest = last === undefined ? -Infinity : (logits[last] ?? -Infinity)
    const weights = this.#weights
    for (let i = 0; i < logits.length; i += 1) if ((logits[i] ?? 0) < lowest) weights[i] = 0
  }

  /** Top-p: leaves out a token when those likelier than it have `share` of all probability already. One always stays. */
  #keepShare(logits: Float32Array, share: number): void {
    this.#fillBuckets(logits)
    let total = 0
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) total += this.#sums[bucket] ?? 0
    const wanted = share * total
    let before = 0
    let bucket = 0
    while (bucket < BUCKETS && before + (this.#sums[bucket] ?? 0) < wanted) {
      before += this.#sums[bucket] ?? 0
      bucket += 1
    }
    if (bucket === BUCKETS) return
    const weights = this.#weights
    for (let i = 0; i < logits.length; i += 1)
      if (weights[i] !== 0 && this.#bucketOf(logits[i] ?? 0) > bucket) weights[i] = 0
    let none = before === 0
    for (const id of this.#inOrder(logits, bucket)) {
      if (!none && before >= wanted) weights[id] = 0
      else before += weights[id] ?? 0
      none = false
    }
  }

  /** Tokens of a bucket that have weight, the likeliest first, the smaller id first among equals. */
  #inOrder(logits: Float32Array, bucket: number): number[] {
    const ids: number[] = []
    for (let i = 0; i < logits.length; i += 1)
      if (this.#weights[i] !== 0 && this.#bucketOf(logits[i] ?? 0) === bucket) ids.push(i)
    return ids.sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0))
  }

  #distance(logit: number): number {
    return (this.#best - logit) / this.#sampling.temperature
  }

  #bucketOf(logit: number): number {
    return Math.min(BUCKETS - 1, Math.floor(this.#distance(logit) * BUCKETS_PER_UNIT))
  }
}

/** The id at which the running sum of weights passes the share `at` of all, uniform in [0, 1). */
export function drawAt(weights: Float64Array, at: number): number {
  let total = 0
  for (let i = 0; i < weights.length; i += 1) total += weights[i] ?? 0
  const wanted = at * total
  let sum = 0
  let last = 0
  for (let i = 0; i < weights.length; i += 1) {
    const weight = weights[i] ?? 0
    if (weight === 0) continue
    sum += weight
    last = i
    if (wanted < sum) return i
  }
  return last
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
