/** The entries of the database by their kinds. What belongs to an index lies under the key of its model. */
import type { Table } from '../store/table.ts'
import type { Block, Contents, SearchEntry, Source } from './entries.ts'

export type SearchTable = Table<SearchEntry>

const SOURCE = 'source/'
const INDEX = 'index/'
const CONTENTS = 'contents'

/** Of all that belongs to the index of a model. */
const prefixOf = (modelKey: string): string => `${INDEX}${modelKey}/`

/** Digits, so that blocks are listed in the order of their numbers. */
const blockName = (number: number): string => `block/${String(number).padStart(6, '0')}`

/** What was written in one step. */
export interface Writing {
  contents: Contents
  blocks: ReadonlyMap<number, Block>
  /** By SHA-256. */
  thumbnails: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
}

/** The index of one model. Keys are written and read nowhere else. */
export class IndexTable {
  readonly #table: SearchTable
  readonly #prefix: string

  constructor(table: SearchTable, modelKey: string) {
    this.#table = table
    this.#prefix = prefixOf(modelKey)
  }

  async contents(): Promise<Contents | undefined> {
    return (await this.#table.get(this.#prefix + CONTENTS)) as Contents | undefined
  }

  async block(number: number): Promise<Block | undefined> {
    return (await this.#table.get(this.#prefix + blockName(number))) as Block | undefined
  }

  async thumbnail(sha256: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const key = `${this.#prefix}thumbnail/${sha256}`
    return (await this.#table.get(key)) as Uint8Array<ArrayBuffer> | undefined
  }

  /** All of it is there, or nothing is. */
  write({ contents, blocks, thumbnails }: Writing): Promise<void> {
    return this.#table.setAll([
      ...[...thumbnails].map(([sha256, bytes]) => [`${this.#prefix}thumbnail/${sha256}`, bytes] as const),
      ...[...blocks].map(([number, block]) => [this.#prefix + blockName(number), block] as const),
      [this.#prefix + CONTENTS, contents],
    ])
  }

  /** Lets go of blocks and thumbnails that nothing names any more. */
  async sweep(contents: Contents, named: ReadonlySet<string>): Promise<void> {
    const wanted = new Set([
      this.#prefix + CONTENTS,
      ...[...contents.blocks.keys()].map((number) => this.#prefix + blockName(number)),
      ...[...named].map((sha256) => `${this.#prefix}thumbnail/${sha256}`),
    ])
    const own = (await this.#table.keys()).filter((key) => key.startsWith(this.#prefix))
    await this.#table.remove(own.filter((key) => !wanted.has(key)))
  }

  /** Lets go of the whole index. */
  async clear(): Promise<void> {
    await this.#table.remove((await this.#table.keys()).filter((key) => key.startsWith(this.#prefix)))
  }
}

/** What the indexes of all models but this one take, as far as they say. */
export async function otherIndexBytes(table: SearchTable, modelKey: string): Promise<number> {
  const keys = (await otherKeys(table, modelKey)).filter((key) => key.endsWith(`/${CONTENTS}`))
  const all = (await Promise.all(keys.map((key) => table.get(key)))) as (Contents | undefined)[]
  return all.reduce((sum, contents) => sum + (contents?.bytes ?? 0), 0)
}

/** Lets go of them. The caller sees to it that nobody changes one meanwhile. */
export async function clearOtherIndexes(table: SearchTable, modelKey: string): Promise<void> {
  await table.remove(await otherKeys(table, modelKey))
}

async function otherKeys(table: SearchTable, modelKey: string): Promise<string[]> {
  const own = prefixOf(modelKey)
  return (await table.keys()).filter((key) => key.startsWith(INDEX) && !key.startsWith(own))
}

/** Where pictures come from, the same for all models; oldest first. */
export async function readSources(table: SearchTable): Promise<Source[]> {
  const keys = (await table.keys()).filter((key) => key.startsWith(SOURCE))
  const found = await Promise.all(keys.map((key) => table.get(key)))
  return found
    .filter((one) => one !== undefined)
    .map((one) => one as Source)
    .sort((a, b) => a.addedAt - b.addedAt)
}

export function keepSource(table: SearchTable, source: Source): Promise<void> {
  return table.set(SOURCE + source.id, source)
}

export function removeSource(table: SearchTable, id: string): Promise<void> {
  return table.remove([SOURCE + id])
}
