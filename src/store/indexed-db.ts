/** Tables in IndexedDB. Each has a database of its own, because idb-keyval makes one object store per database. */
import { createStore, del, delMany, get, keys, set, setMany, values, type UseStore } from 'idb-keyval'
import { AppError } from '../pack/failure.ts'
import { tableInMemory, type Table } from './table.ts'

/** A table in the database of this name. `objectStore` is what the database calls its only table. */
export function indexedDbTable<T>(database: string, objectStore = 'entries'): Table<T> {
  const store = createStore(database, objectStore)
  return {
    get: (key) => get<T>(key, store),
    set: (key, value) => set(key, value, store).catch(explain),
    setAll: (entries) =>
      setMany(
        entries.map(([key, value]) => [key, value]),
        store,
      ).catch(explain),
    update: (key, change) => update<T>(store, key, change).catch(explain),
    remove: (list) => (list.length === 0 ? Promise.resolve() : delMany([...list], store)),
    keys: () => keys<string>(store),
    values: () => values<T>(store),
  }
}

/** idb-keyval's own `update` always writes; this one may leave things as they are. Within one transaction. */
function update<T>(
  store: UseStore,
  key: string,
  change: (present: T | undefined) => T | undefined,
): Promise<T | undefined> {
  return store(
    'readwrite',
    (entries) =>
      new Promise((resolve, reject) => {
        let next: T | undefined
        const reading = entries.get(key) as IDBRequest<T | undefined>
        reading.onsuccess = () => {
          try {
            next = change(reading.result)
            if (next !== undefined) entries.put(next, key)
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)))
            entries.transaction.abort()
          }
        }
        const { transaction } = entries
        transaction.oncomplete = () => resolve(next)
        transaction.onabort = () => reject(transaction.error ?? new Error('The database gave up a change.'))
      }),
  )
}

/** Why nothing can be kept in this browser. */
export type StorageProblem = 'absent' | 'blocked'

let problem: Promise<StorageProblem | null> | undefined

/**
 * Whether IndexedDB works here, found out once by writing a little: private windows and blocked site data make it absent,
 * refuse to open it, or open it and keep nothing. Null when it works.
 */
export function storageProblem(): Promise<StorageProblem | null> {
  problem ??= tryOut()
  return problem
}

async function tryOut(): Promise<StorageProblem | null> {
  try {
    // The mere name throws where site data is blocked.
    if ((globalThis as { indexedDB?: IDBFactory | null }).indexedDB == null) return 'absent'
    const store = createStore('pictalk-try-out', 'entries')
    // Some private windows keep numbers, but no Blobs.
    await set('blob', new Blob(['x']), store)
    await del('blob', store)
    return null
  } catch {
    return 'blocked'
  }
}

/**
 * A table of this browser: in IndexedDB where that works, else in memory, until this thread ends. Which of the two, and
 * why, `storageProblem` tells.
 */
export function browserTable<T>(database: string, objectStore?: string): Table<T> {
  let opened: Promise<Table<T>> | undefined
  const table = (): Promise<Table<T>> =>
    (opened ??= storageProblem().then((why) =>
      why === null ? indexedDbTable<T>(database, objectStore) : tableInMemory<T>(),
    ))
  return {
    get: async (key) => (await table()).get(key),
    set: async (key, value) => (await table()).set(key, value),
    setAll: async (entries) => (await table()).setAll(entries),
    update: async (key, change) => (await table()).update(key, change),
    remove: async (list) => (await table()).remove(list),
    keys: async () => (await table()).keys(),
    values: async () => (await table()).values(),
  }
}

/** Chromium reports a full disk as QuotaExceededError, or as a failure to write the Blob's file. */
function explain(cause: unknown): never {
  if (
    cause instanceof DOMException &&
    (cause.name === 'QuotaExceededError' || /blob|disk|space/i.test(cause.message))
  ) {
    throw new AppError(
      'no-space',
      'There is no room left in the storage of this browser; what was kept before stays. Delete a model or a conversation, or free disk space, and go on.',
      { cause },
    )
  }
  throw cause
}
