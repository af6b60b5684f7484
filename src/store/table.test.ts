import { afterEach, describe, expect, it, vi } from 'vitest'
import { browserChannel } from './channel.ts'
import { storageProblem } from './indexed-db.ts'

function blocked(): never {
  throw new DOMException('The operation is insecure.', 'SecurityError')
}

/** As little of a database as one value put and got needs. */
function databaseRefusing(refusal: (value: unknown) => string | null, kept: Map<unknown, unknown>): unknown {
  const succeed = (result: unknown): { result: unknown; onsuccess?: () => void } => {
    const request: { result: unknown; onsuccess?: () => void } = { result }
    queueMicrotask(() => request.onsuccess?.())
    return request
  }
  const transaction: { oncomplete?: () => void } = {}
  const entries = {
    put: (value: unknown, key: unknown) => {
      const name = refusal(value)
      if (name !== null) throw new DOMException('Not here.', name)
      kept.set(key, value)
    },
    delete: (key: unknown) => kept.delete(key),
    get: (key: unknown) => succeed(kept.get(key)),
    get transaction() {
      queueMicrotask(() => transaction.oncomplete?.())
      return transaction
    },
  }
  return { open: () => succeed({ transaction: () => ({ objectStore: () => entries }) }) }
}

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

// What every table and channel promises is in the contract of the store (`testing/store`).
describe('a table of a browser that keeps nothing', () => {
  it.each<[string, () => void, string]>([
    ['has no databases', () => vi.stubGlobal('indexedDB', undefined), 'absent'],
    ['has null in their place', () => vi.stubGlobal('indexedDB', null), 'absent'],
    ['refuses to open one', () => vi.stubGlobal('indexedDB', { open: blocked }), 'blocked'],
  ])('%s', async (_, stub, why) => {
    stub()
    // Found out once in each thread, so each case needs a fresh one.
    const fresh = await import('./indexed-db.ts')
    expect(await fresh.storageProblem()).toBe(why)
    const table = fresh.browserTable<string>('any')
    await table.set('a', 'kept for now')
    await table.update('b', () => 'too')
    expect(await table.values()).toEqual(['kept for now', 'too'])
    await table.remove(['a'])
    expect(await table.keys()).toEqual(['b'])
    expect(await table.get('a')).toBeUndefined()
  })

  it('throws at its very name', async () => {
    vi.stubGlobal('indexedDB', undefined)
    Object.defineProperty(globalThis, 'indexedDB', { get: blocked, configurable: true })
    const fresh = await import('./indexed-db.ts')
    expect(await fresh.storageProblem()).toBe('blocked')
    Object.defineProperty(globalThis, 'indexedDB', { value: undefined, configurable: true, writable: true })
  })

  it('may refuse Blobs alone, and then works: their bytes are kept', async () => {
    const kept = new Map<unknown, unknown>()
    const noBlobs = (value: unknown): string | null => (value instanceof Blob ? 'DataCloneError' : null)
    vi.stubGlobal('indexedDB', databaseRefusing(noBlobs, kept))
    const fresh = await import('./indexed-db.ts')
    expect(await fresh.storageProblem()).toBeNull()
    const table = fresh.browserTable<Blob>('any')
    await table.set('a', new Blob(['kept'], { type: 'text/plain' }))
    expect(kept.get('a')).toEqual({ bytesOfBlob: expect.any(ArrayBuffer) as ArrayBuffer, type: 'text/plain' })
    const again = await table.get('a')
    expect([await again?.text(), again?.type]).toEqual(['kept', 'text/plain'])
  })

  it.each<[string, (value: unknown) => boolean]>([
    ['anything', () => true],
    ['a Blob', (value) => value instanceof Blob],
  ])(
    'is none while there is no room for %s: what people kept is there, and nothing else is kept in its place',
    async (_, isRefused) => {
      const kept = new Map<unknown, unknown>([['a', 'kept before']])
      let isFull = true
      const refusal = (value: unknown): string | null =>
        isFull && isRefused(value) ? 'QuotaExceededError' : null
      vi.stubGlobal('indexedDB', databaseRefusing(refusal, kept))
      const fresh = await import('./indexed-db.ts')
      expect(await fresh.storageProblem()).toBeNull()
      const table = fresh.browserTable<string | Blob>('any')
      expect(await table.get('a')).toBe('kept before')
      const picture = new Blob(['picture'])
      await expect(table.set('b', picture)).rejects.toMatchObject({ code: 'no-space' })
      isFull = false
      await table.set('b', picture)
      expect(kept.get('b')).toBe(picture)
    },
  )

  it('is none while nothing can be opened for want of room: that is said, and what is kept is there once it can', async () => {
    const database = databaseRefusing(() => null, new Map([['a', 'kept before']])) as { open: () => unknown }
    const { open } = database
    const cause = new DOMException('Internal error opening backing store for indexedDB.open.', 'UnknownError')
    const failing = (): unknown => {
      const request: { error: unknown; onerror?: () => void } = { error: cause }
      queueMicrotask(() => request.onerror?.())
      return request
    }
    database.open = failing
    vi.stubGlobal('indexedDB', database)
    const fresh = await import('./indexed-db.ts')
    expect(await fresh.storageProblem()).toBeNull()
    const table = fresh.browserTable<string>('any')
    const refused = {
      code: 'no-space',
      message: expect.stringContaining('cannot open its storage') as string,
    }
    await expect(table.get('a')).rejects.toMatchObject(refused)
    await expect(table.set('b', 'new')).rejects.toMatchObject(refused)
    database.open = open
    expect(await table.get('a')).toBe('kept before')
  })

  it('gives back Blobs of which it kept bytes when it refused them', async () => {
    const bytesOfBlob = new TextEncoder().encode('picture').buffer
    const record = { id: 'a', image: { bytesOfBlob, type: 'image/png' } }
    const kept = new Map<unknown, unknown>([['a', record]])
    vi.stubGlobal(
      'indexedDB',
      databaseRefusing(() => null, kept),
    )
    const fresh = await import('./indexed-db.ts')
    const table = fresh.browserTable<{ id: string; image: Blob }>('any')
    const { image } = (await table.get('a')) ?? {}
    expect([await image?.text(), image?.type]).toEqual(['picture', 'image/png'])
  })

  it('is asked once', () => {
    expect(storageProblem()).toBe(storageProblem())
  })
})

describe('a channel', () => {
  it('is silent where the browser gives none', () => {
    vi.stubGlobal('BroadcastChannel', blocked)
    const channel = browserChannel<string>('any')
    const deafen = channel.listen(() => undefined)
    channel.post('to nobody')
    deafen()
  })
})
