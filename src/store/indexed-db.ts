/** Tables in IndexedDB. Each has a database of its own with one object store in it, as idb-keyval wants it. */
import { del, delMany, get, keys, promisifyRequest, set, values, type UseStore } from 'idb-keyval'
import { AppError } from '../pack/failure.ts'
import { blobsAsBytes, blobsAsTheyLie } from './blobs-as-bytes.ts'
import { tableInMemory, type Changes, type Table } from './table.ts'

export interface TableOptions {
  /** What the database calls its only table. */
  objectStore?: string
  /**
   * What a call that has resolved means: `strict`, that not even a power cut takes back what was written; `relaxed`, that
   * the browser knows of it and writes it down when it suits (Indexed Database API 3.0, durability hint). Without the
   * hint Chromium and Firefox are relaxed: after a cut a record may be there and the Blobs that it speaks of may not.
   */
  durability?: 'strict' | 'relaxed'
}

/** How a table is opened, so that all tables of a browser can lie elsewhere together. */
export type OpenTable = <T>(database: string, options?: TableOptions) => Table<T>

/** A table in the database of this name, of this browser or of whatever stands in for one. */
export function indexedDbTable<T>(
  database: string,
  options: TableOptions = {},
  factory: IDBFactory = indexedDB,
): Table<T> {
  const store = connect(factory, database, options)
  return {
    get: (key) => get<T>(key, store).catch(explain),
    set: (key, value) => set(key, value, store).catch(explain),
    setAll: (entries) => setAll(store, entries).catch(explain),
    update: (key, change) => update<T>(store, key, change).catch(explain),
    updateAll: (change) => updateAll<T>(store, change).catch(explain),
    remove: (list) => (list.length === 0 ? Promise.resolve() : delMany([...list], store).catch(explain)),
    keys: () => keys<string>(store).catch(explain),
    values: () => values<T>(store).catch(explain),
  }
}

/** idb-keyval's own `createStore` cannot say how durable a transaction shall be. */
function connect(
  factory: IDBFactory,
  database: string,
  { objectStore = 'entries', durability = 'strict' }: TableOptions,
): UseStore {
  let opened: Promise<IDBDatabase> | undefined
  function open(): Promise<IDBDatabase> {
    const request = factory.open(database)
    request.onupgradeneeded = () => void request.result.createObjectStore(objectStore)
    const opening = promisifyRequest(request)
    opening.then(
      // Safari closes a connection now and then; the next transaction opens another.
      (connection) => (connection.onclose = () => (opened = undefined)),
      () => (opened = undefined),
    )
    return opening
  }
  return async (mode, callback) => {
    const connection = await (opened ??= open())
    return callback(connection.transaction(objectStore, mode, { durability }).objectStore(objectStore))
  }
}

/**
 * idb-keyval's own `setMany` keeps the first of several values where a later one cannot be kept: one that fails to be put
 * takes the others along only when the transaction is given up.
 */
function setAll(store: UseStore, added: readonly (readonly [key: string, value: unknown])[]): Promise<void> {
  return store('readwrite', (entries) =>
    inOneStep(entries.transaction, null, () => {
      for (const [key, value] of added) entries.put(value, key)
    }),
  )
}

/** idb-keyval's own `update` always writes; this one may leave things as they are. Within one transaction. */
function update<T>(
  store: UseStore,
  key: string,
  change: (present: T | undefined) => T | undefined,
): Promise<T | undefined> {
  return store('readwrite', (entries) => {
    const reading = entries.get(key) as IDBRequest<T | undefined>
    return inOneStep(entries.transaction, reading, () => {
      const next = change(reading.result)
      if (next !== undefined) entries.put(next, key)
      return next
    })
  })
}

function updateAll<T>(
  store: UseStore,
  change: (present: ReadonlyMap<string, T>) => Changes<T>,
): Promise<void> {
  return store('readwrite', (entries) => {
    const keysThere = entries.getAllKeys() as IDBRequest<string[]>
    const valuesThere = entries.getAll() as IDBRequest<T[]>
    return inOneStep(entries.transaction, valuesThere, () => {
      const present = new Map<string, T>()
      // Both lists are in the order of the keys.
      keysThere.result.forEach((key, i) => present.set(key, valuesThere.result[i] as T))
      for (const [key, value] of change(present)) {
        if (value === undefined) entries.delete(key)
        else entries.put(value, key)
      }
    })
  })
}

/**
 * Does `work` once the last reading, where there is one, is there, and resolves with what it gave when that is committed.
 * When it throws nothing of the transaction stays.
 */
function inOneStep<R>(
  transaction: IDBTransaction,
  lastReading: IDBRequest | null,
  work: () => R,
): Promise<R> {
  return new Promise((resolve, reject) => {
    let result: R
    const step = (): void => {
      try {
        result = work()
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
        transaction.abort()
      }
    }
    transaction.oncomplete = () => resolve(result)
    transaction.onabort = () => reject(transaction.error ?? new Error('The database gave up a change.'))
    if (lastReading === null) step()
    else lastReading.onsuccess = step
  })
}

/** Why nothing can be kept in this browser. */
export type StorageProblem = 'absent' | 'blocked'

/** How this browser keeps things, or why it does not. */
type Keeping = 'blobs' | 'bytes' | StorageProblem

let tried: Promise<Keeping> | undefined
let problem: Promise<StorageProblem | null> | undefined

/**
 * Whether IndexedDB works here, found out once by writing a little: private windows and blocked site data make it absent,
 * refuse to open it, or open it and keep nothing. Null when it works.
 */
export function storageProblem(): Promise<StorageProblem | null> {
  problem ??= keepingHere().then((keeping) => (keeping === 'blobs' || keeping === 'bytes' ? null : keeping))
  return problem
}

function keepingHere(): Promise<Keeping> {
  tried ??= tryOut()
  return tried
}

async function tryOut(): Promise<Keeping> {
  try {
    // The mere name throws where site data is blocked.
    if ((globalThis as { indexedDB?: IDBFactory | null }).indexedDB == null) return 'absent'
    const store = connect(indexedDB, 'pictalk-try-out', { durability: 'relaxed' })
    const keeps = async (value: Blob | ArrayBuffer): Promise<void> => {
      await set('tried', value, store)
      await del('tried', store)
    }
    const blobs = keeps(new Blob(['x'])).then(() => 'blobs' as const)
    // Private windows of WebKit keep everything else (seen in WebKitGTK 2.50).
    return await blobs.catch((cause: unknown) => {
      if (isFull(cause)) throw cause
      return keeps(new ArrayBuffer(1)).then(() => 'bytes' as const)
    })
  } catch (cause) {
    // What is full works, and holds what people kept there.
    return isFull(cause) ? 'blobs' : 'blocked'
  }
}

/**
 * A table of this browser: in IndexedDB where that works, else in memory, until this thread ends. Which of the two, and
 * why, `storageProblem` tells. Where the database refuses Blobs it keeps their bytes.
 */
export function browserTable<T>(database: string, options?: TableOptions): Table<T> {
  let opened: Promise<Table<T>> | undefined
  const table = (): Promise<Table<T>> =>
    (opened ??= keepingHere().then((keeping) => {
      if (keeping !== 'blobs' && keeping !== 'bytes') return tableInMemory<T>()
      const table = indexedDbTable<unknown>(database, options)
      return keeping === 'bytes' ? blobsAsBytes<T>(table) : blobsAsTheyLie<T>(table)
    }))
  return {
    get: async (key) => (await table()).get(key),
    set: async (key, value) => (await table()).set(key, value),
    setAll: async (entries) => (await table()).setAll(entries),
    update: async (key, change) => (await table()).update(key, change),
    updateAll: async (change) => (await table()).updateAll(change),
    remove: async (list) => (await table()).remove(list),
    keys: async () => (await table()).keys(),
    values: async () => (await table()).values(),
  }
}

function isFull(cause: unknown): boolean {
  return (cause instanceof DOMException && cause.name === 'QuotaExceededError') || opensNothing(cause)
}

/** So Chromium fails to open a database on a disk without one block left; nothing else of it says so. */
function opensNothing(cause: unknown): boolean {
  return (
    cause instanceof DOMException && cause.name === 'UnknownError' && /backing store/i.test(cause.message)
  )
}

/** Chromium reports a full disk as QuotaExceededError, or as a failure to write the Blob's file. */
function explain(cause: unknown): never {
  if (opensNothing(cause)) {
    throw new AppError(
      'no-space',
      'The browser cannot open its storage, as on a disk without any room; free some space. What is kept there stays.',
      { cause },
    )
  }
  if (isFull(cause) || (cause instanceof DOMException && /blob|disk|space/i.test(cause.message))) {
    throw new AppError(
      'no-space',
      'There is no room left in the storage of this browser; what was kept before stays. Delete a model or a conversation, or free disk space, and go on.',
      { cause },
    )
  }
  throw cause
}
