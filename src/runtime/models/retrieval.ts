/**
 * BLIP-2 after stage 1: what pictures and texts have in common. Every call form of the reference is here (blip2.md
 * section 5); scores are made of what they give by `retrieval/scores`.
 */
import type { Pixels } from '../../image/pixels.ts'
import { throwIfCancelled } from '../../pack/failure.ts'
import type { PackManifest, PackReader } from '../../pack/manifest.ts'
import type { TowerStates } from '../../pack/tower-states.ts'
import type { Compute } from '../device/compute.ts'
import { Runtime } from '../ort/runtime.ts'
import type { AttentionMaps } from '../retrieval/attention-maps.ts'
import {
  Comparison,
  type ImageFeatures,
  type MatchOptions,
  type MultimodalFeatures,
  type RunOptions,
  type TextFeatures,
  type TextMatch,
} from '../retrieval/comparison.ts'
import { FramedTexts } from '../retrieval/framed-texts.ts'
import { attentionOf } from '../retrieval/attention.ts'
import { START_TEMPERATURE } from '../retrieval/scores.ts'
import { NO_TEXT, TextQFormer, type EncodedPicture } from '../retrieval/text-q-former.ts'
import { Writer } from '../retrieval/writer.ts'
import type { AnswerOptions, AnswerSoFar } from '../talk/discussion.ts'
import { openTokenizer, type Tokenizer } from '../talk/tokenizer.ts'
import { openedWhole } from './disposable.ts'
import { PartsOpener, type OpenOptions } from './open-parts.ts'
import { towerOf, type Tower } from './tower.ts'
import { VisionEncoder } from './vision-encoder.ts'

export interface RetrievalOptions extends OpenOptions {
  /** The vision encoder is opened when a picture has to be looked at here; left out: at once. */
  visionLater?: boolean | undefined
}

interface RetrievalParts {
  manifest: PackManifest<'blip2-itm'>
  vision: VisionEncoder
  qFormer: TextQFormer
  tokenizer: Tokenizer | null
  tower: () => Promise<Tower | null>
}

export class RetrievalModel {
  readonly manifest: PackManifest<'blip2-itm'>
  readonly #vision: VisionEncoder
  readonly #qFormer: TextQFormer
  readonly #tower: () => Promise<Tower | null>
  readonly #texts: FramedTexts
  readonly #comparison: Comparison
  readonly #writer: Writer

  private constructor({ manifest, vision, qFormer, tokenizer, tower }: RetrievalParts) {
    this.manifest = manifest
    this.#vision = vision
    this.#qFormer = qFormer
    this.#tower = tower
    this.#texts = new FramedTexts(tokenizer, qFormer.shape)
    this.#comparison = new Comparison(qFormer, this.#texts)
    const startId = manifest.parts['word-head']?.shape.startId ?? null
    this.#writer = new Writer(qFormer, { name: manifest.name, startId, tokenizer })
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

  /** Encodes a picture, once for all that follows. */
  async encode(pixels: Pixels, options: RunOptions = {}): Promise<EncodedPicture> {
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

  /** Ids of a text in its frame; see `FramedTexts`. */
  textIds(text: string): number[] {
    return this.#texts.idsOf(text)
  }

  imageFeatures(picture: EncodedPicture): Promise<ImageFeatures> {
    return this.#comparison.imageFeatures(picture)
  }

  textFeatures(texts: readonly string[], options?: RunOptions): Promise<TextFeatures[]> {
    return this.#comparison.textFeatures(texts, options)
  }

  multimodalFeatures(
    picture: EncodedPicture,
    texts: readonly string[],
    options?: RunOptions,
  ): Promise<MultimodalFeatures[]> {
    return this.#comparison.multimodalFeatures(picture, texts, options)
  }

  match(picture: EncodedPicture, texts: readonly string[], options?: MatchOptions): Promise<TextMatch[]> {
    return this.#comparison.match(picture, texts, options)
  }

  /** Where the queries look, by themselves or (with a text) when they see it. */
  attention(picture: EncodedPicture, text: string | null): Promise<AttentionMaps> {
    const { tokens } = this.#vision.shape
    return attentionOf(picture, text, { qFormer: this.#qFormer, texts: this.#texts, tokens })
  }

  /** What likenesses of labels are divided by: what training ended at, where the checkpoint says it, else where it began. */
  get temperature(): number {
    return this.#qFormer.shape.temperature ?? START_TEMPERATURE
  }

  /** Whether it can caption a picture by itself. */
  get writes(): boolean {
    return this.manifest.parts['word-head'] !== undefined
  }

  /** See `Writer`. */
  write(
    picture: EncodedPicture,
    prompt: string,
    options: AnswerOptions,
  ): AsyncGenerator<AnswerSoFar, void, undefined> {
    return this.#writer.write(picture, prompt, options)
  }

  /** See `Writer`. */
  captionLogProbabilities(
    picture: EncodedPicture,
    ids: readonly number[],
    options?: RunOptions,
  ): Promise<Float32Array<ArrayBuffer>> {
    return this.#writer.logProbabilities(picture, ids, options)
  }

  async dispose(): Promise<void> {
    await this.#vision.session.dispose()
    await this.#qFormer.dispose()
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
