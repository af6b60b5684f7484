/**
 * A decoder-only model (OPT) over a KV cache that holds query embeddings, prompt and answer one behind the other: a
 * prompt that begins like what is there goes on from where they part.
 */
import { decoder as treaty, POSITION_OFFSET } from '../../pack/parts.ts'
import { AppError } from '../../pack/failure.ts'
import type { DecoderShape } from '../../pack/shapes.ts'
import { CacheMemory, openCache, type KvCache } from './kv-cache.ts'
import type { Begun, Branches, LanguageModel, Logits, Sequence } from './language-model.ts'
import { OneTokenStep } from './one-token-step.ts'
import type { TracedTensor } from './traced.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import type { DeviceTensor } from '../ort/tensor.ts'

/** The smallest GPU cache, in positions. Each next is twice as large, so that a conversation seldom moves. */
const SMALLEST_CAPACITY = 128

export class DecoderOnly implements LanguageModel {
  readonly #engine: Engine

  private constructor(engine: Engine) {
    this.#engine = engine
  }

  /**
   * `openSession` is asked for a session whose steps can be recorded; when recording does not work here, or changes
   * what comes out, for one without. A sequence may have `context` positions.
   */
  static async open(
    runtime: Runtime,
    openSession: (recordable: boolean) => Promise<Session>,
    shape: DecoderShape,
    cacheType: 'float32' | 'float16',
    context: number,
  ): Promise<DecoderOnly> {
    const session = await openSession(runtime.compute.device !== null)
    const memory = new CacheMemory(runtime, shape, cacheType)
    const plain = { runtime, session, shape, context, memory, step: null, usesRecordings: true }
    if (!session.records) return new DecoderOnly(plain)
    const step = new OneTokenStep(runtime, session, shape)
    const giveUp = async (): Promise<void> => {
      step.dispose()
      memory.dispose()
      await session.dispose()
    }
    try {
      if (await recordsRightly(plain, step)) return new DecoderOnly({ ...plain, step })
    } catch (error) {
      await giveUp()
      throw error
    }
    await giveUp()
    return new DecoderOnly({ ...plain, session: await openSession(false) })
  }

  async warmUp(tokens: number): Promise<void> {
    const { runtime, shape, memory, context } = this.#engine
    const { hiddenSize } = shape
    const count = Math.min(tokens, context - shape.queries)
    const rows = range(0, shape.queries + count)
    const zeros = new Float32Array(shape.queries * hiddenSize)
    const queries = runtime.tensor('float32', zeros, [1, shape.queries, hiddenSize])
    const cache = openCache(runtime, shape, memory, capacityFor(rows.length, context))
    try {
      // What comes out of nothing is of no interest, not even whether it is a number.
      await run(this.#engine, cache, {
        queries,
        tokens: Array<number>(count).fill(shape.bosId),
        batch: 1,
        rows,
        past: 0,
        logitRows: [rows.length - 1],
      })
    } finally {
      queries.dispose()
      cache.dispose()
    }
  }

  get records(): boolean {
    return this.#engine.step !== null
  }

  useRecordings(use: boolean): void {
    this.#engine.usesRecordings = use
  }

  promptRoom(newTokens: number): number {
    // The last token of an answer is never run, so it needs no position.
    return this.#engine.context - this.#engine.shape.queries - newTokens + 1
  }

  answerRoom(promptTokens: number): number {
    return this.promptRoom(promptTokens)
  }

  /** Names of outputs that never leave the GPU. */
  static deviceOutputs(shape: DecoderShape): string[] {
    return range(0, shape.layers).flatMap((i) => [treaty.presentKey(i), treaty.presentValue(i)])
  }

  start(queries: DeviceTensor): Sequence {
    return new DecoderOnlySequence(this.#engine, queries)
  }

  async trace(queries: DeviceTensor, prompt: readonly number[]): Promise<TracedTensor[]> {
    const sequence = new DecoderOnlySequence(this.#engine, queries)
    const { queries: inFront, vocabulary } = this.#engine.shape
    try {
      const values = await sequence.read(prompt, 'all')
      return [{ name: 'logits', shape: [1, inFront + prompt.length, vocabulary], values }]
    } finally {
      sequence.dispose()
    }
  }

  async dispose(): Promise<void> {
    const { memory, step, session } = this.#engine
    memory.dispose()
    step?.dispose()
    await session.dispose()
  }
}

interface Engine {
  runtime: Runtime
  session: Session
  shape: DecoderShape
  /** Positions that a sequence may have here, queries included. */
  context: number
  memory: CacheMemory
  /** Steps of one token, recorded; null where nothing is. */
  step: OneTokenStep | null
  usesRecordings: boolean
}

/** How far a replayed step may be from the same step run plainly, relative to the largest logit. */
const SAME = 1e-3

/** Runs a token before anything is recorded, and again as the replay of a step that was recorded with another token. */
async function recordsRightly(engine: Engine, step: OneTokenStep): Promise<boolean> {
  const { runtime, shape, memory, context } = engine
  const { bosId } = shape
  const [token, other] = [bosId, bosId === 0 ? 1 : 0]
  const cache = openCache(runtime, shape, memory, capacityFor(1, context))
  try {
    const plain = await step.run(cache, token, 0)
    await step.run(cache, other, 0)
    const replayed = await step.run(cache, token, 0)
    const largest = plain.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    return plain.every((value, i) => Math.abs(value - (replayed[i] ?? NaN)) <= SAME * largest)
  } catch (error) {
    if (error instanceof AppError) throw error
    return false
  } finally {
    cache.dispose()
  }
}

/** Positions of the cache that holds `length` and some more. */
function capacityFor(length: number, context: number): number {
  let capacity = SMALLEST_CAPACITY
  while (capacity < length) capacity *= 2
  return Math.min(capacity, context)
}

class DecoderOnlySequence implements Sequence {
  readonly #engine: Engine
  readonly #queries: DeviceTensor
  #cache: KvCache | null = null
  /** Ids whose keys and values are in the cache, behind those of the queries. */
  #tokens: number[] = []
  /** How many of them are the prompt's. */
  #promptLength = 0

  constructor(engine: Engine, queries: DeviceTensor) {
    this.#engine = engine
    this.#queries = queries
  }

  async begin(prompt: readonly number[], newTokens: number): Promise<Begun> {
    // The last token of an answer is never run.
    await this.#reserve(prompt.length + newTokens - 1)
    // The last token of a prompt runs in any case: its logits are what the answer begins with.
    const shared = Math.min(commonPrefix(this.#tokens, prompt), prompt.length - 1)
    await this.#truncate(shared)
    const before = this.#length
    const logits = await this.read(prompt.slice(shared))
    this.#promptLength = prompt.length
    return { logits, ran: this.#length - before }
  }

  step(token: number): Promise<Logits> {
    return this.read([token])
  }

  rewind(count: number): Promise<void> {
    return this.#truncate(this.#promptLength + count)
  }

  /** Positions in the cache, queries included; 0 before the first run. */
  get #length(): number {
    return this.#tokens.length === 0 ? 0 : this.#engine.shape.queries + this.#tokens.length
  }

  /** Makes room for `tokens` tokens in all. Throws `prompt-too-long` when there may not be that many positions. */
  async #reserve(tokens: number): Promise<void> {
    const { runtime, shape, memory, context } = this.#engine
    const length = shape.queries + tokens
    if (length > context) {
      const most = `picture, prompt and answer together may have ${context} positions`
      throw new AppError(
        'prompt-too-long',
        `The prompt is too long here (${most}, this needs ${length}); shorten it.`,
      )
    }
    this.#cache ??= openCache(runtime, shape, memory, capacityFor(length, context))
    if (length > this.#cache.capacity) await this.#cache.reserve(capacityFor(length, context), this.#length)
  }

  /** Keeps the first `count` tokens. Costs nothing on the GPU. */
  async #truncate(count: number): Promise<void> {
    if (count >= this.#tokens.length) return
    this.#tokens = this.#tokens.slice(0, count)
    await this.#cache?.truncate(this.#length)
  }

  /**
   * Runs the queries (when nothing ran before) and `tokens` (at least one). Returns logits, rows × vocabulary: of the
   * last row only, or of every row of this run.
   */
  async read(tokens: readonly number[], logits: 'last' | 'all' = 'last'): Promise<Logits> {
    await this.#reserve(this.#tokens.length + tokens.length)
    const { shape, step, usesRecordings } = this.#engine
    const firstRow = this.#length === 0 ? 0 : shape.queries
    const rows = range(firstRow, shape.queries + tokens.length)
    const cache = this.#cacheNow()
    const [token] = tokens
    const values =
      step !== null && usesRecordings && rows.length === 1 && token !== undefined
        ? await step.run(cache, token, this.#length)
        : await run(this.#engine, cache, {
            queries: this.#queries,
            tokens,
            batch: 1,
            rows,
            past: this.#length,
            logitRows: logits === 'all' ? range(0, rows.length) : [rows.length - 1],
          })
    checkRange(values)
    this.#tokens = [...this.#tokens, ...tokens]
    return values
  }

  async fork(count: number): Promise<Branches> {
    const cache = await this.#cacheNow().fork(
      Array.from({ length: count }, () => 0),
      this.#length,
    )
    try {
      const queries = await this.#engine.runtime.repeat(this.#queries, count)
      return new DecoderOnlyBranches(this.#engine, queries, cache, count, this.#length)
    } catch (error) {
      cache.dispose()
      throw error
    }
  }

  dispose(): void {
    this.#queries.dispose()
    this.#cache?.dispose()
  }

  #cacheNow(): KvCache {
    if (this.#cache === null) throw new AppError('bug', 'A sequence was continued before it began.')
    return this.#cache
  }
}

class DecoderOnlyBranches implements Branches {
  readonly #engine: Engine
  readonly #queries: DeviceTensor
  readonly #cache: KvCache
  readonly #count: number
  #length: number

  constructor(engine: Engine, queries: DeviceTensor, cache: KvCache, count: number, length: number) {
    this.#engine = engine
    this.#queries = queries
    this.#cache = cache
    this.#count = count
    this.#length = length
  }

  async step(tokens: readonly number[], parents: readonly number[] = range(0, this.#count)): Promise<Logits> {
    await this.#cache.reorder(parents, this.#length)
    const values = await run(this.#engine, this.#cache, {
      queries: this.#queries,
      tokens,
      batch: this.#count,
      rows: [this.#engine.shape.queries],
      past: this.#length,
      logitRows: [0],
    })
    checkRange(values)
    this.#length += 1
    return values
  }

  dispose(): void {
    this.#queries.dispose()
    this.#cache.dispose()
  }
}

interface Step {
  /** [batch, Q, hidden] */
  queries: DeviceTensor
  /** [batch · T] */
  tokens: readonly number[]
  batch: number
  /** Which of the Q + T rows run. */
  rows: number[]
  /** Positions in the cache. */
  past: number
  logitRows: number[]
}

async function run({ runtime, session }: Engine, cache: KvCache, step: Step): Promise<Logits> {
  const { batch, rows, past } = step
  const { input } = treaty
  const total = past + rows.length
  const positions = range(past + POSITION_OFFSET, total + POSITION_OFFSET)
  const own = {
    [input.tokens]: runtime.int64(step.tokens, [batch, step.tokens.length / batch]),
    [input.rows]: runtime.int64(rows),
    [input.positions]: runtime.int64(
      range(0, batch).flatMap(() => positions),
      [batch, rows.length],
    ),
    [input.logitRows]: runtime.int64(step.logitRows),
    // Where steps are recorded, attention wants its lengths on the GPU in every run.
    [input.lastPosition]: runtime.int32(
      range(0, batch).map(() => total - 1),
      session.records,
    ),
    [input.totalLength]: runtime.int32([total], session.records),
  }
  try {
    const feeds = { ...own, [input.queries]: step.queries, ...cache.past() }
    const { [treaty.output.logits]: wanted, ...present } = await session.run(feeds, cache.into())
    cache.keep(present)
    return await readAndDispose(wanted)
  } finally {
    for (const tensor of Object.values(own)) tensor.dispose()
  }
}

/**
 * A number beyond float16's range, or memory that the device could not give, spoils every logit of a row by way of the
 * layer norms. Better said than answered with nonsense.
 */
function checkRange(logits: Float32Array): void {
  if (Number.isFinite(logits.at(-1))) return
  throw new AppError(
    'bad-pack',
    'The model computed no numbers: on this device they leave the range of 16 bits, or memory ran out. Try it converted with --precision q4.',
  )
}

async function readAndDispose(tensor: DeviceTensor | undefined): Promise<Logits> {
  if (tensor === undefined) throw new AppError('bug', 'The decoder returned no logits.')
  try {
    return await tensor.read()
  } finally {
    tensor.dispose()
  }
}

/** How many entries two lists begin with in common. */
export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1
  return length
}

/** first, first + 1, … end - 1. */
function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i)
}
