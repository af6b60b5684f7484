/** The half of a model that looks: pixels → image features → query embeddings. */
import { qFormer as qFormerTreaty } from '../../pack/parts.ts'
import { AppError, throwIfCancelled } from '../../pack/failure.ts'
import type { TalkingFamily } from '../../pack/families.ts'
import type { QFormerShape } from '../../pack/shapes.ts'
import type { Pixels } from '../../image/pixels.ts'
import type { TracedTensor } from '../language/traced.ts'
import type { RunOptions } from '../ort/on-demand.ts'
import type { OnDemandSession } from '../ort/on-demand-session.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import { openedWhole } from './disposable.ts'
import type { PartsOpener } from './open-parts.ts'
import { VisionEncoder, type VisionKernels } from './vision-encoder.ts'

/** The parts that looking at a picture needs, in the order in which they run. */
export const LOOK_PARTS = ['vision', 'q-former'] as const
export type LookPart = (typeof LOOK_PARTS)[number]

export interface SeeOptions {
  /** Each stage is waited for, so that its time is that of the work and not of handing it over. */
  untilDone?: boolean
  signal?: AbortSignal | undefined
  /** Told when a part that was released has to be opened again first. */
  onOpening?: ((part: LookPart) => void) | undefined
  onOpened?: (() => void) | undefined
  /** Is given the image features, float32 [1, tokens, width], to dispose of; left out: nobody wants them. */
  onFeatures?: ((features: DeviceTensor) => void) | undefined
}

/** What Q-Former made of a picture: float32 [1, queries, text hidden]. Dispose it, or give it to `Talk`. */
export interface SeenImage {
  embeddings: DeviceTensor
}

/** Milliseconds until each stage was handed over; on a GPU that is submission, not completion. */
export interface LookTimings {
  vision: number
  qFormer: number
}

interface Stages {
  features: DeviceTensor
  queryOutput: DeviceTensor
  embeddings: DeviceTensor
  ms: LookTimings
}

export class Look {
  readonly #runtime: Runtime
  readonly #vision: VisionEncoder
  readonly #qFormer: OnDemandSession
  readonly #shape: QFormerShape

  private constructor(parts: {
    runtime: Runtime
    vision: VisionEncoder
    qFormer: OnDemandSession
    shape: QFormerShape
  }) {
    this.#runtime = parts.runtime
    this.#vision = parts.vision
    this.#qFormer = parts.qFormer
    this.#shape = parts.shape
  }

  /** Opens and warms both parts. What was opened is closed again when the other fails. */
  static async open<F extends TalkingFamily>(parts: PartsOpener<F>): Promise<Look> {
    return openedWhole(async (opened) => {
      const vision = await VisionEncoder.open(parts)
      opened.push(vision.session)
      const keepOnDevice = Object.values(qFormerTreaty.output)
      const qFormer = await parts.openOnDemand('q-former', { keepOnDevice })
      opened.push(qFormer)
      const { shape } = parts.manifest.parts['q-former']
      const look = new Look({ runtime: parts.runtime, vision, qFormer, shape })
      await parts.warmUp(() => look.#warmUp())
      return look
    })
  }

  /** Nothing is read back on the way. */
  async see(pixels: Pixels, options: SeeOptions = {}): Promise<SeenImage & { ms: LookTimings }> {
    const { features, queryOutput, embeddings, ms } = await this.#run(pixels, options)
    queryOutput.dispose()
    if (options.onFeatures === undefined) features.dispose()
    else options.onFeatures(features)
    return { embeddings, ms }
  }

  /** Every stage, read back, under the names of the reference values. What was seen is the caller's. */
  async trace(pixels: Pixels): Promise<{ seen: SeenImage; tensors: TracedTensor[] }> {
    const [vision, qFormer] = [this.#vision.shape, this.#shape]
    const { features, queryOutput, embeddings } = await this.#run(pixels, {})
    const size = vision.imageSize
    try {
      const tensors = [
        { name: 'pixel_values', shape: [1, 3, size, size], values: pixels.data },
        {
          name: 'image_features',
          shape: [1, vision.tokens, vision.hiddenSize],
          values: await features.read(),
        },
        {
          name: 'query_output',
          shape: [1, qFormer.queries, qFormer.hiddenSize],
          values: await queryOutput.read(),
        },
        {
          name: 'query_embeddings',
          shape: [1, qFormer.queries, qFormer.embeddingSize],
          values: await embeddings.read(),
        },
      ]
      return { seen: { embeddings }, tensors }
    } catch (error) {
      embeddings.dispose()
      throw error
    } finally {
      features.dispose()
      queryOutput.dispose()
    }
  }

  /** Query embeddings [1, queries, text hidden] that were read back earlier. */
  seenBefore(embeddings: Float32Array): SeenImage {
    const { queries, embeddingSize } = this.#shape
    if (embeddings.length !== queries * embeddingSize)
      throw new AppError('bug', 'These query embeddings belong to another model.')
    const dims = [1, queries, embeddingSize]
    return { embeddings: this.#runtime.resident('float32', embeddings, dims) }
  }

  /**
   * Whether the parts stay open between pictures. When not, they are released, now or (with `afterNextLook`) behind the
   * next picture, and opened again whenever a picture needs them.
   */
  async keepLoaded(keep: boolean, { afterNextLook = false } = {}): Promise<void> {
    for (const session of [this.#vision.session, this.#qFormer])
      await session.keepOpen(keep, { now: !afterNextLook })
  }

  /** What the vision encoder runs on. */
  get kernels(): VisionKernels {
    return this.#vision.kernels
  }

  /** Which of the parts are open right now. */
  get open(): Record<LookPart, boolean> {
    return { vision: this.#vision.session.isOpen, 'q-former': this.#qFormer.isOpen }
  }

  async dispose(): Promise<void> {
    await this.#vision.session.dispose()
    await this.#qFormer.dispose()
  }

  /** Looks at a picture without anything in it. */
  async #warmUp(): Promise<void> {
    const { embeddings } = await this.see(this.#vision.nothing())
    embeddings.dispose()
  }

  async #run(
    pixels: Pixels,
    { untilDone = false, signal, onOpening, onOpened }: SeeOptions,
  ): Promise<Stages> {
    const started = performance.now()
    const optionsFor = (part: LookPart): RunOptions => ({
      signal,
      onOpening: () => onOpening?.(part),
      onOpened,
    })
    const features = await this.#vision.encode(pixels, optionsFor('vision'))
    try {
      if (untilDone) await this.#runtime.finished()
      const encoded = performance.now()
      throwIfCancelled(signal)
      const feeds = { [qFormerTreaty.input.features]: features }
      const seen = await this.#qFormer.run(feeds, optionsFor('q-former'))
      const { queries, embeddings: ofText } = qFormerTreaty.output
      const { [queries]: queryOutput, [ofText]: embeddings } = seen
      if (queryOutput === undefined || embeddings === undefined)
        throw new AppError('bug', 'Q-Former returned nothing.')
      if (untilDone) await this.#runtime.finished()
      const ms = { vision: encoded - started, qFormer: performance.now() - encoded }
      return { features, queryOutput, embeddings, ms }
    } catch (error) {
      features.dispose()
      throw error
    }
  }
}
