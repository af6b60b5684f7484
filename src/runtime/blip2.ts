/**
 * The whole model: a picture goes in as pixels, its query embeddings come out, and from them and a prompt the answer.
 */
import { qFormer as qFormerTreaty, vision as visionTreaty } from '../pack/graphs.ts'
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import { weightsPath, type GraphName, type PackManifest, type PackReader } from '../pack/manifest.ts'
import type { Pixels } from '../image/pixels.ts'
import { generateGreedy } from './generate.ts'
import { targetFor, type Compute } from './gpu.ts'
import { LanguageModel } from './language-model.ts'
import { Runtime, type DeviceTensor, type Session } from './session.ts'
import { openTokenizer, type Tokenizer } from './tokenizer.ts'

export interface LoadOptions {
  onProgress?: (graph: GraphName, done: number, total: number) => void
  signal?: AbortSignal | undefined
}

/** What Q-Former made of a picture: float32 [1, queries, text hidden]. Dispose it, or give it to `answer`. */
export interface SeenImage {
  embeddings: DeviceTensor
}

/** Milliseconds until each stage was handed over; on a GPU that is submission, not completion. */
export interface LookTimings {
  vision: number
  qFormer: number
}

export interface AnswerOptions {
  prompt: string
  maxNewTokens: number
  signal?: AbortSignal | undefined
}

/** After each token: all ids of the answer so far and their text. */
export interface AnswerSoFar {
  tokenIds: number[]
  text: string
  finish: 'end' | 'limit' | null
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
  readonly tokenizer: Tokenizer | null
  readonly #runtime: Runtime
  readonly #vision: Session
  readonly #qFormer: Session
  readonly #language: LanguageModel

  private constructor(parts: {
    manifest: PackManifest
    tokenizer: Tokenizer | null
    runtime: Runtime
    vision: Session
    qFormer: Session
    language: LanguageModel
  }) {
    this.manifest = parts.manifest
    this.tokenizer = parts.tokenizer
    this.#runtime = parts.runtime
    this.#vision = parts.vision
    this.#qFormer = parts.qFormer
    this.#language = parts.language
  }

  /** Opens the three graphs one after the other. What was opened is closed again when a later one fails. */
  static async load(pack: PackReader, compute: Compute, options: LoadOptions = {}): Promise<Blip2> {
    const { manifest } = pack
    const runtime = await Runtime.open(compute)
    const opened: Session[] = []
    const open = async (graph: GraphName, keepOnDevice: string[]): Promise<Session> => {
      throwIfCancelled(options.signal)
      options.onProgress?.(graph, opened.length, 3)
      const session = await openGraph(runtime, pack, graph, keepOnDevice)
      opened.push(session)
      return session
    }
    try {
      const tokenizer = await openTokenizer(pack)
      const vision = await open('vision', [visionTreaty.output.features])
      const qFormer = await open('q-former', Object.values(qFormerTreaty.output))
      const decoder = await open('decoder', LanguageModel.deviceOutputs(manifest.shape))
      const halfCache = targetFor(compute, manifest.graphs.decoder) === 'webgpu-f16'
      const language = new LanguageModel(runtime, decoder, manifest.shape, halfCache ? 'float16' : 'float32')
      return new Blip2({ manifest, tokenizer, runtime, vision, qFormer, language })
    } catch (error) {
      for (const session of opened) await session.dispose()
      throw error
    }
  }

  /** Vision encoder and Q-Former. Nothing is read back on the way. */
  async see(pixels: Pixels): Promise<SeenImage & { ms: LookTimings }> {
    const { features, queryOutput, embeddings, ms } = await this.#look(pixels)
    features.dispose()
    queryOutput.dispose()
    return { embeddings, ms }
  }

  /** Ids of a prompt with BOS in front. A pack without a tokenizer takes the empty prompt only. */
  promptIds(prompt: string): number[] {
    const { bosId } = this.manifest.shape.text
    if (prompt === '') return [bosId]
    if (this.tokenizer === null) {
      throw new AppError(
        'bad-usage',
        'This pack has no tokenizer, so it cannot take a prompt; convert a checkpoint with its tokenizer files.',
      )
    }
    return [bosId, ...this.tokenizer.encode(prompt)]
  }

  /** Streams the greedy answer to a prompt about a picture. Takes over `image`. */
  async *answer(image: SeenImage, options: AnswerOptions): AsyncGenerator<AnswerSoFar, void, undefined> {
    const { text: shape, qFormer } = this.manifest.shape
    const prompt = this.#promptFor(image, options.prompt)
    const room = shape.positions - qFormer.queries - prompt.length
    const maxNewTokens = Math.max(1, Math.min(options.maxNewTokens, room + 1))
    const decoding = this.#language.start(
      image.embeddings,
      qFormer.queries + prompt.length + maxNewTokens - 1,
    )
    const tokenIds: number[] = []
    try {
      for await (const token of generateGreedy(decoding, prompt, {
        maxNewTokens,
        eosIds: shape.eosIds,
        signal: options.signal,
      })) {
        tokenIds.push(token)
        const finish = shape.eosIds.includes(token)
          ? 'end'
          : tokenIds.length === maxNewTokens
            ? 'limit'
            : null
        yield { tokenIds: [...tokenIds], text: this.decode(tokenIds), finish }
      }
    } finally {
      decoding.dispose()
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
      const { qFormer, text } = this.manifest.shape
      const copy = this.#runtime.tensor('float32', queryEmbeddings, [1, qFormer.queries, text.hiddenSize])
      const decoding = this.#language.start(copy, qFormer.queries + promptIds.length)
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

  #promptFor(image: SeenImage, prompt: string): number[] {
    try {
      return this.promptIds(prompt)
    } catch (error) {
      image.embeddings.dispose()
      throw error
    }
  }

  async #look(pixels: Pixels): Promise<Looked> {
    const started = performance.now()
    const { imageSize } = this.manifest.shape.vision
    const input = this.#runtime.tensor('float32', pixels.data, [1, 3, imageSize, imageSize])
    try {
      const { [visionTreaty.output.features]: features } = await this.#vision.run({
        [visionTreaty.input.pixels]: input,
      })
      if (features === undefined) throw new AppError('bug', 'The vision encoder returned no features.')
      const encoded = performance.now()
      try {
        const seen = await this.#qFormer.run({ [qFormerTreaty.input.features]: features })
        const { [qFormerTreaty.output.queries]: queryOutput, [qFormerTreaty.output.embeddings]: embeddings } =
          seen
        if (queryOutput === undefined || embeddings === undefined)
          throw new AppError('bug', 'Q-Former returned nothing.')
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
}

interface Looked {
  features: DeviceTensor
  queryOutput: DeviceTensor
  embeddings: DeviceTensor
  ms: LookTimings
}

async function openGraph(
  runtime: Runtime,
  pack: PackReader,
  graph: GraphName,
  keepOnDevice: string[],
): Promise<Session> {
  const paths = pack.manifest.graphs[graph]
  const path = paths[targetFor(runtime.compute, paths)]
  if (path === undefined) {
    throw new AppError(
      'bad-pack',
      `This pack has no ${graph} graph for ${runtime.compute.provider}; convert it again.`,
    )
  }
  const file = await pack.file(path)
  const bytes = file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file
  const weights = { path: weightsPath(graph), data: await pack.file(weightsPath(graph)) }
  return runtime.session({ graph: bytes, weights, keepOnDevice })
}
