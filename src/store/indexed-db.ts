/** Tables in IndexedDB. Each has a database of its own, because idb-keyval makes one object store per database. */
import { createStore, del, delMany, get, keys, set, values, type UseStore } from 'idb-keyval'
import { AppError } from '../pack/failure.ts'
import { tableInMemory, type Table } from './table.ts'

/** A table in the database of this name. `objectStore` is what the database calls its only table. */
export function indexedDbTable<T>(database: string, objectStore = 'entries'): Table<T> {
  const store = createStore(database, objectStore)
  return {
    get: (key) => get<T>(key, store),
    set: (key, value) => set(key, value, store).catch(explain),
    setAll: (entries) => setAll(store, entries).catch(explain),
    update: (key, change) => update<T>(store, key, change).catch(explain),
    remove: (list) => (list.length === 0 ? Promise.resolve() : delMany([...list], store)),
    keys: () => keys<string>(store),
    values: () => values<T>(store),
  }
}

/**
 * idb-keyval's own `setMany` keeps the first of several values where a later one cannot be kept: what fails to be put
 * fails nothing else.
 */
function setAll(
  store: UseStore,
  entries: readonly (readonly [key: string, value: unknown])[],
): Promise<void> {
  return inOneStep(store, (kept) => {
    for (const [key, value] of entries) kept.put(value, key)
  })
}

/** idb-keyval's own `update` always writes; this one may leave things as they are. */
async function update<T>(
  store: UseStore,
  key: string,
  change: (present: T | undefined) => T | undefined,
): Promise<T | undefined> {
  let next: T | undefined
  await inOneStep(store, (kept, attempt) => {
    const reading = kept.get(key) as IDBRequest<T | undefined>
    reading.onsuccess = () =>
      attempt(() => {
        next = change(reading.result)
        if (next !== undefined) kept.put(next, key)
      })
  })
  return next
}

/** One transaction, of which nothing stays when `work`, or what it hands to `attempt` later, throws: that is rejected with. */
function inOneStep(
  store: UseStore,
  work: (entries: IDBObjectStore, attempt: (step: () => void) => void) => void,
): Promise<void> {
  return store(
    'readwrite',
    (entries) =>
      new Promise((resolve, reject) => {
        const { transaction } = entries
        const attempt = (step: () => void): void => {
          try {
            step()
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)))
            transaction.abort()
          }
        }
        transaction.oncomplete = () => resolve()
        transaction.onabort = () => reject(transaction.error ?? new Error('The database gave up a change.'))
        attempt(() => work(entries, attempt))
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
