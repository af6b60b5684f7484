/** What a page keeps, seen past the page: each change at the moment when its transaction is complete, and all that lies there. */
import type { Page } from '@playwright/test'

/** A change that the browser has reported as complete. Blobs are left out. */
export interface Change {
  database: string
  key: string
  /** JSON of what was put; null for an entry that was removed. */
  value: string | null
}

/** Has `hear` told of every change of this page's own thread, from the next page on. */
export async function witnessChanges(page: Page, hear: (changes: Change[]) => void): Promise<void> {
  await page.exposeFunction('pictalkKept', (json: string) => hear(JSON.parse(json) as Change[]))
  // What tsx makes of functions with names calls this.
  await page.addInitScript('globalThis.__name = (named) => named')
  await page.addInitScript(() => {
    const changes = new WeakMap<IDBTransaction, Change[]>()
    const tell = (window as unknown as { pictalkKept: (json: string) => void }).pictalkKept
    const note = (store: IDBObjectStore, key: unknown, value: string | null): void => {
      const { transaction } = store
      const known = changes.get(transaction) ?? []
      if (known.length === 0) transaction.addEventListener('complete', () => tell(JSON.stringify(known)))
      known.push({ database: transaction.db.name, key: String(key), value })
      changes.set(transaction, known)
    }
    const { put, delete: remove } = IDBObjectStore.prototype as Writing
    IDBObjectStore.prototype.put = function (this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
      note(this, key, JSON.stringify(value))
      return put.call(this, value, key)
    }
    IDBObjectStore.prototype.delete = function (this: IDBObjectStore, key) {
      note(this, key, null)
      return remove.call(this, key)
    }
    // What is kept for offline use is no part of this, and would be fetched at every start.
    Object.defineProperty(navigator, 'serviceWorker', { value: undefined })
  })
}

/** The methods of an object store that change something, to be taken out of it. */
interface Writing {
  put: (this: IDBObjectStore, value: unknown, key?: IDBValidKey) => IDBRequest<IDBValidKey>
  delete: (this: IDBObjectStore, key: IDBValidKey | IDBKeyRange) => IDBRequest<undefined>
}

export interface Lying {
  /** JSON of each entry. */
  conversations: string[]
  /** SHA-256 of each picture's file by its id; null for one that cannot be read. */
  pictures: Record<string, string | null>
  /** JSON of each record. */
  packs: string[]
  /** SHA-256 of each chunk by its key; null for one that cannot be read. */
  chunks: Record<string, string | null>
}

/** Everything that lies in this browser, with each Blob read and hashed. */
export async function everythingOf(page: Page): Promise<Lying> {
  return page.evaluate(async () => {
    async function entriesOf(database: string, store: string): Promise<[string, unknown][]> {
      const names = (await indexedDB.databases()).map(({ name }) => name)
      if (!names.includes(database)) return []
      const connection = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open(database)
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(new Error(database))
      })
      try {
        if (!connection.objectStoreNames.contains(store)) return []
        const entries = connection.transaction(store).objectStore(store)
        const all = <T>(request: IDBRequest<T>): Promise<T> =>
          new Promise((resolve) => (request.onsuccess = () => resolve(request.result)))
        const [keys, values] = await Promise.all([
          all(entries.getAllKeys() as IDBRequest<string[]>),
          all(entries.getAll()),
        ])
        return keys.map((key, i) => [key, values[i] as unknown])
      } finally {
        connection.close()
      }
    }
    async function hashOf(blob: unknown): Promise<string | null> {
      try {
        const digest = await crypto.subtle.digest('SHA-256', await (blob as Blob).arrayBuffer())
        return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
      } catch {
        return null
      }
    }
    const chunks: Record<string, string | null> = {}
    for (const [key, blob] of await entriesOf('pictalk-chunks', 'entries')) chunks[key] = await hashOf(blob)
    const pictures: Record<string, string | null> = {}
    for (const [id, stored] of await entriesOf('pictalk-pictures', 'pictures'))
      pictures[id] = await hashOf((stored as { image: Blob }).image)
    const conversations = await entriesOf('pictalk-conversations', 'conversations')
    const packs = await entriesOf('pictalk-packs', 'entries')
    return {
      conversations: conversations.map(([, one]) => JSON.stringify(one)),
      packs: packs.map(([, one]) => JSON.stringify(one)),
      chunks,
      pictures,
    }
  })
}
