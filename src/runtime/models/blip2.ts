/**
 * The whole model: a picture goes in as pixels, its query embeddings come out, and from them and a prompt the answer.
 */
import { qFormer as qFormerTreaty, vision as visionTreaty } from '../../pack/parts.ts'
import { AppError, throwIfCancelled } from '../../pack/failure.ts'
import type { PartName } from '../../pack/families.ts'
import type { PackManifest, PackReader } from '../../pack/manifest.ts'
import type { Pixels } from '../../image/pixels.ts'
import { GREEDY } from '../../pack/decoding.ts'
import type { ContextReport } from '../../pack/device-report.ts'
import { contextFor } from '../device/context-length.ts'
import { Discussion, type AnswerSoFar, type Voice } from '../talk/discussion.ts'
import { targetFor, type Compute } from '../device/compute.ts'
import { DecoderOnly, type DecoderOnlySequence } from '../language/decoder-only.ts'
import { OnDemandSession, type RunOptions } from '../ort/on-demand-session.ts'
import { Runtime } from '../ort/runtime.ts'
import type { Session, SessionOptions } from '../ort/session.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import { openTokenizer, type Tokenizer } from '../talk/tokenizer.ts'
import { WeightsAhead } from '../ort/weights/weights-ahead.ts'

export interface LoadOptions {
  onProgress?: (graph: PartName, done: number, total: number) => void
  /** For measurements: told when a graph's files are there and its session is made, and when pipelines are warmed. */
  onPart?: (part: { creating: PartName } | 'warm-up') => void
  signal?: AbortSignal | undefined
  /** Whether vision encoder and Q-Former stay open between pictures; see `keepLookLoaded`. */
  keepsAll?: boolean | undefined
  /**
   * Runs everything once while loading, so that the first picture does not wait for shaders. Left out: on a graphics
   * card, but not on a software rasteriser, where a run of the full size takes minutes.
   */
  warmUp?: boolean | undefined
}

export interface SeeOptions {
  /** Each stage is waited for, so that its time is that of the work and not of handing it over. */
  untilDone?: boolean
  signal?: AbortSignal | undefined
  /** Told when a graph that was released has to be opened again first. */
  onOpening?: ((graph: LookGraph) => void) | undefined
  onOpened?: (() => void) | undefined
}

/** The graphs that looking at a picture needs. */
export type LookGraph = 'vision' | 'q-former'

/** Tokens of the prefill that is run beforehand, behind the queries: a question of some length. */
const TYPICAL_TOKENS = 16

/** What Q-Former made of a picture: float32 [1, queries, text hidden]. Dispose it, or give it to `answer`. */
export interface SeenImage {
  embeddings: DeviceTensor
}

/** Milliseconds until each stage was handed over; on a GPU that is submission, not completion. */
export interface LookTimings {
  vision: number
  qFormer: number
}

/** Every stage of one picture and prompt, as float32: what `trace` writes. */
export interface Stages {
  pixelValues: Float32Array
  imageFeatures: Float32Array
  queryOutput: Float32Array
  queryEmbeddings: Float32Array
  /** [queries + prompt, vocabulary] */
  logits: Float32Array
  promptIds: number[]
}

export class Blip2 {
  readonly manifest: PackManifest
  /** How long a conversation may be here. */
  readonly context: ContextReport
  readonly tokenizer: Tokenizer | null
  readonly #runtime: Runtime
  readonly #vision: OnDemandSession
  readonly #qFormer: OnDemandSession
  readonly #language: DecoderOnly
  readonly #voice: Voice

  private constructor(parts: {
    manifest: PackManifest
    context: ContextReport
    tokenizer: Tokenizer | null
    runtime: Runtime
    vision: OnDemandSession
    qFormer: OnDemandSession
    language: DecoderOnly
  }) {
    this.manifest = parts.manifest
    this.context = parts.context
    this.tokenizer = parts.tokenizer
    this.#runtime = parts.runtime
    this.#vision = parts.vision
    this.#qFormer = parts.qFormer
    this.#language = parts.language
    const { shape } = this.manifest.parts.decoder
    this.#voice = {
      language: parts.language,
      promptIds: (prompt) => this.promptIds(prompt),
      decode: (ids) => this.decode(ids),
      imageIds: shape.imageTokenIds.flatMap((id) => Array<number>(shape.queries).fill(id)),
      eosIds: () => this.manifest.parts.decoder.shape.eosIds,
    }
  }

  /**
   * Opens the three graphs one after the other; while one is opened and warmed, the weights of the next are read and
   * verified. What was opened is closed again when a later one fails.
   */
  static async load(pack: PackReader, compute: Compute, options: LoadOptions = {}): Promise<Blip2> {
    const { manifest } = pack
    const { signal, warmUp = compute.provider === 'webgpu' && !compute.software } = options
    const runtime = await Runtime.open(compute)
    const ahead = new WeightsAhead(pack, signal)
    const opened: { dispose: () => Promise<void> }[] = []
    const begin = (graph: PartName): void => {
      throwIfCancelled(signal)
      options.onProgress?.(graph, opened.length, 3)
    }
    const open = (
      graph: PartName,
      sessionOptions: Pick<SessionOptions, 'keepOnDevice' | 'recordable'>,
      openSignal: AbortSignal | undefined,
    ): Promise<Session> =>
      openGraph(runtime, pack, graph, {
        ...sessionOptions,
        signal: openSignal,
        weights: () => ahead.take(manifest.parts[graph].weights, openSignal),
        onFiles: () => {
          if (graph === 'vision' && opened.length === 0) ahead.ask(manifest.parts['q-former'].weights)
          if (graph === 'q-former' && opened.length === 1) ahead.ask(manifest.parts.decoder.weights)
          options.onPart?.({ creating: graph })
        },
      })
    const onDemand = async (graph: LookGraph, keepOnDevice: string[]): Promise<OnDemandSession> => {
      begin(graph)
      const session = new OnDemandSession(runtime, (openSignal) => open(graph, { keepOnDevice }, openSignal))
      await session.open(signal)
      opened.push(session)
      return session
    }
    try {
      ahead.ask(manifest.parts.vision.weights)
      const tokenizer = await openTokenizer(pack)
      const vision = await onDemand('vision', [visionTreaty.output.features])
      const qFormer = await onDemand('q-former', Object.values(qFormerTreaty.output))
      const stages = { manifest, runtime, vision, qFormer }
      if (warmUp) {
        throwIfCancelled(signal)
        options.onPart?.('warm-up')
        const { features, queryOutput, embeddings } = await look(stages, blank(manifest), {})
        for (const tensor of [features, queryOutput, embeddings]) tensor.dispose()
      }
      const halfCache = targetFor(compute, manifest.parts.decoder.graphs) === 'webgpu-f16'
      const cacheType = halfCache ? 'float16' : 'float32'
      const context = contextOn(compute, manifest, cacheType)
      const language = await DecoderOnly.open(
        runtime,
        (recordable) => {
          begin('decoder')
          const keepOnDevice = DecoderOnly.deviceOutputs(manifest.parts.decoder.shape)
          return open('decoder', { keepOnDevice, recordable }, signal)
        },
        manifest.parts.decoder.shape,
        cacheType,
        context.positions,
      )
      opened.push(language)
      if (warmUp) {
        throwIfCancelled(signal)
        options.onPart?.('warm-up')
        await language.warmUp(TYPICAL_TOKENS)
      }
      const model = new Blip2({ ...stages, context, tokenizer, language })
      if (options.keepsAll === false) await model.keepLookLoaded(false, { afterNextLook: true })
      return model
    } catch (error) {
      for (const session of opened) await session.dispose()
      throw error
    } finally {
      ahead.cancel()
    }
  }

  /** Whether the decoder's steps of one token are recorded once and replayed: on a GPU, where that works. */
  get recordsSteps(): boolean {
    return this.#language.records
  }

  /**
   * Whether vision encoder and Q-Former stay open between pictures. When not, they are released, now or (with
   * `afterNextLook`) behind the next picture, and opened again whenever a picture needs them.
   */
  async keepLookLoaded(keep: boolean, { afterNextLook = false } = {}): Promise<void> {
    for (const session of [this.#vision, this.#qFormer]) await session.keepOpen(keep, { now: !afterNextLook })
  }

  /** Which of the graphs for looking are open right now. */
  get looksOpen(): { vision: boolean; qFormer: boolean } {
    return { vision: this.#vision.isOpen, qFormer: this.#qFormer.isOpen }
  }

  /** Turns recordings off and on again, for a comparison. Where there are none nothing changes. */
  useRecordings(use: boolean): void {
    this.#language.useRecordings(use)
  }

  /** Vision encoder and Q-Former. Nothing is read back on the way. */
  async see(pixels: Pixels, options: SeeOptions = {}): Promise<SeenImage & { ms: LookTimings }> {
    const { features, queryOutput, embeddings, ms } = await this.#look(pixels, options)
    features.dispose()
    queryOutput.dispose()
    return { embeddings, ms }
  }

  /** Ids of a prompt with BOS in front. A pack without a tokenizer takes the empty prompt only. */
  promptIds(prompt: string): number[] {
    const { bosId } = this.manifest.parts.decoder.shape
    if (prompt === '') return [bosId]
    if (this.tokenizer === null) {
      throw new AppError(
        'bad-usage',
        'This pack has no tokenizer, so it cannot take a prompt; convert a checkpoint with its tokenizer files.',
      )
    }
    return [bosId, ...this.tokenizer.encode(prompt)]
  }

  /** A picture to be talked about. Takes over `image`. */
  discuss(image: SeenImage): Discussion {
    return new Discussion(this.#language.start(image.embeddings), this.#voice)
  }

  /** A sequence behind a picture, to be run token by token. Takes over `image`. */
  start(image: SeenImage): DecoderOnlySequence {
    return this.#language.start(image.embeddings)
  }

  /** Query embeddings [1, queries, text hidden] that were read back earlier. */
  seenBefore(embeddings: Float32Array): SeenImage {
    const { queries, embeddingSize } = this.manifest.parts['q-former'].shape
    if (embeddings.length !== queries * embeddingSize)
      throw new AppError('bug', 'These query embeddings belong to another model.')
    return { embeddings: this.#runtime.tensor('float32', embeddings, [1, queries, embeddingSize]) }
  }

  /** Streams the greedy answer to one prompt about a picture. Takes over `image`. */
  async *answer(
    image: SeenImage,
    {
      prompt,
      maxNewTokens,
      signal,
    }: { prompt: string; maxNewTokens: number; signal?: AbortSignal | undefined },
  ): AsyncGenerator<AnswerSoFar, void, undefined> {
    const discussion = this.discuss(image)
    try {
      yield* discussion.answer(prompt, { settings: { ...GREEDY, maxNewTokens }, signal })
    } finally {
      discussion.dispose()
    }
  }

  /** Runs every stage once and reads all of it back. */
  async stages(pixels: Pixels, prompt: string): Promise<Stages> {
    const { features, queryOutput, embeddings } = await this.#look(pixels)
    try {
      const promptIds = this.promptIds(prompt)
      const imageFeatures = await features.read()
      const output = await queryOutput.read()
      const queryEmbeddings = await embeddings.read()
      const decoding = this.#language.start(this.seenBefore(queryEmbeddings).embeddings)
      try {
        const logits = await decoding.extend(promptIds, 'all')
        return {
          pixelValues: pixels.data,
          imageFeatures,
          queryOutput: output,
          queryEmbeddings,
          logits,
          promptIds,
        }
      } finally {
        decoding.dispose()
      }
    } finally {
      for (const tensor of [features, queryOutput, embeddings]) tensor.dispose()
    }
  }

  /** Text of ids, outer white space removed; empty without a tokenizer. */
  decode(ids: readonly number[]): string {
    return this.tokenizer?.decode(ids).trim() ?? ''
  }

  async dispose(): Promise<void> {
    await this.#vision.dispose()
    await this.#qFormer.dispose()
    await this.#language.dispose()
  }

  #look(pixels: Pixels, options: SeeOptions = {}): Promise<Looked> {
    const [manifest, runtime, vision, qFormer] = [this.manifest, this.#runtime, this.#vision, this.#qFormer]
    return look({ manifest, runtime, vision, qFormer }, pixels, options)
  }
}

interface LookStages {
  manifest: PackManifest
  runtime: Runtime
  vision: OnDemandSession
  qFormer: OnDemandSession
}

async function look(
  { manifest, runtime, vision, qFormer }: LookStages,
  pixels: Pixels,
  { untilDone = false, signal, onOpening, onOpened }: SeeOptions,
): Promise<Looked> {
  const started = performance.now()
  const optionsFor = (graph: LookGraph): RunOptions => ({
    signal,
    onOpening: () => onOpening?.(graph),
    onOpened,
  })
  const { imageSize } = manifest.parts.vision.shape
  const input = runtime.tensor('float32', pixels.data, [1, 3, imageSize, imageSize])
  try {
    const { [visionTreaty.output.features]: features } = await vision.run(
      { [visionTreaty.input.pixels]: input },
      optionsFor('vision'),
    )
    if (features === undefined) throw new AppError('bug', 'The vision encoder returned no features.')
    if (untilDone) await runtime.finished()
    const encoded = performance.now()
    try {
      throwIfCancelled(signal)
      const seen = await qFormer.run({ [qFormerTreaty.input.features]: features }, optionsFor('q-former'))
      const { [qFormerTreaty.output.queries]: queryOutput, [qFormerTreaty.output.embeddings]: embeddings } =
        seen
      if (queryOutput === undefined || embeddings === undefined)
        throw new AppError('bug', 'Q-Former returned nothing.')
      if (untilDone) await runtime.finished()
      const ms = { vision: encoded - started, qFormer: performance.now() - encoded }
      return { features, queryOutput, embeddings, ms }
    } catch (error) {
      features.dispose()
      throw error
    }
  } finally {
    input.dispose()
  }
}

/** A picture without anything in it. */
function blank({ parts }: PackManifest): Pixels {
  const size = parts.vision.shape.imageSize
  return { data: new Float32Array(3 * size * size), size, brand: 'pixels' }
}

interface Looked {
  features: DeviceTensor
  queryOutput: DeviceTensor
  embeddings: DeviceTensor
  ms: LookTimings
}

interface OpenGraphOptions extends Pick<SessionOptions, 'keepOnDevice' | 'recordable'> {
  signal: AbortSignal | undefined
  weights: () => ReturnType<PackReader['file']>
  /** Told when graph and weights are there and the session is about to be made. */
  onFiles: () => void
}

async function openGraph(
  runtime: Runtime,
  pack: PackReader,
  graph: PartName,
  { signal, weights, onFiles, ...options }: OpenGraphOptions,
): Promise<Session> {
  throwIfCancelled(signal)
  const { graphs, weights: location } = pack.manifest.parts[graph]
  const path = graphs[targetFor(runtime.compute, graphs)]
  if (path === undefined) {
    throw new AppError(
      'bad-pack',
      `This pack has no ${graph} graph for ${runtime.compute.provider}; convert it again.`,
    )
  }
  const file = await pack.file(path, signal)
  const bytes = file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file
  const data = await weights()
  throwIfCancelled(signal)
  onFiles()
  return runtime.session({ graph: bytes, weights: { path: location, data }, ...options })
}

function contextOn(
  { device }: Compute,
  { parts, files }: PackManifest,
  cacheType: 'float32' | 'float16',
): ContextReport {
  const weightBytes = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const { deviceMemory } = (globalThis.navigator as { deviceMemory?: number } | undefined) ?? {}
  const limits = device?.limits
  const bufferBytes =
    limits === undefined ? null : Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize)
  return contextFor(
    { shape: parts.decoder.shape, cacheType, weightBytes },
    { deviceGiB: deviceMemory ?? null, bufferBytes },
  )
}
