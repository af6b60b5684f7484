/**
 * OPT over a KV cache. A `Decoding` is one sequence under way: the query embeddings first, then tokens. The cache
 * belongs to it; on the GPU it is a fixed set of buffers that every run writes in place.
 */
import { decoder as treaty, POSITION_OFFSET } from '../pack/graphs.ts'
import { AppError } from '../pack/failure.ts'
import type { ModelShape } from '../pack/manifest.ts'
import type { DeviceTensor, Runtime, Session } from './session.ts'

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
    return layerIndices(shape).flatMap((i) => [treaty.presentKey(i), treaty.presentValue(i)])
  }

  /**
   * Begins a sequence of at most `length` positions, queries included. Takes over `queries` [1, Q, hidden]: it is
   * disposed with the returned `Decoding`.
   */
  start(queries: DeviceTensor, length: number): Decoding {
    const { positions } = this.shape.text
    if (length > positions) {
      queries.dispose()
      const most = `picture, prompt and answer together may have ${positions} positions`
      throw new AppError(
        'prompt-too-long',
        `The prompt is too long for this model (${most}, this needs ${length}); shorten it.`,
      )
    }
    const cache =
      this.#runtime.compute.device === null
        ? new GrowingCache(this.#runtime, this.shape)
        : new StaticCache(this.#runtime, this.shape, this.#cacheType, length)
    return new Decoding(this.#runtime, this.#session, this.shape, queries, cache)
  }

  async dispose(): Promise<void> {
    await this.#session.dispose()
  }
}

export class Decoding {
  readonly #runtime: Runtime
  readonly #session: Session
  readonly #shape: ModelShape
  readonly #queries: DeviceTensor
  readonly #cache: KvCache
  #length = 0

  constructor(runtime: Runtime, session: Session, shape: ModelShape, queries: DeviceTensor, cache: KvCache) {
    this.#runtime = runtime
    this.#session = session
    this.#shape = shape
    this.#queries = queries
    this.#cache = cache
  }

  /** Positions in the cache, queries included. */
  get length(): number {
    return this.#length
  }

  /**
   * Runs the queries (when nothing ran before) and `tokens` (at least one). Returns logits, rows × vocabulary: of the
   * last row only, or of every row of this run.
   */
  async extend(tokens: number[], logits: 'last' | 'all' = 'last'): Promise<Float32Array<ArrayBuffer>> {
    const { queries } = this.#shape.qFormer
    const firstRow = this.#length === 0 ? 0 : queries
    const rows = range(firstRow, queries + tokens.length)
    const past = this.#length
    const total = past + rows.length
    const { input } = treaty
    const own = {
      [input.tokens]: this.#runtime.int64(tokens, [1, tokens.length]),
      [input.rows]: this.#runtime.int64(rows),
      [input.positions]: this.#runtime.int64(range(past + POSITION_OFFSET, total + POSITION_OFFSET), [
        1,
        rows.length,
      ]),
      [input.logitRows]: this.#runtime.int64(logits === 'all' ? range(0, rows.length) : [rows.length - 1]),
      [input.lastPosition]: this.#runtime.int32([total - 1]),
      [input.totalLength]: this.#runtime.int32([total]),
    }
    try {
      const feeds = { ...own, [input.queries]: this.#queries, ...this.#cache.past() }
      const results = await this.#session.run(feeds, this.#cache.into())
      this.#length = total
      const { [treaty.output.logits]: wanted, ...present } = results
      this.#cache.keep(present)
      return await readAndDispose(wanted)
    } finally {
      for (const tensor of Object.values(own)) tensor.dispose()
    }
  }

  dispose(): void {
    this.#queries.dispose()
    this.#cache.dispose()
  }
}

/** Keys and values of every layer, [1, heads, positions, head size] each. */
interface KvCache {
  past(): Record<string, DeviceTensor>
  /** Tensors that the run writes its present keys and values to; none when it makes new ones. */
  into(): Record<string, DeviceTensor>
  /** Takes over the present tensors that a run has made. */
  keep(present: Record<string, DeviceTensor>): void
  dispose(): void
}

/** On the GPU: past and present are the same buffers, so a step writes one row and moves nothing. */
class StaticCache implements KvCache {
  readonly #past: Record<string, DeviceTensor> = {}
  readonly #present: Record<string, DeviceTensor> = {}

  constructor(runtime: Runtime, shape: ModelShape, type: 'float32' | 'float16', capacity: number) {
    const { heads, cacheHeadSize } = shape.text
    for (const i of layerIndices(shape)) {
      for (const [past, present] of namesOf(i)) {
        const tensor = runtime.gpuTensor(type, [1, heads, capacity, cacheHeadSize])
        this.#past[past] = tensor
        this.#present[present] = tensor
      }
    }
  }

  past(): Record<string, DeviceTensor> {
    return this.#past
  }

  into(): Record<string, DeviceTensor> {
    return this.#present
  }

  keep(): void {
    // Written in place.
  }

  dispose(): void {
    for (const tensor of Object.values(this.#past)) tensor.dispose()
  }
}

/** On the processor: each run returns a cache that is longer by its rows. */
class GrowingCache implements KvCache {
  #past: Record<string, DeviceTensor> = {}

  constructor(runtime: Runtime, shape: ModelShape) {
    const { heads, cacheHeadSize } = shape.text
    for (const i of layerIndices(shape)) {
      for (const [past] of namesOf(i))
        this.#past[past] = runtime.tensor('float32', new Float32Array(0), [1, heads, 0, cacheHeadSize])
    }
  }

  past(): Record<string, DeviceTensor> {
    return this.#past
  }

  into(): Record<string, DeviceTensor> {
    return {}
  }

  keep(present: Record<string, DeviceTensor>): void {
    this.dispose()
    const names = new Map(Object.keys(this.#past).map((past) => [past.replace('past', 'present'), past]))
    this.#past = Object.fromEntries(
      Object.entries(present).map(([name, tensor]) => [names.get(name) ?? name, tensor]),
    )
  }

  dispose(): void {
    for (const tensor of Object.values(this.#past)) tensor.dispose()
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

function layerIndices(shape: ModelShape): number[] {
  return range(0, shape.text.layers)
}

function namesOf(layer: number): [past: string, present: string][] {
  return [
    [treaty.pastKey(layer), treaty.presentKey(layer)],
    [treaty.pastValue(layer), treaty.presentValue(layer)],
  ]
}

/** first, first + 1, … end - 1. */
function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i)
}
