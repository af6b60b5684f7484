/** One picture's query embeddings, a prompt and an answer, one behind the other in a KV cache. */
import { AppError } from '../../pack/failure.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import {
  capacityFor,
  longestOf,
  range,
  readLogits,
  scoreRow,
  type DecoderParts,
  type DecoderRun,
  type DecoderRuns,
} from './decoder-parts.ts'
import type { BranchCache, KvCache } from './kv-cache.ts'
import type { Begun, Branches, GreedyStep, Logits, ScoreRow, Sequence, TopWanted } from './language-model.ts'
import { openCache } from './open-cache.ts'

export class DecoderOnlySequence implements Sequence {
  readonly #parts: DecoderParts
  readonly #queries: DeviceTensor
  #cache: KvCache | null = null
  /** Ids whose keys and values are in the cache, behind those of the queries. */
  #tokens: number[] = []
  /** How many of them are the prompt's. */
  #promptLength = 0
  /** Positions that the answer which was begun may reach. */
  #reach = 0

  constructor(parts: DecoderParts, queries: DeviceTensor) {
    this.#parts = parts
    this.#queries = queries
  }

  /** Only where the device chooses tokens: see `Sequence.greedy`. */
  get greedy(): Sequence['greedy'] {
    const greedy = this.#parts.runs.greedy?.bind(this.#parts.runs)
    return greedy && ((prompt, newTokens) => this.#chosen(greedy, prompt, newTokens))
  }

  /** Only where the device finds the likeliest tokens: see `Sequence.top`. */
  get top(): Sequence['top'] {
    const top = this.#parts.runs.top?.bind(this.#parts.runs)
    if (top === undefined) return undefined
    const reading =
      (wanted: TopWanted): Reading<ScoreRow> =>
      async (cache, run) => {
        const [row] = await top(cache, run, [wanted])
        return scoreRow(row, this.#parts.shape)
      }
    return {
      begin: async (prompt, newTokens, wanted) => {
        const { row, ran } = await this.#beginBy(prompt, newTokens, reading(wanted))
        return { ...row, ran }
      },
      step: (token, wanted) => this.#read([token], 'last', reading(wanted)),
    }
  }

  async begin(prompt: readonly number[], newTokens: number): Promise<Begun> {
    const { row: logits, ran } = await this.#beginBy(prompt, newTokens, this.#logits)
    return { logits, ran }
  }

  step(token: number): Promise<Logits> {
    return this.read([token])
  }

  rewind(count: number): Promise<void> {
    return this.#truncate(this.#promptLength + count)
  }

  /**
   * Runs the queries (when nothing ran before) and `tokens` (at least one). Returns logits, rows × vocabulary: of the
   * last row only, or of every row of this run. After a failure nothing counts as read any more.
   */
  read(tokens: readonly number[], logits: 'last' | 'all' = 'last'): Promise<Logits> {
    return this.#read(tokens, logits, this.#logits)
  }

  readonly #logits: Reading<Logits> = (cache, run) => readLogits(this.#parts, cache, run)

  async #beginBy<T>(
    prompt: readonly number[],
    newTokens: number,
    reading: Reading<T>,
  ): Promise<{ row: T; ran: number }> {
    const rest = await this.#prepare(prompt, newTokens)
    const before = this.#length
    const row = await this.#read(rest, 'last', reading)
    this.#promptLength = prompt.length
    return { row, ran: this.#length - before }
  }

  async #read<T>(tokens: readonly number[], logits: 'last' | 'all', reading: Reading<T>): Promise<T> {
    await this.#reserve(this.#tokens.length + tokens.length)
    const cache = this.#cacheNow()
    try {
      const values = await reading(cache, this.#runOf(tokens, logits))
      this.#tokens = [...this.#tokens, ...tokens]
      return values
    } catch (error) {
      // The cache may be longer than what is known of it, or hold no numbers.
      this.#forget()
      throw error
    }
  }

  async fork(count: number): Promise<Branches> {
    const length = this.#length
    const parent = this.#cacheNow()
    const room = Math.max(this.#reach, length)
    const branch = this.#parts.runs.readsOwners === true ? parent.branch?.bind(parent) : undefined
    this.#parts.memory.admitBranches(count, room, branch === undefined ? 'copied' : 'shared')
    const queries = await this.#parts.runtime.repeat(this.#queries, count)
    try {
      const parents = Array.from({ length: count }, () => 0)
      const cache = await (branch?.(count, length, room) ?? parent.fork(parents, length, room))
      return new DecoderOnlyBranches(this.#parts, { queries, cache, count, length, room })
    } catch (error) {
      queries.dispose()
      throw error
    }
  }

  dispose(): void {
    this.#queries.dispose()
    this.#forget()
  }

  /** Makes room for prompt and answer and keeps what the prompt begins with. Returns the rest of it, never empty. */
  async #prepare(prompt: readonly number[], newTokens: number): Promise<number[]> {
    // The last token of an answer is never run.
    const tokens = prompt.length + newTokens - 1
    await this.#reserve(tokens)
    this.#reach = this.#parts.shape.queries + tokens
    // The last token of a prompt runs in any case: its logits are what the answer begins with.
    const shared = Math.min(commonPrefix(this.#tokens, prompt), prompt.length - 1)
    await this.#truncate(shared)
    return prompt.slice(shared)
  }

  async *#chosen(
    greedy: NonNullable<DecoderRuns['greedy']>,
    prompt: readonly number[],
    newTokens: number,
  ): AsyncGenerator<GreedyStep, void, undefined> {
    const rest = await this.#prepare(prompt, newTokens)
    const run = this.#runOf(rest, 'last')
    try {
      let last: number | null = null
      for await (const choice of greedy(this.#cacheNow(), run, newTokens)) {
        // A token counts as read once the next was chosen behind it.
        this.#tokens = last === null ? [...prompt] : [...this.#tokens, last]
        this.#promptLength = prompt.length
        last = choice.token
        yield { ...choice, ran: run.rows.length }
      }
    } catch (error) {
      this.#forget()
      throw error
    }
  }

  /** A run of the queries (when nothing ran before) and `tokens`. */
  #runOf(tokens: readonly number[], logits: 'last' | 'all'): DecoderRun {
    const { queries } = this.#parts.shape
    const rows = range(this.#length === 0 ? 0 : queries, queries + tokens.length)
    return {
      queries: this.#queries,
      tokens,
      batch: 1,
      rows,
      past: [this.#length],
      logitRows: logits === 'all' ? range(0, rows.length) : [rows.length - 1],
    }
  }

  /** Positions in the cache, queries included; 0 before the first run. */
  get #length(): number {
    return this.#tokens.length === 0 ? 0 : this.#parts.shape.queries + this.#tokens.length
  }

  /** Makes room for `tokens` tokens in all. Throws `prompt-too-long` when there may not be that many positions. */
  async #reserve(tokens: number): Promise<void> {
    const { shape, memory } = this.#parts
    const context = longestOf(this.#parts)
    const length = shape.queries + tokens
    if (length > context) {
      const most = `picture, prompt and answer together may have ${context} positions`
      throw new AppError(
        'prompt-too-long',
        `The prompt is too long here (${most}, this needs ${length}); shorten it.`,
      )
    }
    this.#cache ??= await openCache(memory, capacityFor(length, context))
    if (length > this.#cache.capacity) await this.#cache.reserve(capacityFor(length, context), this.#length)
  }

  /** Keeps the first `count` tokens. Costs nothing on the GPU. */
  async #truncate(count: number): Promise<void> {
    if (count >= this.#tokens.length) return
    this.#tokens = this.#tokens.slice(0, count)
    await this.#cache?.truncate(this.#length)
  }

  #forget(): void {
    this.#cache?.dispose()
    this.#cache = null
    this.#tokens = []
  }

  #cacheNow(): KvCache {
    if (this.#cache === null) throw new AppError('bug', 'A sequence was continued before it began.')
    return this.#cache
  }
}

/** Runs, and gets back what is wanted of the last row. */
type Reading<T> = (cache: KvCache, run: DecoderRun) => Promise<T>

interface BranchParts {
  queries: DeviceTensor
  cache: BranchCache
  count: number
  length: number
  /** Positions that they may reach. */
  room: number
}

class DecoderOnlyBranches implements Branches {
  readonly #parts: DecoderParts
  readonly #own: BranchParts
  #length: number
  #failure: Error | null = null

  constructor(parts: DecoderParts, own: BranchParts) {
    this.#parts = parts
    this.#own = own
    this.#length = own.length
  }

  /** Only where the device finds the likeliest tokens: see `Branches.top`. */
  get top(): Branches['top'] {
    const top = this.#parts.runs.top?.bind(this.#parts.runs)
    if (top === undefined) return undefined
    return (tokens, parents, wanted) =>
      this.#step(tokens, parents, async (cache, run) =>
        (await top(cache, run, wanted)).map((row) => scoreRow(row, this.#parts.shape)),
      )
  }

  step(tokens: readonly number[], parents?: readonly number[]): Promise<Logits> {
    return this.#step(tokens, parents, (cache, run) => readLogits(this.#parts, cache, run))
  }

  async #step<T>(
    tokens: readonly number[],
    parents: readonly number[] | undefined,
    reading: (cache: BranchCache, run: DecoderRun) => Promise<T>,
  ): Promise<T> {
    const { queries, cache, count, room } = this.#own
    // What is in the cache behind a failure is unknown.
    if (this.#failure !== null) throw this.#failure
    if (this.#length === room) throw new AppError('bug', 'Branches were continued beyond their room.')
    try {
      if (parents !== undefined) await cache.reorder(parents, this.#length)
      const values = await reading(cache, {
        queries,
        tokens,
        batch: count,
        rows: [this.#parts.shape.queries],
        past: Array.from({ length: count }, () => this.#length),
        logitRows: [0],
      })
      this.#length += 1
      return values
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error))
      throw error
    }
  }

  dispose(): void {
    this.#own.queries.dispose()
    this.#own.cache.dispose()
  }
}

/** How many entries two lists begin with in common. */
export function commonPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1
  return length
}
