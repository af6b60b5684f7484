/** Tables in IndexedDB. Each has a database of its own, because idb-keyval makes one object store per database. */
import { createStore, delMany, get, keys, set, values } from 'idb-keyval'
import { AppError } from '../pack/failure.ts'
import type { Table } from './table.ts'

export function indexedDbTable<T>(database: string): Table<T> {
  const store = createStore(database, 'entries')
  return {
    get: (key) => get<T>(key, store),
    set: (key, value) => set(key, value, store).catch(explain),
    remove: (list) => (list.length === 0 ? Promise.resolve() : delMany([...list], store)),
    keys: () => keys<string>(store),
    values: () => values<T>(store),
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
      'There is no room left for this model; what has arrived is kept. Delete another model or free disk space, then resume.',
      { cause },
    )
  }
  throw cause
}
