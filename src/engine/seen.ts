/**
 * What models have seen in pictures, so that none is looked at twice: one entry for each picture and each pair of vision
 * encoder and Q-Former. It is kept between visits where the browser lets us, and in memory where it does not.
 */
import type { Table } from '../store/table.ts'

export interface Seen {
  /** Query embeddings, float32 [queries, text hidden]. */
  embeddings: Float32Array<ArrayBuffer>
  /** Of the picture itself. */
  width: number
  height: number
  photograph: boolean
}

/** Looks that are held in memory where they cannot be kept: some hundred kilobytes each. */
const MOST_IN_MEMORY = 64

export class SeenPictures {
  readonly #table: Table<Seen>
  /** What the table would not take, oldest first. */
  readonly #memory = new Map<string, Seen>()

  constructor(table: Table<Seen>) {
    this.#table = table
  }

  /** What the model whose `lookKey` is given saw in a picture. */
  async get(pictureId: string, lookKey: string): Promise<Seen | undefined> {
    const key = keyOf(pictureId, lookKey)
    return this.#memory.get(key) ?? (await unlessStorageFails(() => this.#table.get(key)))
  }

  async keep(pictureId: string, lookKey: string, seen: Seen): Promise<void> {
    const key = keyOf(pictureId, lookKey)
    const kept = await unlessStorageFails(async () => {
      await this.#table.set(key, seen)
      return true
    })
    if (kept === true) return
    this.#memory.set(key, seen)
    const [oldest] = this.#memory.keys()
    if (this.#memory.size > MOST_IN_MEMORY && oldest !== undefined) this.#memory.delete(oldest)
  }

  /** Lets go of what any model saw in these pictures. */
  async forget(pictureIds: readonly string[]): Promise<void> {
    const isForgotten = (key: string): boolean => pictureIds.some((id) => key.startsWith(keyOf(id, '')))
    for (const key of [...this.#memory.keys()].filter(isForgotten)) this.#memory.delete(key)
    await unlessStorageFails(async () => this.#table.remove((await this.#table.keys()).filter(isForgotten)))
  }
}

function keyOf(pictureId: string, lookKey: string): string {
  return `${pictureId} ${lookKey}`
}

/** Storage may be absent, forbidden or full. An answer needs none of it. */
async function unlessStorageFails<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch {
    return undefined
  }
}
