/** A cache on the processor, whose tensors each run makes anew, longer by its rows. Float32 only. */
import type { CacheMemory } from './cache-memory.ts'
import { disposeAll, positionBytes, tensorAt, type KvCache, type Tensors } from './kv-cache.ts'

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

  /** One row without positions. */
  static empty(memory: CacheMemory): ProcessorCache {
    const { names, heads, headSize } = memory.layout
    const tensors = names.map(({ past }) => [
      past,
      memory.runtime.tensor('float32', new Float32Array(0), [1, heads, 0, headSize]),
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

  dispose(): void {
    disposeAll(this.#tensors)
    this.#memory.count(-this.#countedBytes)
    this.#countedBytes = 0
  }

  #replace(tensors: Tensors): void {
    disposeAll(this.#tensors)
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
  async #gathered(parents: readonly number[], length: number): Promise<Tensors> {
    const { runtime, layout } = this.#memory
    const { heads, headSize } = layout
    const { positions } = this.#size()
    const gathered: Tensors = {}
    try {
      for (const [name, tensor] of Object.entries(this.#tensors)) {
        const values = await tensor.read()
        const out = new Float32Array(parents.length * heads * length * headSize)
        for (const [row, parent] of parents.entries()) {
          for (let head = 0; head < heads; head += 1) {
            const start = (parent * heads + head) * positions * headSize
            const kept = values.subarray(start, start + length * headSize)
            out.set(kept, (row * heads + head) * length * headSize)
          }
        }
        gathered[name] = runtime.tensor('float32', out, [parents.length, heads, length, headSize])
      }
      return gathered
    } catch (error) {
      disposeAll(gathered)
      throw error
    }
  }
}
