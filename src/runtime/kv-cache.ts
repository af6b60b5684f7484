/**
 * Keys and values of every layer, [batch, heads, positions, head size] each. On the GPU a fixed set of buffers that
 * every run writes in place; on the processor tensors that each run makes anew, longer by its rows.
 */
import { decoder as treaty } from '../pack/graphs.ts'
import type { ModelShape } from '../pack/manifest.ts'
import type { BufferCopy, DeviceTensor, Runtime } from './session.ts'

export interface KvCache {
  /** Positions that fit without `reserve`. */
  readonly capacity: number
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
  shape: ModelShape,
  type: 'float32' | 'float16',
  capacity: number,
): KvCache {
  return runtime.compute.device === null
    ? new ProcessorCache(runtime, shape, emptyRows(runtime, shape))
    : new GpuCache(runtime, shape, type, 1, capacity)
}

type Tensors = Record<string, DeviceTensor>

class GpuCache implements KvCache {
  readonly #runtime: Runtime
  readonly #shape: ModelShape
  readonly #type: 'float32' | 'float16'
  readonly #batch: number
  #capacity: number
  #tensors: Tensors
  /** A second set for reordering: rows are gathered from one into the other. Made when first needed. */
  #spare: Tensors | null = null

  constructor(
    runtime: Runtime,
    shape: ModelShape,
    type: 'float32' | 'float16',
    batch: number,
    capacity: number,
  ) {
    this.#runtime = runtime
    this.#shape = shape
    this.#type = type
    this.#batch = batch
    this.#capacity = capacity
    this.#tensors = this.#allocate(capacity)
  }

  get capacity(): number {
    return this.#capacity
  }

  past(): Tensors {
    return this.#tensors
  }

  /** Past and present are the same buffers, so a step writes one row and moves nothing. */
  into(): Tensors {
    return Object.fromEntries(
      Object.entries(this.#tensors).map(([past, tensor]) => [presentOf(past), tensor]),
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
    if (capacity <= this.#capacity) return
    const [old, oldCapacity] = [this.#tensors, this.#capacity]
    const larger = this.#allocate(capacity)
    const row = this.#rowBytes()
    const copies = names(this.#shape).flatMap((name) =>
      range(this.#batch * this.#shape.text.heads).map((head): BufferCopy => ({
        from: at(old, name),
        fromOffset: head * oldCapacity * row,
        to: at(larger, name),
        toOffset: head * capacity * row,
        bytes: length * row,
      })),
    )
    if (length > 0) await this.#runtime.copy(copies)
    disposeAll(old)
    this.#dropSpare()
    this.#tensors = larger
    this.#capacity = capacity
  }

  async fork(parents: readonly number[], length: number): Promise<KvCache> {
    const forked = new GpuCache(this.#runtime, this.#shape, this.#type, parents.length, this.#capacity)
    await this.#gather(parents, length, forked.#tensors)
    return forked
  }

  async reorder(parents: readonly number[], length: number): Promise<void> {
    if (parents.every((parent, row) => parent === row)) return
    const spare = this.#spare ?? this.#allocate(this.#capacity)
    await this.#gather(parents, length, spare)
    this.#spare = this.#tensors
    this.#tensors = spare
  }

  dispose(): void {
    disposeAll(this.#tensors)
    this.#dropSpare()
  }

  /** Copies whole rows of the batch; the positions behind `length` go along, which costs less than a copy per head. */
  async #gather(parents: readonly number[], length: number, into: Tensors): Promise<void> {
    if (length === 0) return
    const bytes = this.#shape.text.heads * this.#capacity * this.#rowBytes()
    const copies = names(this.#shape).flatMap((name) =>
      parents.map((parent, row): BufferCopy => ({
        from: at(this.#tensors, name),
        fromOffset: parent * bytes,
        to: at(into, name),
        toOffset: row * bytes,
        bytes,
      })),
    )
    await this.#runtime.copy(copies)
  }

  #allocate(capacity: number): Tensors {
    const { heads, cacheHeadSize } = this.#shape.text
    const dims = [this.#batch, heads, capacity, cacheHeadSize]
    return Object.fromEntries(
      names(this.#shape).map((name) => [name, this.#runtime.gpuTensor(this.#type, dims)]),
    )
  }

  /** Bytes of one position of one head. */
  #rowBytes(): number {
    return this.#shape.text.cacheHeadSize * (this.#type === 'float32' ? 4 : 2)
  }

  #dropSpare(): void {
    if (this.#spare !== null) disposeAll(this.#spare)
    this.#spare = null
  }
}

class ProcessorCache implements KvCache {
  readonly capacity = Infinity
  readonly #runtime: Runtime
  readonly #shape: ModelShape
  #tensors: Tensors

  constructor(runtime: Runtime, shape: ModelShape, tensors: Tensors) {
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
    const { heads, cacheHeadSize } = this.#shape.text
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

function emptyRows(runtime: Runtime, shape: ModelShape): Tensors {
  const { heads, cacheHeadSize } = shape.text
  const empty = (): DeviceTensor =>
    runtime.tensor('float32', new Float32Array(0), [1, heads, 0, cacheHeadSize])
  return Object.fromEntries(names(shape).map((name) => [name, empty()]))
}

/** The past inputs of all layers. */
function names(shape: ModelShape): string[] {
  return range(shape.text.layers).flatMap((i) => [treaty.pastKey(i), treaty.pastValue(i)])
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
