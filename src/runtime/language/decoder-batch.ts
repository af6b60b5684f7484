/** Answers about several pictures as rows of one batch over one cache, each with a length and an end of its own. */
import { AppError } from '../../pack/failure.ts'
import { splitRows } from '../decode/logits.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import {
  areNumbers,
  capacityFor,
  noNumbers,
  range,
  scoreRow,
  type DecoderParts,
  type DecoderRun,
} from './decoder-parts.ts'
import type { KvCache } from './kv-cache.ts'
import type {
  Batch,
  BatchNeed,
  BatchRow,
  BegunRow,
  Next,
  RowsWanted,
  TopWanted,
  Wanted,
} from './language-model.ts'
import { openCache } from './open-cache.ts'

/** Grows with each step. */
interface Row extends BatchRow {
  length: number
}

export class DecoderBatch implements Batch {
  readonly rows: number
  readonly #parts: DecoderParts
  /** Positions of every row. */
  readonly #capacity: number
  #cache: KvCache
  /** By their place in the cache; null for a place whose row is over. */
  #places: (Row | null)[]
  /** As many query embeddings as places. A step does not read them, but a graph wants them there. */
  #queries: DeviceTensor | null = null

  private constructor(
    parts: DecoderParts,
    cache: KvCache,
    { most, places, capacity }: { most: number; places: number; capacity: number },
  ) {
    this.#parts = parts
    this.#cache = cache
    this.rows = most
    this.#places = Array<null>(places).fill(null)
    this.#capacity = capacity
  }

  /** Null where memory has no room for two rows that need so much. */
  static async open(parts: DecoderParts, rows: number, need: BatchNeed): Promise<DecoderBatch | null> {
    const { memory, context } = parts
    const positions = positionsOf(parts, need)
    // What does not fit by itself is told by whoever begins it.
    if (positions > context) return null
    const capacity = capacityFor(positions, context)
    const most = memory.rowsOfBatch(capacity)
    if (most < 2) return null
    const places = Math.min(Math.max(1, rows), most)
    return new DecoderBatch(parts, await openCache(memory, capacity, places), { most, places, capacity })
  }

  takes(need: BatchNeed): boolean {
    return positionsOf(this.#parts, need) <= this.#capacity
  }

  async begin(queries: DeviceTensor, prompt: readonly number[], wanted: Wanted): Promise<BegunRow> {
    const { memory, shape } = this.#parts
    const rows = range(0, shape.queries + prompt.length)
    const run = { tokens: prompt, batch: 1, rows, past: [0], logitRows: [rows.length - 1] }
    try {
      const alone = await openCache(memory, this.#capacity)
      try {
        const [next] = await this.#run(
          alone,
          { ...run, queries },
          typeof wanted === 'string' ? wanted : [wanted],
        )
        if (next === undefined) throw new AppError('bug', 'A prompt has nothing behind it.')
        if (next instanceof AppError) throw next
        const place = await this.#freePlace()
        await this.#cache.place(place, alone, rows.length)
        const row: Row = { length: rows.length }
        this.#places[place] = row
        return { row, next, ran: rows.length }
      } finally {
        alone.dispose()
      }
    } finally {
      queries.dispose()
    }
  }

  async step(
    tokens: readonly { row: BatchRow; token: number }[],
    wanted: RowsWanted,
  ): Promise<(Next | AppError)[]> {
    await this.#shrink()
    const byRow = new Map(tokens.map(({ row, token }) => [row, token]))
    const places = this.#places
    const run: DecoderRun = {
      queries: this.#blank(),
      // A place whose row is over runs along at its first position, where the next row writes anew.
      tokens: places.map((row) => (row === null ? 0 : (byRow.get(row) ?? 0))),
      batch: places.length,
      rows: [this.#parts.shape.queries],
      past: places.map((row) => row?.length ?? 0),
      logitRows: [0],
    }
    const next = await this.#run(this.#cache, run, inPlaces(places, tokens, wanted))
    for (const row of places) if (row !== null) row.length += 1
    return tokens.map(({ row }) => {
      const found = next[places.findIndex((other) => other === row)]
      if (found === undefined) throw new AppError('bug', 'A row was continued behind its end.')
      return found
    })
  }

  end(row: BatchRow): void {
    this.#places = this.#places.map((other) => (other === row ? null : other))
  }

  dispose(): void {
    this.#cache.dispose()
    this.#forgetQueries()
  }

  /** What comes next in each sequence of a run, or that it has no numbers. */
  async #run(cache: KvCache, run: DecoderRun, wanted: RowsWanted): Promise<(Next | AppError)[]> {
    const { runs } = this.#parts
    if (wanted === 'choice' && runs.choose !== undefined)
      return (await runs.choose(cache, run)).map((choice) => choice ?? noNumbers())
    if (typeof wanted !== 'string' && runs.top !== undefined) {
      const found = await runs.top(cache, run, wanted)
      return found.map((row) => (row === null ? noNumbers() : scoreRow(row, this.#parts.shape)))
    }
    const logits = await runs.run(cache, run)
    return splitRows(logits, run.batch).map((own) =>
      areNumbers(own) ? { logits: own, norm: null } : noNumbers(),
    )
  }

  async #freePlace(): Promise<number> {
    const free = this.#places.indexOf(null)
    if (free >= 0) return free
    const places = this.#places.length
    if (places === this.rows) throw new AppError('bug', 'A batch has no room for another row.')
    await this.#resize(Math.min(this.rows, 2 * places))
    return places
  }

  /** Places of rows that are over cost arithmetic: they go where they are half of all or more. */
  async #shrink(): Promise<void> {
    const running = this.#places.filter((row) => row !== null).length
    if (running > 0 && 2 * running <= this.#places.length) await this.#resize(running)
  }

  /** The same rows in so many places. */
  async #resize(count: number): Promise<void> {
    const running = [...this.#places.entries()].filter(([, row]) => row !== null)
    const parents = range(0, count).map((i) => running[i]?.[0] ?? 0)
    const length = Math.max(...running.map(([, row]) => row?.length ?? 0))
    const resized = await this.#cache.fork(parents, length, this.#capacity)
    this.#cache.dispose()
    this.#cache = resized
    this.#places = range(0, count).map((i) => running[i]?.[1] ?? null)
    this.#forgetQueries()
  }

  #blank(): DeviceTensor {
    const { runtime, shape } = this.#parts
    const dims = [this.#places.length, shape.queries, shape.hiddenSize]
    const zeros = (): Float32Array<ArrayBuffer> => new Float32Array(dims.reduce((a, b) => a * b, 1))
    this.#queries ??= runtime.resident('float32', zeros(), dims)
    return this.#queries
  }

  #forgetQueries(): void {
    this.#queries?.dispose()
    this.#queries = null
  }
}

/** What is wanted in each place; in one whose row is over whatever costs least. */
function inPlaces(
  places: readonly (BatchRow | null)[],
  tokens: readonly { row: BatchRow }[],
  wanted: RowsWanted,
): RowsWanted {
  if (typeof wanted === 'string') return wanted
  const byRow = new Map<BatchRow | null, TopWanted | undefined>(tokens.map(({ row }, i) => [row, wanted[i]]))
  return places.map((row) => byRow.get(row) ?? { count: 1, besides: [] })
}

/** The last token of an answer is never run. */
function positionsOf({ shape }: DecoderParts, { promptTokens, newTokens }: BatchNeed): number {
  return shape.queries + promptTokens + newTokens - 1
}
