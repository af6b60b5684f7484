/**
 * A model's sense of its limits: whether what it says of a picture can be relied on. One logistic over what the language
 * model is given of the picture, and for captions three numbers beside it: that, and how sure the model was of its words.
 * Both are there anyway, so it costs nothing and is the same on every device. It was fitted to pictures whose captions are
 * right and to pictures whose captions are not (`lab/built-in-model/limits.ts`): fitted and counted as q8, and lent to the same checkpoint
 * in other precisions. It holds for no other weights.
 */
import { lookKey, type PackManifest } from '../../pack/manifest.ts'
import type { DecodingSettings } from '../../pack/decoding.ts'
import { qFormerOf } from '../../pack/families.ts'
import { penalises } from '../decode/logits.ts'
import drawnScenes from './drawn-scenes.json' with { type: 'json' }

export interface Limits {
  /** Which vision encoders and Q-Formers it is for: see `lookKey`. */
  looks: readonly string[]
  /** For each of `pooled`. */
  weights: readonly number[]
  bias: number
  /** For what the picture scores, the sum of natural log-probabilities of its caption, and the caption's tokens. */
  caption: { weights: readonly number[]; bias: number }
}

/** The best answer, as decoding scores it: see `Answer`. */
export interface Said {
  score: number
  tokenIds: readonly number[]
}

const KNOWN: readonly Limits[] = [drawnScenes]

/** Null for a model whose limits nobody has measured. */
export function limitsOf(manifest: PackManifest): Limits | null {
  const key = lookKey(manifest)
  return KNOWN.find(({ looks }) => looks.includes(key)) ?? null
}

/**
 * How much query embeddings [queries, text hidden] look like those of a picture outside of what the model was taught:
 * 0 to 1, and from ½ on it is taken for one. Null for a model whose limits are not known.
 */
export function outsideOf(manifest: PackManifest, embeddings: Float32Array): number | null {
  const limits = limitsOf(manifest)
  if (limits === null) return null
  return outside(limits, pooled(embeddings, qFormerOf(manifest).shape.queries))
}

/**
 * The same of a caption, where `picture` is what `outsideOf` gave: a caption of which the model was not sure is a guess
 * too. How sure it was tells something of the words that it finds likeliest behind no prompt; of words that were sampled,
 * asked for or held back by a rule or a penalty, the picture alone speaks.
 */
export function outsideOfCaption(
  manifest: PackManifest,
  picture: number | null,
  { score, tokenIds }: Said,
  { prompt, settings }: { prompt: string; settings: DecodingSettings },
): number | null {
  const limits = limitsOf(manifest)
  if (limits === null || picture === null || prompt.trim() !== '' || !wantsLikeliest(settings)) return picture
  const logProbability = score * tokenIds.length ** settings.lengthPenalty
  return outside(limits.caption, Float32Array.of(scoreOf(picture), logProbability, tokenIds.length))
}

/** Whether nothing but the model has a say in the words: one that must go on says things that it would not have said. */
function wantsLikeliest(settings: DecodingSettings): boolean {
  return settings.sampling === null && settings.words === undefined && !penalises(settings, 0)
}

/** What a share between 0 and 1 is the logistic of; a share that was rounded to 0 or 1 is far from ½, not endlessly so. */
function scoreOf(share: number): number {
  return Math.max(-FAR, Math.min(FAR, Math.log(share / (1 - share))))
}

const FAR = 30

export function outside({ weights, bias }: Pick<Limits, 'weights' | 'bias'>, features: Float32Array): number {
  const sum = features.reduce((so, value, i) => so + value * (weights[i] ?? 0), bias)
  return 1 / (1 + Math.exp(-sum))
}

/** Mean and deviation over the queries of each column of their embeddings, [2 · text hidden]. */
export function pooled(embeddings: Float32Array, queries: number): Float32Array<ArrayBuffer> {
  const width = embeddings.length / queries
  const found = new Float32Array(2 * width)
  for (let column = 0; column < width; column += 1) {
    let [sum, squares] = [0, 0]
    for (let query = 0; query < queries; query += 1) {
      const value = embeddings[query * width + column] ?? 0
      sum += value
      squares += value * value
    }
    const mean = sum / queries
    found[column] = mean
    found[width + column] = Math.sqrt(Math.max(0, squares / queries - mean * mean))
  }
  return found
}
