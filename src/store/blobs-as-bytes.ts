/**
 * For browsers whose databases keep everything but Blobs, as in the private windows of WebKit: the bytes of a Blob are kept
 * in its place. They are in memory when they are read, but then such a window keeps everything in memory anyway.
 */
import { AppError } from '../pack/failure.ts'
import type { Table } from './table.ts'

/** What is kept of a Blob. */
interface Bytes {
  bytesOfBlob: ArrayBuffer
  type: string
}

/** The same table, for values that are Blobs or hold some among their own fields. `update` and `updateAll` bring none in. */
export function blobsAsBytes<T>(table: Table<unknown>): Table<T> {
  // Whatever lies in the table came in through this interface.
  const back = (kept: unknown): T => mapped(kept, isBytes, toBlob) as T
  const withoutBlobs = <V>(value: V): V => {
    if (holds(value, isBlob)) throw new AppError('bug', 'A change brings in a Blob, which is not kept here.')
    return value
  }
  return {
    get: async (key) => back(await table.get(key)),
    // What holds no Blob is not delayed: it stays in order.
    set: (key, value) =>
      holds(value, isBlob) ? toKept(value).then((kept) => table.set(key, kept)) : table.set(key, value),
    setAll: async (entries) => {
      const all = entries.map(async ([key, value]) => [key, await toKept(value)] as const)
      await table.setAll(await Promise.all(all))
    },
    update: async (key, change) => {
      let next: T | undefined
      await table.update(key, (present) => (next = withoutBlobs(change(back(present)))))
      return next
    },
    updateAll: (change) =>
      table.updateAll((present) => {
        const changes = change(new Map([...present].map(([key, value]) => [key, back(value)])))
        for (const value of changes.values()) withoutBlobs(value)
        return changes
      }),
    remove: (keys) => table.remove(keys),
    keys: () => table.keys(),
    values: async () => (await table.values()).map(back),
  }
}

/**
 * The same table where Blobs are kept as they are. It gives back those of which bytes lie there, too: a browser may have
 * refused Blobs at one time, or in one thread, for want of room on its disk.
 */
export function blobsAsTheyLie<T>(table: Table<unknown>): Table<T> {
  const back = (kept: unknown): T => mapped(kept, isBytes, toBlob) as T
  return {
    ...table,
    get: async (key) => back(await table.get(key)),
    update: async (key, change) => back(await table.update(key, (present) => change(back(present)))),
    updateAll: (change) =>
      table.updateAll((present) => change(new Map([...present].map(([key, value]) => [key, back(value)])))),
    values: async () => (await table.values()).map(back),
  }
}

async function toKept(value: unknown): Promise<unknown> {
  const blobs = new Map<Blob, Bytes>()
  for (const part of partsOf(value))
    if (isBlob(part)) blobs.set(part, { bytesOfBlob: await part.arrayBuffer(), type: part.type })
  return mapped(value, isBlob, (blob) => blobs.get(blob))
}

function toBlob({ bytesOfBlob, type }: Bytes): Blob {
  return new Blob([bytesOfBlob], { type })
}

/** The value, or the fields of the record that it is, with those that `is` finds turned into something else. */
function mapped<P>(value: unknown, is: (part: unknown) => part is P, to: (part: P) => unknown): unknown {
  if (is(value)) return to(value)
  if (!holds(value, is)) return value
  return Object.fromEntries(
    Object.entries(value as object).map(([key, part]: [string, unknown]) => [
      key,
      is(part) ? to(part) : part,
    ]),
  )
}

function holds(value: unknown, is: (part: unknown) => boolean): boolean {
  return partsOf(value).some(is)
}

/** The value and, where it is a plain record, its fields. */
function partsOf(value: unknown): unknown[] {
  return isPlainRecord(value) ? [value, ...Object.values<unknown>({ ...value })] : [value]
}

function isPlainRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function isBlob(part: unknown): part is Blob {
  return part instanceof Blob
}

function isBytes(part: unknown): part is Bytes {
  return isPlainRecord(part) && 'bytesOfBlob' in part && part.bytesOfBlob instanceof ArrayBuffer
}
