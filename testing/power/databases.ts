/**
 * The databases of a browser as the Indexed Database API 3.0 allows them to be at their worst. Transactions are atomic
 * and follow each other within a database; between two databases there is no order. One that is `strict` is on the disk
 * when it completes, and so is what came before it. One that is not may be lost with those behind it, and its Blobs,
 * which are files of their own, may be lost or spoilt although it is there. Only what idb-keyval and `indexed-db.ts`
 * call is here.
 */
import type { Random } from '../../src/scenes/random.ts'
import { indexedDbTable, type OpenTable } from '../../src/store/indexed-db.ts'
import type { Cut, Medium, Session } from './machine.ts'

/** What a transaction wrote; undefined for a key that it removed. */
type Writes = ReadonlyMap<string, unknown>

class Database {
  /** Name of its object store, once it has one. */
  store: string | null = null
  entries = new Map<string, unknown>()
  #synced: { store: string | null; entries: ReadonlyMap<string, unknown> } = {
    store: null,
    entries: new Map(),
  }
  /** Not on the disk for certain, oldest first. */
  #relaxed: { store: string | null; entries: ReadonlyMap<string, unknown> }[] = []
  /** Blobs whose files nobody waited for. */
  readonly #unsynced = new Set<Blob>()

  create(store: string): void {
    this.store = store
    this.#relaxed.push(this.#snapshot())
  }

  commit(writes: Writes, strict: boolean): void {
    for (const [key, value] of writes) {
      if (value === undefined) this.entries.delete(key)
      else this.entries.set(key, value)
      if (!strict) for (const blob of blobsIn(value)) this.#unsynced.add(blob)
    }
    if (strict) {
      this.#synced = this.#snapshot()
      this.#relaxed = []
    } else this.#relaxed.push(this.#snapshot())
  }

  lose(cut: Cut, random: Random): void {
    if (cut === 'kill') return
    const states = [this.#synced, ...this.#relaxed]
    const { store, entries } = states[Math.floor(random.next() * states.length)] ?? this.#synced
    this.store = store
    this.entries = new Map(entries)
    for (const [key, value] of entries) this.entries.set(key, this.#withoutBlobs(value, random))
    this.#synced = this.#snapshot()
    this.#relaxed = []
    this.#unsynced.clear()
  }

  #withoutBlobs(value: unknown, random: Random): unknown {
    if (value instanceof Blob) return this.#unsynced.has(value) ? spoilt(value, random) : value
    const lost = blobsIn(value).filter((blob) => this.#unsynced.has(blob))
    if (lost.length === 0) return value
    const fields = Object.entries({ ...(value as object) })
    return Object.fromEntries(
      fields.map(([key, field]) => [key, field instanceof Blob ? spoilt(field, random) : field]),
    )
  }

  #snapshot(): { store: string | null; entries: ReadonlyMap<string, unknown> } {
    return { store: this.store, entries: new Map(this.entries) }
  }
}

function blobsIn(value: unknown): Blob[] {
  if (value instanceof Blob) return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).filter((field) => field instanceof Blob)
}

/** What may have become of a Blob's file that was never synced: nothing happened, it is gone, empty sectors, cut short. */
function spoilt(blob: Blob, random: Random): Blob {
  const { type, size } = blob
  switch (Math.floor(random.next() * 4)) {
    case 0:
      return blob
    case 1:
      return new LostBlob([blob], { type })
    case 2:
      return new Blob([new Uint8Array(size)], { type })
    default:
      return blob.slice(0, Math.floor(random.next() * size), type)
  }
}

/** The database knows how large it was, and its file is gone. */
class LostBlob extends Blob {
  override arrayBuffer(): Promise<never> {
    return Promise.reject(new DOMException('The file is gone.', 'NotReadableError'))
  }

  override text(): Promise<never> {
    return this.arrayBuffer()
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      type: 'bytes',
      pull: (controller) => controller.error(new DOMException('The file is gone.', 'NotReadableError')),
    })
  }
}

/** What is put in and what is given out are never the same objects. Blobs do not change. */
function copyOf(value: unknown): unknown {
  if (value instanceof Blob || typeof value !== 'object' || value === null) return value
  if (blobsIn(value).length === 0) return structuredClone(value)
  return { ...value }
}

class Transaction {
  oncomplete: (() => void) | null = null
  onabort: (() => void) | null = null
  onerror: (() => void) | null = null
  readonly error = null
  readonly #database: Database
  readonly #session: Session
  readonly #isStrict: boolean
  readonly #requests: (() => void)[] = []
  readonly #writes = new Map<string, unknown>()
  #isAborted = false

  constructor(database: Database, session: Session, isStrict: boolean) {
    this.#database = database
    this.#session = session
    this.#isStrict = isStrict
  }

  objectStore(): ObjectStore {
    return new ObjectStore(this)
  }

  abort(): void {
    this.#isAborted = true
  }

  request<T>(work: () => T): Request<T> {
    const request = new Request<T>()
    this.#requests.push(() => request.succeed(work()))
    return request
  }

  read(key: string): unknown {
    return this.#writes.has(key) ? this.#writes.get(key) : this.#database.entries.get(key)
  }

  write(key: string, value: unknown): void {
    this.#writes.set(key, value)
  }

  all(): Map<string, unknown> {
    const all = new Map(this.#database.entries)
    for (const [key, value] of this.#writes) {
      if (value === undefined) all.delete(key)
      else all.set(key, value)
    }
    return new Map([...all].sort(([a], [b]) => (a < b ? -1 : Number(a > b))))
  }

  /** Does what is asked of it until nothing more is, and commits. */
  async run(): Promise<void> {
    for (let next = this.#requests.shift(); next !== undefined; next = this.#requests.shift()) {
      await this.#session.step(next)
      if (this.#isAborted) return this.onabort?.()
    }
    if (this.#writes.size > 0)
      await this.#session.step(() => this.#database.commit(this.#writes, this.#isStrict))
    this.oncomplete?.()
  }
}

class Request<T> {
  onsuccess: (() => void) | null = null
  onerror: (() => void) | null = null
  onupgradeneeded: (() => void) | null = null
  readonly error = null
  result: T | undefined

  succeed(result: T): void {
    this.result = result
    this.onsuccess?.()
  }
}

class ObjectStore {
  readonly transaction: Transaction

  constructor(transaction: Transaction) {
    this.transaction = transaction
  }

  get(key: string): Request<unknown> {
    return this.transaction.request(() => copyOf(this.transaction.read(key)))
  }

  put(value: unknown, key: string): Request<void> {
    const copy = copyOf(value)
    return this.transaction.request(() => this.transaction.write(key, copy))
  }

  delete(key: string): Request<void> {
    return this.transaction.request(() => this.transaction.write(key, undefined))
  }

  getAll(): Request<unknown[]> {
    return this.transaction.request(() => [...this.transaction.all().values()].map(copyOf))
  }

  getAllKeys(): Request<string[]> {
    return this.transaction.request(() => [...this.transaction.all().keys()])
  }
}

/** One connection; transactions of a database come one after the other, whoever asks for them. */
class Connection {
  onclose: (() => void) | null = null
  readonly #database: Database
  readonly #session: Session
  readonly #queue: { last: Promise<void> }

  constructor(database: Database, session: Session, queue: { last: Promise<void> }) {
    this.#database = database
    this.#session = session
    this.#queue = queue
  }

  createObjectStore(name: string): void {
    this.#database.create(name)
  }

  transaction(store: string, _mode: string, options: { durability?: string } = {}): Transaction {
    if (this.#database.store !== store) throw new DOMException(`There is no ${store}.`, 'NotFoundError')
    const transaction = new Transaction(this.#database, this.#session, options.durability === 'strict')
    this.#queue.last = this.#queue.last.then(() => transaction.run())
    return transaction
  }
}

/** All databases of one site. */
export class Databases implements Medium {
  readonly #databases = new Map<string, Database>()

  /** Opens tables for one session, through what ships. */
  tables(session: Session): OpenTable {
    const factory = this.#factory(session)
    return (database, options) => indexedDbTable(database, options, factory)
  }

  #factory(session: Session): IDBFactory {
    const queues = new Map<string, { last: Promise<void> }>()
    const open = (name: string): Request<Connection> => {
      const database = this.#database(name)
      const queue = queues.get(name) ?? { last: Promise.resolve() }
      queues.set(name, queue)
      const request = new Request<Connection>()
      void session.step(() => {
        request.result = new Connection(database, session, queue)
        if (database.store === null) request.onupgradeneeded?.()
        request.succeed(request.result)
      })
      return request
    }
    // Nothing else of it is called.
    return { open } as unknown as IDBFactory
  }

  lose(cut: Cut, random: Random): void {
    for (const database of this.#databases.values()) database.lose(cut, random)
  }

  /** What lies in a database, read past everything. */
  entries(name: string): ReadonlyMap<string, unknown> {
    return this.#database(name).entries
  }

  #database(name: string): Database {
    const database = this.#databases.get(name) ?? new Database()
    this.#databases.set(name, database)
    return database
  }
}
