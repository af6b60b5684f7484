/** Keyed values that outlive the page. IndexedDB in a browser, a `Map` in tests and where a browser keeps nothing. */
export interface Table<T> {
  get(key: string): Promise<T | undefined>
  /** Atomic: afterwards the value is there whole, or the old one still is. Rejects `no-space` when it does not fit. */
  set(key: string, value: T): Promise<void>
  /** The same for several at once: all of them are there, or none is. */
  setAll(entries: readonly (readonly [key: string, value: T])[]): Promise<void>
  /**
   * Reads and writes as one step that nobody comes between, in no other tab either. `change` gets what is there and
   * gives what shall be there, or undefined to leave everything as it is. Resolves to what `change` gave.
   */
  update(key: string, change: (present: T | undefined) => T | undefined): Promise<T | undefined>
  /**
   * The same for all entries together: `change` gets everything that is there and gives what shall be otherwise, undefined
   * for what shall go. All of that happens, or nothing does.
   */
  updateAll(change: (present: ReadonlyMap<string, T>) => Changes<T>): Promise<void>
  remove(keys: readonly string[]): Promise<void>
  /** In the order of their code units. */
  keys(): Promise<string[]>
  /** In the order of their keys. */
  values(): Promise<T[]>
}

/** By key; undefined for an entry that goes. */
export type Changes<T> = ReadonlyMap<string, T | undefined>

/** As a database does, it keeps copies and gives out copies, and lists them by key: nobody can tell the two apart. */
export function tableInMemory<T>(entries = new Map<string, T>()): Table<T> {
  const sorted = (): [string, T][] => [...entries].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    get: (key) => soon(() => copyOf(entries.get(key))),
    set: (key, value) => soon(() => void entries.set(key, copyOf(value))),
    setAll: (added) =>
      soon(() => {
        // Before any of them is there: what cannot be copied cannot be kept.
        const copies = added.map(([key, value]) => [key, copyOf(value)] as const)
        for (const [key, value] of copies) entries.set(key, value)
      }),
    // Within one turn of the event loop, so that nobody comes between; a change that throws rejects.
    update: (key, change) =>
      soon(() => {
        const next = change(copyOf(entries.get(key)))
        if (next !== undefined) entries.set(key, copyOf(next))
        return next
      }),
    updateAll: (change) =>
      soon(() => {
        const present = new Map(sorted().map(([key, value]) => [key, copyOf(value)]))
        const changes = [...change(present)].map(([key, value]) => [key, copyOf(value)] as const)
        for (const [key, value] of changes) {
          if (value === undefined) entries.delete(key)
          else entries.set(key, value)
        }
      }),
    remove: (keys) =>
      soon(() => {
        for (const key of keys) entries.delete(key)
      }),
    keys: () => soon(() => sorted().map(([key]) => key)),
    values: () => soon(() => sorted().map(([, value]) => copyOf(value))),
  }
}

/** A Blob never changes, so it is its own copy. Throws `DataCloneError` where there can be none, as a database does. */
function copyOf<T>(value: T): T {
  return value instanceof Blob ? value : structuredClone(value)
}

/** Does it at once; what it throws comes as a rejection. */
function soon<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()))
}
