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
  keys(): Promise<string[]>
  values(): Promise<T[]>
}

/** By key; undefined for an entry that goes. */
export type Changes<T> = ReadonlyMap<string, T | undefined>

export function tableInMemory<T>(entries = new Map<string, T>()): Table<T> {
  return {
    get: (key) => Promise.resolve(entries.get(key)),
    set: (key, value) => {
      entries.set(key, value)
      return Promise.resolve()
    },
    setAll: (added) => {
      for (const [key, value] of added) entries.set(key, value)
      return Promise.resolve()
    },
    // Within one turn of the event loop, so that nobody comes between; a change that throws rejects.
    update: (key, change) =>
      new Promise((resolve) => {
        const next = change(entries.get(key))
        if (next !== undefined) entries.set(key, next)
        resolve(next)
      }),
    updateAll: (change) =>
      new Promise((resolve) => {
        for (const [key, value] of change(new Map(entries))) {
          if (value === undefined) entries.delete(key)
          else entries.set(key, value)
        }
        resolve()
      }),
    remove: (keys) => {
      for (const key of keys) entries.delete(key)
      return Promise.resolve()
    },
    keys: () => Promise.resolve([...entries.keys()]),
    values: () => Promise.resolve([...entries.values()]),
  }
}
