/**
 * OPT over a KV cache. A `Decoding` is one sequence under way: the query embeddings first, then tokens; it can go back
 * to an earlier token and on from there. `Branches` are several continuations of one, a token at a time.
 */
import { decoder as treaty, POSITION_OFFSET } from '../pack/graphs.ts'
import { AppError } from '../pack/failure.ts'
import type { ModelShape } from '../pack/manifest.ts'
import { openCache, type KvCache } from './kv-cache.ts'
import type { DeviceTensor, Runtime, Session } from './session.ts'

/** GPU caches grow in steps of this many positions, so that a longer conversation does not move at every turn. */
const CAPACITY_STEP = 128

export class LanguageModel {
  readonly shape: ModelShape
  readonly #runtime: Runtime
  readonly #session: Session
  readonly #cacheType: 'float32' | 'float16'

  constructor(runtime: Runtime, session: Session, shape: ModelShape, cacheType: 'float32' | 'float16') {
    this.#runtime = runtime
    this.#session = session
    this.shape = shape
    this.#cacheType = cacheType
  }

  /** Names of outputs that never leave the GPU. */
  static deviceOutputs(shape: ModelShape): string[] {
    return range(0, shape.text.layers).flatMap((i) => [treaty.presentKey(i), treaty.presentValue(i)])
  }

  /** Begins a sequence. Takes over `queries` [1, Q, hidden]: it is disposed with the returned `Decoding`. */
  start(queries: DeviceTensor): Decoding {
    return new Decoding({ runtime: this.#runtime, session: this.#session, shape: this.shape }, queries, () =>
      openCache(this.#runtime, this.shape, this.#cacheType, this.#step(this.shape.qFormer.queries + 1)),
    )
  }

  #step(length: number): number {
    return Math.min(Math.ceil(length / CAPACITY_STEP) * CAPACITY_STEP, this.shape.text.positions)
  }

  async dispose(): Promise<void> {
    await this.#session.dispose()
  }
}

interface Engine {
  runtime: Runtime
  session: Session
  shape: ModelShape
}

export class Decoding {
  readonly #engine: Engine
  readonly #queries: DeviceTensor
  readonly #open: () => KvCache
  #cache: KvCache | null = null
  /** Ids whose keys and values are in the cache, behind those of the queries. */
  #tokens: number[] = []

  constructor(engine: Engine, queries: DeviceTensor, open: () => KvCache) {
    this.#engine = engine
    this.#queries = queries
    this.#open = open
  }

  /** Ids in the cache, behind the queries. */
  get tokens(): readonly number[] {
    return this.#tokens
  }

  /** Positions in the cache, queries included; 0 before the first run. */
  get length(): number {
    return this.#tokens.length === 0 ? 0 : this.#engine.shape.qFormer.queries + this.#tokens.length
  }

  /** Makes room for `tokens` tokens in all. Throws `prompt-too-long` when the model has not that many positions. */
  async reserve(tokens: number): Promise<void> {
    const { text, qFormer } = this.#engine.shape
    const length = qFormer.queries + tokens
    if (length > text.positions) {
      const most = `picture, prompt and answer together may have ${text.positions} positions`
      throw new AppError(
        'prompt-too-long',
        `The prompt is too long for this model (${most}, this needs ${length}); shorten it.`,
      )
    }
    this.#cache ??= this.#open()
    const capacity = Math.ceil(length / CAPACITY_STEP) * CAPACITY_STEP
    if (length > this.#cache.capacity)
      await this.#cache.reserve(Math.min(capacity, text.positions), this.length)
  }

  /** Goes back to the first `count` tokens. Costs nothing on the GPU. */
  async rewind(count: number): Promise<void> {
    if (count >= this.#tokens.length) return
    this.#tokens = this.#tokens.slice(0, count)
    await this.#cache?.truncate(this.length)
  }

  /**
   * Runs the queries (when nothing ran before) and `tokens` (at least one). Returns logits, rows × vocabulary: of the
   * last row only, or of every row of this run.
   */
  async extend(
    tokens: readonly number[],
    logits: 'last' | 'all' = 'last',
  ): Promise<Float32Array<ArrayBuffer>> {
    await this.reserve(this.#tokens.length + tokens.length)
    const { shape } = this.#engine
    const firstRow = this.length === 0 ? 0 : shape.qFormer.queries
    const rows = range(firstRow, shape.qFormer.queries + tokens.length)
    const cache = this.#cacheNow()
    const values = await run(this.#engine, cache, {
      queries: this.#queries,
      tokens,
      batch: 1,
      rows,
      past: this.length,
      logitRows: logits === 'all' ? range(0, rows.length) : [rows.length - 1],
    })
    this.#tokens = [...this.#tokens, ...tokens]
    return values
  }

  /** `count` continuations of this sequence, side by side. The sequence itself stays as it is. */
  async fork(count: number): Promise<Branches> {
    const cache = await this.#cacheNow().fork(
      Array.from({ length: count }, () => 0),
      this.length,
    )
    try {
      const queries = await this.#engine.runtime.repeat(this.#queries, count)
      return new Branches(this.#engine, queries, cache, count, this.length)
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

/** Several continuations of one sequence, all of the same length. */
export class Branches {
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

  /** Row i goes on from what row `parents[i]` was, by `tokens[i]`. Returns logits [count, vocabulary]. */
  async step(
    tokens: readonly number[],
    parents: readonly number[] = range(0, this.#count),
  ): Promise<Float32Array<ArrayBuffer>> {
    await this.#cache.reorder(parents, this.#length)
    const values = await run(this.#engine, this.#cache, {
      queries: this.#queries,
      tokens,
      batch: this.#count,
      rows: [this.#engine.shape.qFormer.queries],
      past: this.#length,
      logitRows: [0],
    })
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

async function run(
  { runtime, session }: Engine,
  cache: KvCache,
  step: Step,
): Promise<Float32Array<ArrayBuffer>> {
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
    [input.lastPosition]: runtime.int32(range(0, batch).map(() => total - 1)),
    [input.totalLength]: runtime.int32([total]),
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

async function readAndDispose(tensor: DeviceTensor | undefined): Promise<Float32Array<ArrayBuffer>> {
  if (tensor === undefined) throw new AppError('bug', 'The decoder returned no logits.')
  try {
    return await tensor.read()
  } finally {
    tensor.dispose()
  }
}

/** first, first + 1, … end - 1. */
function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i)
}
