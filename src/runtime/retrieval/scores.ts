/** What is made of vectors and logits: plain arithmetic, the same wherever they were computed. */
import { AppError } from '../../pack/failure.ts'
import { largest } from '../decode/logits.ts'

/**
 * How alike a picture and a text are: the cosine of the text's vector [d] with the best of the picture's [Q, d], from −1
 * to 1. There is no temperature in it, as in LAVIS and transformers at inference.
 */
export function contrast(picture: Float32Array, text: Float32Array): number {
  return largest(cosines(picture, text))
}

/** The cosine of a text's vector [d] with each of a picture's [Q, d]. */
export function cosines(picture: Float32Array, text: Float32Array): Float32Array<ArrayBuffer> {
  const width = text.length
  if (width === 0 || picture.length % width !== 0)
    throw new AppError('bug', 'These vectors belong to different models.')
  const found = new Float32Array(picture.length / width)
  for (let query = 0; query < found.length; query += 1) {
    let sum = 0
    for (let i = 0; i < width; i += 1) sum += (picture[query * width + i] ?? 0) * (text[i] ?? 0)
    found[query] = sum
  }
  return found
}

/** The same for many: one row for each picture, one column for each text. */
export function contrastMatrix(
  pictures: readonly Float32Array[],
  texts: readonly Float32Array[],
): number[][] {
  return pictures.map((picture) => texts.map((text) => contrast(picture, text)))
}

/** [no match, match], mean over the queries. */
export type MatchLogits = readonly [no: number, yes: number]

/** That picture and text belong together: one softmax over both logits. (The example in transformers' documentation takes two.) */
export function matchProbability([no, yes]: MatchLogits): number {
  return 1 / (1 + Math.exp(no - yes))
}

/** LAVIS begins to learn its temperature from this; what it ends at is in none of transformers' files. */
export const START_TEMPERATURE = 0.07

/** A probability for each label, out of the likeness of each: softmax(likeness ÷ temperature). */
export function classProbabilities(likeness: readonly number[], temperature: number): number[] {
  const largest = Math.max(...likeness)
  const weights = likeness.map((value) => Math.exp((value - largest) / temperature))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

/** One of many candidates for a text, or of many texts for a picture. */
export interface Found {
  /** Among the candidates. */
  index: number
  itc: number
  /** Null for what was not looked at a second time. */
  logits: MatchLogits | null
  /** Logit of a match plus likeness; of what was not looked at again the likeness less 100. */
  score: number
}

/** How many of the best are looked at again (LAVIS `k_test`). */
export const RERANKED = 128

/** What LAVIS gives to pairs that were not looked at again, far below every score. */
const NOT_RERANKED = -100

/**
 * Retrieval as in LAVIS' `compute_sim_matrix`: likeness finds the best `count`, matching orders them anew. `match` is told
 * which, best first. Gives all candidates, best first.
 */
export async function retrieve(
  likeness: readonly number[],
  match: (indices: readonly number[]) => Promise<readonly MatchLogits[]>,
  count = RERANKED,
): Promise<Found[]> {
  const order = likeness.map((itc, index) => ({ index, itc })).sort((a, b) => b.itc - a.itc)
  const logits = await match(order.slice(0, count).map(({ index }) => index))
  const found = order.map(({ index, itc }, rank): Found => {
    const pair = logits[rank]
    if (pair === undefined) return { index, itc, logits: null, score: itc + NOT_RERANKED }
    return { index, itc, logits: pair, score: pair[1] + itc }
  })
  return found.sort((a, b) => b.score - a.score)
}
