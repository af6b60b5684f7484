/** A cache on the processor, whose tensors each run makes anew, longer by its rows. Float32 only. */
import { disposeTensors, type DeviceTensor } from '../ort/tensor.ts'
import type { CacheMemory } from './cache-memory.ts'
import { positionBytes, tensorAt, type KvCache, type Tensors } from './kv-cache.ts'

export class ProcessorCache implements KvCache {
  readonly capacity = Infinity
  readonly recording = null
  readonly #memory: CacheMemory
  #tensors: Tensors
  #countedBytes = 0

  private constructor(memory: CacheMemory, tensors: Tensors) {
    this.#memory = memory
    this.#tensors = tensors
    this.#count()
  }

  /** Rows without positions. */
  static empty(memory: CacheMemory, rows: number): ProcessorCache {
    const { names, heads, headSize } = memory.layout
    const tensors = names.map(({ past }) => [
      past,
      memory.runtime.tensor('float32', new Float32Array(0), [rows, heads, 0, headSize]),
    ])
    return new ProcessorCache(memory, Object.fromEntries(tensors) as Tensors)
  }

  past(): Tensors {
    return this.#tensors
  }

  into(): Tensors {
    return {}
  }

  keep(made: Tensors): void {
    const { names } = this.#memory.layout
    const tensors = names.map(({ past, present }) => [past, tensorAt(made, present)] as const)
    this.#replace(Object.fromEntries(tensors))
  }

  async truncate(length: number): Promise<void> {
    const { batch, positions } = this.#size()
    if (positions <= length) return
    const rows = Array.from({ length: batch }, (_, row) => row)
    this.#replace(await this.#gathered(rows, length))
  }

  reserve(): Promise<void> {
    return Promise.resolve()
  }

  async fork(parents: readonly number[], length: number): Promise<KvCache> {
    return new ProcessorCache(this.#memory, await this.#gathered(parents, length))
  }

  async reorder(parents: readonly number[], length: number): Promise<void> {
    if (parents.every((parent, row) => parent === row)) return
    this.#replace(await this.#gathered(parents, length))
  }

  async place(row: number, from: KvCache, length: number): Promise<void> {
    const { batch, positions } = this.#size()
    const most = Math.max(positions, length)
    const others = Array.from({ length: batch }, (_, i) => ({ into: i, parent: i }))
    const rows = others.filter(({ into }) => into !== row)
    this.#replace(
      await this.#made(batch, most, async (name, copy) => {
        await copy(tensorAt(this.#tensors, name), rows)
        await copy(tensorAt(from.past(), name), [{ into: row, parent: 0 }])
      }),
    )
  }

  dispose(): void {
    disposeTensors(this.#tensors)
    this.#memory.count(-this.#countedBytes)
    this.#countedBytes = 0
  }

  #replace(tensors: Tensors): void {
    disposeTensors(this.#tensors)
    this.#tensors = tensors
    this.#count()
  }

  #count(): void {
    const { batch, positions } = this.#size()
    const bytes = batch * positions * positionBytes(this.#memory.layout)
    this.#memory.count(bytes - this.#countedBytes)
    this.#countedBytes = bytes
  }

  #size(): { batch: number; positions: number } {
    const [batch = 0, , positions = 0] = Object.values(this.#tensors)[0]?.dims ?? []
    return { batch, positions }
  }

  /** Rows of all tensors, [parents, heads, length, head size]. */
  #gathered(parents: readonly number[], length: number): Promise<Tensors> {
    const rows = parents.map((parent, into) => ({ into, parent }))
    return this.#made(parents.length, length, (name, copy) => copy(tensorAt(this.#tensors, name), rows))
  }

  /** Tensors of `batch` rows and `length` positions, 0 where `fill` copies nothing to. */
  async #made(
    batch: number,
    length: number,
    fill: (name: string, copy: CopyRows) => Promise<void>,
  ): Promise<Tensors> {
    const { runtime, layout } = this.#memory
    const { heads, headSize } = layout
    const made: Tensors = {}
    try {
      for (const name of Object.keys(this.#tensors)) {
        const out = new Float32Array(batch * heads * length * headSize)
        await fill(name, async (tensor, rows) => {
          const values = await tensor.read()
          const [, , positions = 0] = tensor.dims
          const kept = Math.min(positions, length) * headSize
          for (const { into, parent } of rows) {
            for (let head = 0; head < heads; head += 1) {
              const start = (parent * heads + head) * positions * headSize
              out.set(values.subarray(start, start + kept), (into * heads + head) * length * headSize)
            }
          }
        })
        made[name] = runtime.tensor('float32', out, [batch, heads, length, headSize])
      }
      return made
    } catch (error) {
      disposeTensors(made)
      throw error
    }
  }
}

/** Copies whole rows of a tensor, as far as there is room for their positions. */
type CopyRows = (tensor: DeviceTensor, rows: readonly { into: number; parent: number }[]) => Promise<void>
