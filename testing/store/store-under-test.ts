/** What the store's contract is tried on, and how a case says that something is not so. Runs in Node and in any page. */
import { browserChannel, channelInMemory, type Channel } from '../../src/store/channel.ts'
import { blobsAsBytes } from '../../src/store/blobs-as-bytes.ts'
import { browserTable } from '../../src/store/indexed-db.ts'
import { browserLocks, locksInMemory, type Locks } from '../../src/store/locks.ts'
import { tableInMemory, type Table } from '../../src/store/table.ts'

/** One implementation of the store. Whatever is opened twice is what two tabs have. */
export interface StoreUnderTest {
  table<T>(name: string): Table<T>
  locks(): Locks
  channel<News>(name: string): Channel<News>
}

/** Whether each of these sentences holds; it throws where one does not. `name` is used by nobody else. */
export type Contract = Record<string, (store: StoreUnderTest, name: string) => Promise<void>>

export const storeOfBrowser: StoreUnderTest = {
  table: (name) => browserTable(name),
  locks: browserLocks,
  channel: browserChannel,
}

/** What pages get where a browser keeps nothing, and most tests. */
export function storeInMemory(): StoreUnderTest {
  const tables = new Map<string, Map<string, unknown>>()
  const channels = new Map<string, { join: () => Channel<unknown> }>()
  const locks = locksInMemory()
  const of = <V>(map: Map<string, V>, name: string, make: () => V): V => {
    const value = map.get(name) ?? make()
    map.set(name, value)
    return value
  }
  return {
    table: <T>(name: string) => tableInMemory(of(tables, name, () => new Map()) as Map<string, T>),
    locks: () => locks,
    channel: <News>(name: string) => of(channels, name, channelInMemory).join() as Channel<News>,
  }
}

/** Stands in for a browser whose databases keep everything but Blobs. */
export function storeRefusingBlobs(): StoreUnderTest {
  const store = storeInMemory()
  return { ...store, table: <T>(name: string) => blobsAsBytes<T>(refusingBlobs(store.table(name))) }
}

function refusingBlobs(table: Table<unknown>): Table<unknown> {
  const refuse = (value: unknown): void => {
    const parts = [value, ...Object.values<unknown>({ ...(value as object) })]
    if (parts.some((part) => part instanceof Blob)) throw new DOMException('No Blobs here.', 'DataCloneError')
  }
  return {
    ...table,
    set: async (key, value) => {
      refuse(value)
      await table.set(key, value)
    },
    setAll: async (entries) => {
      for (const [, value] of entries) refuse(value)
      await table.setAll(entries)
    },
  }
}

export class Broken extends Error {}

/** Plain data, typed arrays included, that is the same. */
export function same(actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [textOf(actual), textOf(expected)]
  if (a !== b) throw new Broken(`${what}: ${a} in place of ${b}`)
}

export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Broken(what)
}

/** Fails unless `work` rejects, and gives what it rejects with. */
export async function rejects(work: Promise<unknown>, what: string): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Broken(`${what} is not refused`)
}

function textOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  return JSON.stringify(value, (_, part: unknown) =>
    part instanceof Float32Array || part instanceof Uint8Array
      ? [part.constructor.name, ...part]
      : part === undefined
        ? 'nothing'
        : part,
  )
}

/** No case takes so long, unless it waits for what never comes. */
const PATIENCE_MS = 10_000

/** The same, and `Broken` where it does not end: a page's own case has no runner that would say so. */
export async function inTime(work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Broken('It does not end.')), PATIENCE_MS)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

export const soon = (ms = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
