/** What pictures and texts have in common: vectors of each by itself, and logits of a match of both together. */
import { throwIfCancelled } from '../../pack/failure.ts'
import type { FramedTexts } from './framed-texts.ts'
import { contrast, matchProbability, type MatchLogits } from './scores.ts'
import { NO_TEXT, rowAt, type EncodedPicture, type TextQFormer } from './text-q-former.ts'

export interface ImageFeatures {
  /** [Q, hidden] */
  queryOutput: Float32Array<ArrayBuffer>
  /** [Q, d], each of length 1 */
  vectors: Float32Array<ArrayBuffer>
}

export interface TextFeatures {
  ids: number[]
  /** [L, hidden] */
  output: Float32Array<ArrayBuffer>
  /** [L, d], each of length 1 */
  vectors: Float32Array<ArrayBuffer>
  /** The first of them, of `[CLS]`: what stands for the text. (transformers' `text_embeds` are all of them.) */
  vector: Float32Array<ArrayBuffer>
}

/** A picture's queries with a text present. */
export interface MultimodalFeatures {
  /** [Q, hidden] */
  queryOutput: Float32Array<ArrayBuffer>
  logits: MatchLogits
}

export interface TextMatch {
  /** Best cosine of the queries with the text, without a temperature. */
  itc: number
  /** Probability of a match. */
  itm: number
  logits: MatchLogits
}

export interface RunOptions {
  signal?: AbortSignal | undefined
}

/** What is known already of the texts and of the picture. */
export interface MatchOptions extends RunOptions {
  read?: readonly TextFeatures[] | undefined
  vectors?: ImageFeatures['vectors'] | undefined
}

/** Rows that run side by side: enough to fill a device, and a few dozen megabytes at the published size. */
const BATCH = 16

export class Comparison {
  readonly #qFormer: TextQFormer
  readonly #texts: FramedTexts

  constructor(qFormer: TextQFormer, texts: FramedTexts) {
    this.#qFormer = qFormer
    this.#texts = texts
  }

  async imageFeatures({ features }: EncodedPicture): Promise<ImageFeatures> {
    const rows = [{ picture: 0, ids: NO_TEXT }]
    const { queryOutput, imageVectors } = await this.#qFormer.run(features, rows, 'apart')
    return { queryOutput: rowAt(queryOutput, 0), vectors: rowAt(imageVectors, 0) }
  }

  /** Throws what `FramedTexts` throws, before anything runs. */
  async textFeatures(texts: readonly string[], { signal }: RunOptions = {}): Promise<TextFeatures[]> {
    const { projectionSize, hiddenSize } = this.#qFormer.shape
    const features: TextFeatures[] = []
    for (const ids of this.#batches(texts)) {
      throwIfCancelled(signal)
      const { text, textVectors } = await this.#qFormer.read(ids, { signal })
      for (const [row, own] of ids.entries()) {
        const vectors = rowAt(textVectors, row).slice(0, own.length * projectionSize)
        const output = rowAt(text, row).slice(0, own.length * hiddenSize)
        features.push({ ids: own, output, vectors, vector: vectors.slice(0, projectionSize) })
      }
    }
    return features
  }

  /** The picture with each of the texts. */
  async multimodalFeatures(
    { features }: EncodedPicture,
    texts: readonly string[],
    { signal }: RunOptions = {},
  ): Promise<MultimodalFeatures[]> {
    const found: MultimodalFeatures[] = []
    for (const ids of this.#batches(texts)) {
      throwIfCancelled(signal)
      const rows = ids.map((own) => ({ picture: 0, ids: own }))
      const { queryOutput, match } = await this.#qFormer.run(features, rows, 'together', { signal })
      for (const row of ids.keys()) {
        const [no = NaN, yes = NaN] = rowAt(match, row)
        found.push({ queryOutput: rowAt(queryOutput, row), logits: [no, yes] })
      }
    }
    return found
  }

  /** How well each of the texts fits the picture, by contrast and by matching. */
  async match(
    picture: EncodedPicture,
    texts: readonly string[],
    options: MatchOptions = {},
  ): Promise<TextMatch[]> {
    const read = options.read ?? (await this.textFeatures(texts, options))
    const vectors = options.vectors ?? (await this.imageFeatures(picture)).vectors
    const pairs = await this.multimodalFeatures(picture, texts, options)
    return pairs.map(({ logits }, i) => ({
      itc: contrast(vectors, read[i]?.vector ?? new Float32Array()),
      itm: matchProbability(logits),
      logits,
    }))
  }

  #batches(texts: readonly string[]): number[][][] {
    const all = texts.map((text) => this.#texts.idsOf(text))
    return Array.from({ length: Math.ceil(all.length / BATCH) }, (_, i) =>
      all.slice(i * BATCH, (i + 1) * BATCH),
    )
  }
}
