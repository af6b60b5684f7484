/**
 * Keys and values of every layer, [batch, heads, positions, head size] each. On the GPU a fixed set of buffers that
 * every run writes in place; on the processor tensors that each run makes anew, longer by its rows.
 */
import { decoder as treaty } from '../../pack/parts.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { BufferCopy, DeviceTensor } from '../ort/tensor.ts'

/** What a cache is made of: two tensors for each layer. */
export interface CacheShape {
  layers: number
  heads: number
  cacheHeadSize: number
}

export interface KvCache {
  /** Positions that fit without `reserve`. */
  readonly capacity: number
  /** Under which number a run over these tensors may be recorded; null where there is nothing to record. */
  readonly recording: number | null
  past(): Record<string, DeviceTensor>
  /** Tensors that the run writes its present keys and values to; none when it makes new ones. */
  into(): Record<string, DeviceTensor>
  /** Takes over the present tensors that a run has made. */
  keep(present: Record<string, DeviceTensor>): void
  /** Forgets positions from `length` on. */
  truncate(length: number): Promise<void>
  /** Makes room for `capacity` positions, keeping the first `length`. */
  reserve(capacity: number, length: number): Promise<void>
  /** A cache whose row i continues row `parents[i]` of this one, of which `length` positions count. */
  fork(parents: readonly number[], length: number): Promise<KvCache>
  /** Row i becomes what row `parents[i]` was. As many parents as rows. */
  reorder(parents: readonly number[], length: number): Promise<void>
  dispose(): void
}

/** A cache of one row for `capacity` positions, where the runtime computes. */
export function openCache(
  runtime: Runtime,
  shape: CacheShape,
  memory: CacheMemory,
  capacity: number,
): KvCache {
  return runtime.compute.device === null
    ? new ProcessorCache(runtime, shape, emptyRows(runtime, shape))
    : new GpuCache(runtime, shape, memory, 1, capacity)
}

/** The GPU tensors of one cache. */
interface CacheSet {
  batch: number
  capacity: number
  tensors: Tensors
  recording: number
}

/** How many sets of one row are kept for the next cache. */
const SPARE_SETS = 2

/**
 * GPU memory for caches. Sets of one row come back and are used again: what was recorded over them stays of use, and
 * a recording cannot be given back to ONNX Runtime.
 */
export class CacheMemory {
  readonly #runtime: Runtime
  readonly #shape: CacheShape
  readonly type: 'float32' | 'float16'
  readonly #spare: CacheSet[] = []
  #recordings = 0

  constructor(runtime: Runtime, shape: CacheShape, type: 'float32' | 'float16') {
    this.#runtime = runtime
    this.#shape = shape
    this.type = type
  }

  /** What is in the tensors is left over from their last use. */
  take(batch: number, capacity: number): CacheSet {
    const known = this.#spare.findIndex((set) => set.batch === batch && set.capacity === capacity)
    const [spare] = known < 0 ? [] : this.#spare.splice(known, 1)
    if (spare !== undefined) return spare
    this.#recordings += 1
    const { heads, cacheHeadSize } = this.#shape
    const dims = [batch, heads, capacity, cacheHeadSize]
    const tensors = Object.fromEntries(
      names(this.#shape).map((name) => [name, this.#runtime.gpuTensor(this.type, dims)]),
    )
    return { batch, capacity, tensors, recording: this.#recordings }
  }

  give(set: CacheSet): void {
    if (set.batch > 1) {
      disposeAll(set.tensors)
      return
    }
    this.#spare.push(set)
    if (this.#spare.length > SPARE_SETS) disposeAll(this.#spare.shift()?.tensors ?? {})
  }

  dispose(): void {
    for (const { tensors } of this.#spare.splice(0)) disposeAll(tensors)
  }
}

type Tensors = Record<string, DeviceTensor>

class GpuCache implements KvCache {
  readonly #runtime: Runtime
  readonly #shape: CacheShape
  readonly #memory: CacheMemory
  #set: CacheSet
  /** A second set for reordering: rows are gathered from one into the other. Made when first needed. */
  #spare: CacheSet | null = null

  constructor(runtime: Runtime, shape: CacheShape, memory: CacheMemory, batch: number, capacity: number) {
    this.#runtime = runtime
    this.#shape = shape
    this.#memory = memory
    this.#set = memory.take(batch, capacity)
  }

  get capacity(): number {
    return this.#set.capacity
  }

  get recording(): number {
    return this.#set.recording
  }

  past(): Tensors {
    return this.#set.tensors
  }

  /** Past and present are the same buffers, so a step writes one row and moves nothing. */
  into(): Tensors {
    return Object.fromEntries(
      Object.entries(this.#set.tensors).map(([past, tensor]) => [presentOf(past), tensor]),
    )
  }

  keep(): void {
    // Written in place.
  }

  truncate(): Promise<void> {
    // Rows behind the length are overwritten before they are read.
    return Promise.resolve()
  }

  async reserve(capacity: number, length: number): Promise<void> {
    const old = this.#set
    if (capacity <= old.capacity) return
    const larger = this.#memory.take(old.batch, capacity)
    const row = this.#rowBytes()
    const copies = names(this.#shape).flatMap((name) =>
      range(old.batch * this.#shape.heads).map((head): BufferCopy => ({
        from: at(old.tensors, name),
        fromOffset: head * old.capacity * row,
        to: at(larger.tensors, name),
        toOffset: head * capacity * row,
        bytes: length * row,
      })),
    )
    if (length > 0) await this.#runtime.copy(copies)
    this.dispose()
    this.#set = larger
  }

  async fork(parents: readonly number[], length: number): Promise<KvCache> {
    const { capacity } = this.#set
    const forked = new GpuCache(this.#runtime, this.#shape, this.#memory, parents.length, capacity)
    await this.#gather(parents, length, forked.#set)
    return forked
  }

  async reorder(parents: readonly number[], length: number): Promise<void> {
    if (parents.every((parent, row) => parent === row)) return
    const spare = this.#spare ?? this.#memory.take(this.#set.batch, this.#set.capacity)
    await this.#gather(parents, length, spare)
    this.#spare = this.#set
    this.#set = spare
  }

  dispose(): void {
    this.#memory.give(this.#set)
    if (this.#spare !== null) this.#memory.give(this.#spare)
    this.#spare = null
  }

  /** Copies whole rows of the batch; the positions behind `length` go along, which costs less than a copy per head. */
  async #gather(parents: readonly number[], length: number, into: CacheSet): Promise<void> {
    if (length === 0) return
    const bytes = this.#shape.heads * this.#set.capacity * this.#rowBytes()
    const copies = names(this.#shape).flatMap((name) =>
      parents.map((parent, row): BufferCopy => ({
        from: at(this.#set.tensors, name),
        fromOffset: parent * bytes,
        to: at(into.tensors, name),
        toOffset: row * bytes,
        bytes,
      })),
    )
    await this.#runtime.copy(copies)
  }

  /** Bytes of one position of one head. */
  #rowBytes(): number {
    return this.#shape.cacheHeadSize * (this.#memory.type === 'float32' ? 4 : 2)
  }
}

class ProcessorCache implements KvCache {
  readonly capacity = Infinity
  readonly recording = null
  readonly #runtime: Runtime
  readonly #shape: CacheShape
  #tensors: Tensors

  constructor(runtime: Runtime, shape: CacheShape, tensors: Tensors) {
    this.#runtime = runtime
    this.#shape = shape
    this.#tensors = tensors
  }

  past(): Tensors {
    return this.#tensors
  }

  into(): Tensors {
    return {}
  }

  keep(present: Tensors): void {
    disposeAll(this.#tensors)
    this.#tensors = Object.fromEntries(names(this.#shape).map((past) => [past, at(present, presentOf(past))]))
  }

  async truncate(length: number): Promise<void> {
    const [first] = Object.values(this.#tensors)
    if (first === undefined || (first.dims[2] ?? 0) <= length) return
    await this.#replace(range(first.dims[0] ?? 1), length)
  }

  reserve(): Promise<void> {
    return Promise.resolve()
  }

  async fork(parents: readonly number[], length: number): Promise<KvCache> {
    return new ProcessorCache(this.#runtime, this.#shape, await this.#gathered(parents, length))
  }

  async reorder(parents: readonly number[], length: number): Promise<void> {
    if (parents.every((parent, row) => parent === row)) return
    await this.#replace(parents, length)
  }

  dispose(): void {
    disposeAll(this.#tensors)
  }

  async #replace(parents: readonly number[], length: number): Promise<void> {
    const tensors = await this.#gathered(parents, length)
    disposeAll(this.#tensors)
    this.#tensors = tensors
  }

  async #gathered(parents: readonly number[], length: number): Promise<Tensors> {
    const { heads, cacheHeadSize } = this.#shape
    const gathered: Tensors = {}
    for (const [name, tensor] of Object.entries(this.#tensors)) {
      const values = await tensor.read()
      const positions = tensor.dims[2] ?? 0
      const out = new Float32Array(parents.length * heads * length * cacheHeadSize)
      parents.forEach((parent, row) => {
        for (let head = 0; head < heads; head += 1) {
          const start = (parent * heads + head) * positions * cacheHeadSize
          out.set(
            values.subarray(start, start + length * cacheHeadSize),
            (row * heads + head) * length * cacheHeadSize,
          )
        }
      })
      gathered[name] = this.#runtime.tensor('float32', out, [parents.length, heads, length, cacheHeadSize])
    }
    return gathered
  }
}

function emptyRows(runtime: Runtime, shape: CacheShape): Tensors {
  const { heads, cacheHeadSize } = shape
  const empty = (): DeviceTensor =>
    runtime.tensor('float32', new Float32Array(0), [1, heads, 0, cacheHeadSize])
  return Object.fromEntries(names(shape).map((name) => [name, empty()]))
}

/** The past inputs of all layers. */
function names(shape: CacheShape): string[] {
  return range(shape.layers).flatMap((i) => [treaty.pastKey(i), treaty.pastValue(i)])
}

function presentOf(past: string): string {
  return past.replace('past', 'present')
}

function at(tensors: Tensors, name: string): DeviceTensor {
  const tensor = tensors[name]
  if (tensor === undefined) throw new Error(`The KV cache has no ${name}.`)
  return tensor
}

function disposeAll(tensors: Tensors): void {
  for (const tensor of Object.values(tensors)) tensor.dispose()
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
