/**
 * An encoder–decoder (T5): the encoder reads picture and prompt once, the decoder answers from a start token on over a
 * KV cache that holds the answer alone. Each prompt is read afresh, unless it is the one that was read last.
 */
import type { OwnKernels } from '../../pack/device-report.ts'
import { textDecoder, textEncoder } from '../../pack/parts.ts'
import { AppError } from '../../pack/failure.ts'
import { CacheMemory } from './cache-memory.ts'
import { cacheLayout, type KvCache } from './kv-cache.ts'
import { openCache } from './open-cache.ts'
import type { Begun, Branches, LanguageModel, Logits, Sequence } from './language-model.ts'
import { decoderBuckets, encoderBuckets, type BucketRule } from './relative-buckets.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import type { TracedTensor } from './traced.ts'

/** What the caches are made of: two tensors for each layer. */
interface CacheShape {
  layers: number
  heads: number
  cacheHeadSize: number
}

export interface EncoderDecoderShape extends CacheShape, BucketRule {
  /** Query embeddings of a picture. */
  queries: number
  hiddenSize: number
  /** What the decoder begins with; no part of the answer. */
  startId: number
  /** Positions that query embeddings and prompt may have together. */
  promptPositions: number
  /** Tokens that an answer may have. */
  answerPositions: number
}

interface Engine {
  runtime: Runtime
  encoder: Session
  decoder: Session
  shape: EncoderDecoderShape
  memory: CacheMemory
}

/** The smallest GPU cache, in positions. Answers are short; each next is twice as large. */
const SMALLEST_CAPACITY = 64

export class EncoderDecoder implements LanguageModel {
  /** Where runs can be recorded, ONNX Runtime's attention over a cache takes no biases. */
  readonly records = false
  readonly ownKernels: OwnKernels
  readonly #engine: Engine

  /** Takes over both sessions. `cacheBytes` is what all caches may take together; see `MemoryBudget`. */
  constructor(
    runtime: Runtime,
    { encoder, decoder, cacheBytes }: { encoder: Session; decoder: Session; cacheBytes?: number },
    shape: EncoderDecoderShape,
  ) {
    const memory = new CacheMemory(runtime, cacheLayout(shape, 'float32'), cacheBytes)
    // Ours are for OPT.
    this.ownKernels = runtime.compute.device === null ? 'no-gpu' : 'unfit'
    this.#engine = { runtime, encoder, decoder, shape, memory }
  }

  /** Names of the encoder's outputs that never leave the GPU. */
  static encoderOutputs({ layers }: CacheShape): string[] {
    return [textEncoder.output.hidden, ...crossNames(layers)]
  }

  /** Names of the decoder's outputs that never leave the GPU. */
  static decoderOutputs({ layers }: CacheShape): string[] {
    return range(layers).flatMap((i) => [textDecoder.presentKey(i), textDecoder.presentValue(i)])
  }

  useRecordings(): void {
    // There are none.
  }

  promptRoom(): number {
    const { promptPositions, queries } = this.#engine.shape
    return promptPositions - queries
  }

  answerRoom(promptTokens: number): number {
    return promptTokens > this.promptRoom() ? 0 : this.#engine.shape.answerPositions
  }

  async warmUp(tokens: number): Promise<void> {
    const { runtime, shape } = this.#engine
    const { queries, hiddenSize } = shape
    const blank = runtime.tensor('float32', new Float32Array(queries * hiddenSize), [1, queries, hiddenSize])
    const sequence = new EncoderDecoderSequence(this.#engine, blank, { checked: false })
    try {
      const ids = Array<number>(Math.min(tokens, this.promptRoom())).fill(shape.startId)
      await sequence.begin(ids, 2)
      await sequence.step(shape.startId)
    } finally {
      sequence.dispose()
    }
  }

  start(queries: DeviceTensor): EncoderDecoderSequence {
    return new EncoderDecoderSequence(this.#engine, queries)
  }

  async trace(
    queries: DeviceTensor,
    prompt: readonly number[],
    answer: readonly number[],
  ): Promise<TracedTensor[]> {
    const sequence = new EncoderDecoderSequence(this.#engine, queries)
    try {
      const { logits } = await sequence.begin(prompt, Math.max(1, answer.length))
      const rows = answer.length === 0 ? [] : [logits]
      // Behind the last token nothing is asked any more.
      for (const token of answer.slice(0, -1)) rows.push(await sequence.step(token))
      const { queries: seen, hiddenSize } = this.#engine.shape
      const hidden = await sequence.encoderOutput()
      return [
        { name: 'encoder_output', shape: [1, seen + prompt.length, hiddenSize], values: hidden },
        { name: 'logits', shape: [1, rows.length, logits.length], values: joined(rows, logits.length) },
      ]
    } finally {
      sequence.dispose()
    }
  }

  async dispose(): Promise<void> {
    const { memory, encoder, decoder } = this.#engine
    memory.dispose()
    await encoder.dispose()
    await decoder.dispose()
  }
}

/** What the encoder made of a picture and a prompt. */
interface ReadPrompt {
  ids: readonly number[]
  /** [1, Q + T, hidden] */
  hidden: DeviceTensor
  /** Keys and values of every decoder layer's cross-attention, under the names of its inputs. */
  cross: Record<string, DeviceTensor>
}

export class EncoderDecoderSequence implements Sequence {
  readonly #engine: Engine
  readonly #queries: DeviceTensor
  /** Whether what comes out must be numbers. */
  readonly #checked: boolean
  #read: ReadPrompt | null = null
  #cache: KvCache | null = null
  /** Positions in the cache: the start token and what of the answer has been run. */
  #length = 0
  /** Positions that the answer asked for may reach. Its last token is never run. */
  #reach = 0

  /** Takes over `queries`. */
  constructor(engine: Engine, queries: DeviceTensor, { checked = true } = {}) {
    this.#engine = engine
    this.#queries = queries
    this.#checked = checked
  }

  async begin(prompt: readonly number[], newTokens: number): Promise<Begun> {
    const { shape, memory } = this.#engine
    const positions = shape.queries + prompt.length
    if (positions > shape.promptPositions || newTokens > shape.answerPositions) {
      const most = `picture and prompt may have ${shape.promptPositions} positions, an answer ${shape.answerPositions}`
      const needed = `this needs ${positions} and ${newTokens}`
      throw new AppError('prompt-too-long', `The prompt is too long here (${most}, ${needed}); shorten it.`)
    }
    this.#reach = newTokens
    const known = this.#read !== null && sameIds(this.#read.ids, prompt)
    if (!known) await this.#encode(prompt)
    const capacity = capacityFor(newTokens, shape.answerPositions)
    this.#cache ??= await openCache(memory, capacity)
    await this.#truncate(0)
    if (capacity > this.#cache.capacity) await this.#cache.reserve(capacity, 0)
    const logits = await this.step(shape.startId)
    return { logits, ran: known ? 1 : positions + 1 }
  }

  async step(token: number): Promise<Logits> {
    const cache = this.#cacheNow()
    await reserveOne(this.#engine, cache, this.#length)
    const logits = await run(this.#engine, cache, this.#readNow(), { tokens: [token], past: this.#length })
    if (this.#checked) checkNumbers(logits)
    this.#length += 1
    return logits
  }

  /** What the encoder made of picture and prompt: [1, Q + T, hidden] as float32. */
  encoderOutput(): Promise<Float32Array<ArrayBuffer>> {
    return this.#readNow().hidden.read()
  }

  rewind(count: number): Promise<void> {
    return this.#truncate(1 + count)
  }

  async fork(count: number): Promise<Branches> {
    const parents = Array<number>(count).fill(0)
    const room = Math.max(this.#reach, this.#length)
    this.#engine.memory.admitBranches(count, room)
    const cache = await this.#cacheNow().fork(parents, this.#length, room)
    return new EncoderDecoderBranches(this.#engine, this.#readNow(), cache, count, this.#length)
  }

  dispose(): void {
    this.#forget()
    this.#queries.dispose()
    this.#cache?.dispose()
  }

  async #encode(prompt: readonly number[]): Promise<void> {
    const { runtime, encoder, shape } = this.#engine
    this.#forget()
    const length = shape.queries + prompt.length
    const { input, output } = textEncoder
    const own = {
      [input.tokens]: runtime.int64(prompt, [1, prompt.length]),
      [input.buckets]: runtime.tensor('int64', encoderBuckets(length, shape), [length, length]),
    }
    try {
      const made = await encoder.run({ ...own, [input.queries]: this.#queries })
      const { [output.hidden]: hidden, ...cross } = made
      if (hidden === undefined) throw new AppError('bug', 'The text encoder returned nothing.')
      this.#read = { ids: [...prompt], hidden, cross }
    } finally {
      for (const tensor of Object.values(own)) tensor.dispose()
    }
  }

  #forget(): void {
    if (this.#read === null) return
    this.#read.hidden.dispose()
    for (const tensor of Object.values(this.#read.cross)) tensor.dispose()
    this.#read = null
  }

  async #truncate(length: number): Promise<void> {
    if (length >= this.#length) return
    this.#length = length
    await this.#cache?.truncate(length)
  }

  #readNow(): ReadPrompt {
    return this.#read ?? tooEarly()
  }

  #cacheNow(): KvCache {
    return this.#cache ?? tooEarly()
  }
}

/** Rows of one batch. They look at what their sequence has read, which must not begin anew while they are in use. */
class EncoderDecoderBranches implements Branches {
  readonly #engine: Engine
  readonly #read: ReadPrompt
  readonly #cache: KvCache
  readonly #count: number
  #length: number

  constructor(engine: Engine, read: ReadPrompt, cache: KvCache, count: number, length: number) {
    this.#engine = engine
    this.#read = read
    this.#cache = cache
    this.#count = count
    this.#length = length
  }

  async step(tokens: readonly number[], parents: readonly number[] = range(this.#count)): Promise<Logits> {
    await this.#cache.reorder(parents, this.#length)
    await reserveOne(this.#engine, this.#cache, this.#length)
    const logits = await run(this.#engine, this.#cache, this.#read, { tokens, past: this.#length })
    checkNumbers(logits)
    this.#length += 1
    return logits
  }

  dispose(): void {
    this.#cache.dispose()
  }
}

interface Step {
  /** One for each row of the batch. */
  tokens: readonly number[]
  /** Positions in the cache. */
  past: number
}

/** Returns logits [batch, vocabulary]. */
async function run(
  { runtime, decoder, shape }: Engine,
  cache: KvCache,
  read: ReadPrompt,
  { tokens, past }: Step,
): Promise<Logits> {
  const { input, output } = textDecoder
  const total = past + 1
  const own = {
    [input.tokens]: runtime.int64(tokens, [tokens.length, 1]),
    [input.buckets]: runtime.tensor('int64', decoderBuckets(past, 1, shape), [1, total]),
    [input.lastPosition]: runtime.int32(tokens.map(() => past)),
    [input.totalLength]: runtime.int32([total]),
  }
  try {
    const feeds = { ...own, ...read.cross, ...cache.past() }
    const { [output.logits]: logits, ...present } = await decoder.run(feeds, cache.into())
    cache.keep(present)
    if (logits === undefined) throw new AppError('bug', 'The text decoder returned no logits.')
    try {
      return await logits.read()
    } finally {
      logits.dispose()
    }
  } finally {
    for (const tensor of Object.values(own)) tensor.dispose()
  }
}

/** Rows of `size` numbers one behind the other. */
function joined(rows: readonly Logits[], size: number): Logits {
  const all = new Float32Array(rows.length * size)
  rows.forEach((row, i) => all.set(row, i * size))
  return all
}

/** A number out of range spoils every logit of a row by way of the norms. */
function checkNumbers(logits: Float32Array): void {
  if (Number.isFinite(logits.at(-1))) return
  throw new AppError(
    'bad-pack',
    'The model computed no numbers: memory ran out on this device, or its weights hold none. Load it again, or use another model.',
  )
}

async function reserveOne({ shape }: Engine, cache: KvCache, length: number): Promise<void> {
  if (length < cache.capacity) return
  await cache.reserve(capacityFor(length + 1, shape.answerPositions), length)
}

/** Positions of the cache that holds `length` and some more. The last token of an answer is never run. */
function capacityFor(length: number, most: number): number {
  let capacity = SMALLEST_CAPACITY
  while (capacity < length) capacity *= 2
  return Math.min(capacity, most)
}

function crossNames(layers: number): string[] {
  return range(layers).flatMap((i) => [textEncoder.crossKey(i), textEncoder.crossValue(i)])
}

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i])
}

function tooEarly(): never {
  throw new AppError('bug', 'A sequence was continued before it began.')
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
