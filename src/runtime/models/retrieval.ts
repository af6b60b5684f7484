/**
 * BLIP-2 after stage 1: what pictures and texts have in common. Every call form of the reference is here (blip2.md
 * section 5); scores are made of what they give by `retrieval/scores`.
 */
import type { Pixels } from '../../image/pixels.ts'
import { AppError, throwIfCancelled } from '../../pack/failure.ts'
import type { PackManifest, PackReader } from '../../pack/manifest.ts'
import type { TowerStates } from '../../pack/tower-states.ts'
import type { Compute } from '../device/compute.ts'
import { logSumExp } from '../decode/logits.ts'
import { Runtime } from '../ort/runtime.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import type { Row } from '../retrieval/text-q-former.ts'
import { TextQFormer } from '../retrieval/text-q-former.ts'
import { contrast, matchProbability, START_TEMPERATURE, type MatchLogits } from '../retrieval/scores.ts'
import { joined, WritingSequence } from '../retrieval/writing-sequence.ts'
import { Discussion, type AnswerOptions, type AnswerSoFar } from '../talk/discussion.ts'
import { openTokenizer, type Tokenizer } from '../talk/tokenizer.ts'
import { openedWhole } from './disposable.ts'
import { PartsOpener, type OpenOptions } from './open-parts.ts'
import { towerOf, type Tower } from './tower.ts'
import { VisionEncoder } from './vision-encoder.ts'

/** A picture as the vision encoder gives it: float32 [1, tokens, width] on the device. Dispose it. */
export interface EncodedPicture {
  features: DeviceTensor
}

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

export interface MatchOptions {
  signal?: AbortSignal | undefined
  read?: readonly TextFeatures[] | undefined
  vectors?: ImageFeatures['vectors'] | undefined
}

export interface AttentionMaps {
  /** Layers that look at the picture. */
  layers: number
  heads: number
  queries: number
  /** Image tokens; the first is the class token, the others are patches by rows. */
  tokens: number
  /** [layers, heads, Q, tokens], each row a probability over the tokens */
  byHead: Float32Array<ArrayBuffer>
}

export interface RetrievalOptions extends OpenOptions {
  /** The vision encoder is opened when a picture has to be looked at here; left out: at once. */
  visionLater?: boolean | undefined
}

/** Rows that run side by side: enough to fill a device, and a few dozen megabytes at the published size. */
const BATCH = 16

export class RetrievalModel {
  readonly manifest: PackManifest<'blip2-itm'>
  readonly #vision: VisionEncoder
  readonly #qFormer: TextQFormer
  readonly #tokenizer: Tokenizer | null
  readonly #tower: () => Promise<Tower | null>

  private constructor(parts: {
    manifest: PackManifest<'blip2-itm'>
    vision: VisionEncoder
    qFormer: TextQFormer
    tokenizer: Tokenizer | null
    tower: () => Promise<Tower | null>
  }) {
    this.manifest = parts.manifest
    this.#vision = parts.vision
    this.#qFormer = parts.qFormer
    this.#tokenizer = parts.tokenizer
    this.#tower = parts.tower
  }

  /** What was opened is closed again when a later part fails. */
  static async open(
    pack: PackReader<'blip2-itm'>,
    compute: Compute,
    { visionLater = false, ...options }: RetrievalOptions = {},
  ): Promise<RetrievalModel> {
    throwIfCancelled(options.signal)
    const { manifest } = pack
    const order = [...(visionLater ? [] : (['vision'] as const)), 'text-q-former' as const]
    const parts = new PartsOpener(await Runtime.open(compute), pack, order, options)
    try {
      const tokenizer = await openTokenizer(pack)
      return await openedWhole(async (opened) => {
        const vision = visionLater ? VisionEncoder.later(parts) : await VisionEncoder.open(parts)
        opened.push(vision.session)
        const session = await parts.openOnDemand('text-q-former', { keepOnDevice: [] })
        const lookInside = parts.onDemand('cross-attention', { keepOnDevice: [] })
        const { vision: eye, 'text-q-former': former, 'word-head': head } = manifest.parts
        const wordHead = head === undefined ? null : parts.onDemand('word-head', { keepOnDevice: [] })
        const sessions = { session, lookInside, wordHead }
        const qFormer = new TextQFormer(parts.runtime, sessions, former.shape, eye.shape.hiddenSize)
        opened.push(qFormer)
        const tower = towerOf(pack, compute)
        const model = new RetrievalModel({ manifest, vision, qFormer, tokenizer, tower })
        await parts.warmUp(() => model.#warmUp())
        return model
      })
    } finally {
      parts.finish()
    }
  }

  /** Ids of a text in its frame. Throws `prompt-too-long`: no text is cut. */
  textIds(text: string): number[] {
    if (this.#tokenizer === null)
      throw new AppError(
        'bad-usage',
        'This pack has no tokenizer, so it reads no text; convert a checkpoint with its tokenizer files.',
      )
    const { frame } = this.#tokenizer
    const ids = [...(frame?.before ?? []), ...this.#tokenizer.encode(text), ...(frame?.after ?? [])]
    if (ids.length === 0) throw new AppError('bad-usage', 'A text is empty; say something of the picture.')
    const { positions, vocabulary } = this.#qFormer.shape
    if (ids.length > positions)
      throw new AppError(
        'prompt-too-long',
        `A text has ${ids.length} tokens, and this model reads at most ${positions}; make it shorter.`,
      )
    if (ids.some((id) => id >= vocabulary))
      throw new AppError(
        'bad-pack',
        'The tokenizer of this pack knows words that its model does not; convert it again.',
      )
    return ids
  }

  /** Encodes a picture, once for all that follows. */
  async encode(pixels: Pixels, options: { signal?: AbortSignal | undefined } = {}): Promise<EncodedPicture> {
    return { features: await this.#vision.encode(pixels, options) }
  }

  /**
   * A picture that another model over the same tower has looked at, as `encode` gives it but for rounding; null for states
   * of another tower. Rejects what reading the pack rejects.
   */
  async encodedElsewhere(states: TowerStates): Promise<EncodedPicture | null> {
    const features = (await this.#tower())?.featuresOf(states) ?? null
    return features === null ? null : { features: this.#vision.resident(features) }
  }

  /** [tokens, width], read back. */
  visionFeatures({ features }: EncodedPicture): Promise<Float32Array<ArrayBuffer>> {
    return features.read()
  }

  async imageFeatures(picture: EncodedPicture): Promise<ImageFeatures> {
    const { queryOutput, imageVectors } = await this.#alone(picture)
    return { queryOutput: first(queryOutput), vectors: first(imageVectors) }
  }

  async textFeatures(
    texts: readonly string[],
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<TextFeatures[]> {
    const { projectionSize, hiddenSize } = this.#qFormer.shape
    const features: TextFeatures[] = []
    for (const ids of batches(texts.map((text) => this.textIds(text)))) {
      throwIfCancelled(signal)
      const { text, textVectors } = await this.#qFormer.read(ids, { signal })
      for (const [row, own] of ids.entries()) {
        const vectors = at(textVectors, row).slice(0, own.length * projectionSize)
        const output = at(text, row).slice(0, own.length * hiddenSize)
        features.push({ ids: own, output, vectors, vector: vectors.slice(0, projectionSize) })
      }
    }
    return features
  }

  /** The picture with each of the texts. */
  async multimodalFeatures(
    { features }: EncodedPicture,
    texts: readonly string[],
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<MultimodalFeatures[]> {
    const found: MultimodalFeatures[] = []
    for (const ids of batches(texts.map((text) => this.textIds(text)))) {
      throwIfCancelled(signal)
      const rows = ids.map((own) => ({ picture: 0, ids: own }))
      const { queryOutput, match } = await this.#qFormer.run(features, rows, 'together', { signal })
      for (const row of ids.keys()) {
        const [no = NaN, yes = NaN] = at(match, row)
        found.push({ queryOutput: at(queryOutput, row), logits: [no, yes] })
      }
    }
    return found
  }

  /**
   * How well each of the texts fits the picture, by contrast and by matching. `read` are their features and `vectors` the
   * picture's, where they are known.
   */
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

  /** Where the queries look, by themselves or (with a text) when they see it. */
  async attention(picture: EncodedPicture, text: string | null): Promise<AttentionMaps> {
    const row: Row = { picture: 0, ids: text === null ? NO_TEXT : this.textIds(text) }
    const sees = text === null ? 'apart' : 'together'
    const layers = await this.#qFormer.attention(picture.features, row, sees)
    const { heads, queries } = this.#qFormer.shape
    const { tokens } = this.#vision.shape
    return { layers: layers.length, heads, queries, tokens, byHead: joined(layers) }
  }

  /** What likenesses of labels are divided by: what training ended at, where the checkpoint says it, else where it began. */
  get temperature(): number {
    return this.#qFormer.shape.temperature ?? START_TEMPERATURE
  }

  /** Whether it can caption a picture by itself. Only LAVIS' own files have the head for it. */
  get writes(): boolean {
    return this.manifest.parts['word-head'] !== undefined
  }

  /**
   * Writes a caption word by word, from `[DEC]` (and the words of `prompt`) to `[SEP]`: the text sees all queries and what
   * stands before it. Neither is part of the lengths in `settings`; those of LAVIS count `[DEC]`. Throws `unsupported-model`
   * where there is no head, and `bad-usage` without a tokenizer.
   */
  async *write(
    { features }: EncodedPicture,
    prompt: string,
    options: AnswerOptions,
  ): AsyncGenerator<AnswerSoFar, void, undefined> {
    const { signal } = options
    const { positions, queries } = this.#qFormer.shape
    const sequence = new WritingSequence(
      (texts) => this.#qFormer.nextWords(features, texts, { signal }),
      queries,
    )
    const { tokenizer, startId, endIds } = this.#writing()
    const discussion = new Discussion(sequence, {
      language: {
        promptRoom: (newTokens) => positions - newTokens,
        answerRoom: (promptTokens) => positions - promptTokens,
      },
      promptIds: (text) => [startId, ...tokenizer.encode(text)],
      encode: (text) => tokenizer.encode(text),
      decode: (ids) => tokenizer.decode(ids).trim(),
      countedIds: (ids) => ids,
      eosIds: () => endIds,
    })
    try {
      yield* discussion.answer(prompt, options)
    } finally {
      discussion.dispose()
    }
  }

  /**
   * How likely each token of a caption is behind those before it: natural logarithms. `ids` are the caption's own, the
   * ending one included where it is to be counted. Throws as `write`.
   */
  async captionLogProbabilities(
    { features }: EncodedPicture,
    ids: readonly number[],
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<Float32Array<ArrayBuffer>> {
    const { startId } = this.#writing()
    const before = [startId, ...ids.slice(0, -1)]
    const rows = await this.#qFormer.eachNextWord(features, before, { signal })
    return Float32Array.from(ids, (id, i) => (rows[i]?.[id] ?? -Infinity) - logSumExp(at(rows, i)))
  }

  #writing(): { tokenizer: Tokenizer; startId: number; endIds: readonly number[] } {
    const head = this.manifest.parts['word-head']
    if (head === undefined)
      throw new AppError(
        'unsupported-model',
        `${this.manifest.name} has no captioning head, so it writes nothing; convert blip2_pretrained.pth of LAVIS, which has one.`,
      )
    const endIds = this.#tokenizer?.frame?.after
    if (this.#tokenizer === null || endIds === undefined || endIds.length === 0)
      throw new AppError(
        'bad-usage',
        'This pack has no tokenizer with an end of texts, so it writes nothing; convert a checkpoint with its tokenizer files.',
      )
    return { tokenizer: this.#tokenizer, startId: head.shape.startId, endIds }
  }

  async dispose(): Promise<void> {
    await this.#vision.session.dispose()
    await this.#qFormer.dispose()
  }

  #alone({ features }: EncodedPicture): ReturnType<TextQFormer['run']> {
    return this.#qFormer.run(features, [{ picture: 0, ids: NO_TEXT }], 'apart')
  }

  async #warmUp(): Promise<void> {
    const { session, shape } = this.#vision
    // What is opened later is not opened for this.
    const features = session.isOpen
      ? (await this.encode(this.#vision.nothing())).features
      : this.#vision.resident(new Float32Array(shape.tokens * shape.hiddenSize))
    try {
      await this.#qFormer.run(features, [{ picture: 0, ids: NO_TEXT }], 'together')
    } finally {
      features.dispose()
    }
  }
}

/** The mean over the heads, [layers, Q, tokens]. */
export function meanOverHeads({
  layers,
  heads,
  queries,
  tokens,
  byHead,
}: AttentionMaps): Float32Array<ArrayBuffer> {
  const size = queries * tokens
  const mean = new Float32Array(layers * size)
  for (let layer = 0; layer < layers; layer += 1)
    for (let head = 0; head < heads; head += 1)
      for (let i = 0; i < size; i += 1)
        mean[layer * size + i] =
          (mean[layer * size + i] ?? 0) + (byHead[(layer * heads + head) * size + i] ?? 0) / heads
  return mean
}

/** A token that nobody sees: no tensor may be empty. */
const NO_TEXT = [0]

function batches<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / BATCH) }, (_, i) =>
    items.slice(i * BATCH, (i + 1) * BATCH),
  )
}

function at(rows: readonly Float32Array<ArrayBuffer>[], row: number): Float32Array<ArrayBuffer> {
  const values = rows[row]
  if (values === undefined) throw new AppError('bug', 'A row of the Q-Former is missing.')
  return values
}

function first(rows: readonly Float32Array<ArrayBuffer>[]): Float32Array<ArrayBuffer> {
  return at(rows, 0)
}
