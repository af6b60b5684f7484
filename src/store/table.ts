/** Keyed values that outlive the page. IndexedDB in a browser, a `Map` in tests. */
export interface Table<T> {
  get(key: string): Promise<T | undefined>
  /** Atomic: afterwards the value is there whole, or the old one still is. Rejects `no-space` when it does not fit. */
  set(key: string, value: T): Promise<void>
  remove(keys: readonly string[]): Promise<void>
  keys(): Promise<string[]>
  values(): Promise<T[]>
}

export function tableInMemory<T>(entries = new Map<string, T>()): Table<T> {
  return {
    get: (key) => Promise.resolve(entries.get(key)),
    set: (key, value) => {
      entries.set(key, value)
      return Promise.resolve()
    },
    remove: (keys) => {
      for (const key of keys) entries.delete(key)
      return Promise.resolve()
    },
    keys: () => Promise.resolve([...entries.keys()]),
    values: () => Promise.resolve([...entries.values()]),
  }
}
