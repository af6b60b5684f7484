import { afterEach, describe, expect, it, vi } from 'vitest'
import { browserChannel } from './channel.ts'
import { storageProblem } from './indexed-db.ts'

function blocked(): never {
  throw new DOMException('The operation is insecure.', 'SecurityError')
}

/** As little of a database as one value put and got needs. */
function databaseRefusingBlobs(kept: Map<unknown, unknown>): unknown {
  const succeed = (result: unknown): { result: unknown; onsuccess?: () => void } => {
    const request: { result: unknown; onsuccess?: () => void } = { result }
    queueMicrotask(() => request.onsuccess?.())
    return request
  }
  const transaction: { oncomplete?: () => void } = {}
  const entries = {
    put: (value: unknown, key: unknown) => {
      if (value instanceof Blob) throw new DOMException('No Blobs here.', 'DataCloneError')
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
    vi.stubGlobal('indexedDB', databaseRefusingBlobs(kept))
    const fresh = await import('./indexed-db.ts')
    expect(await fresh.storageProblem()).toBeNull()
    const table = fresh.browserTable<Blob>('any')
    await table.set('a', new Blob(['kept'], { type: 'text/plain' }))
    expect(kept.get('a')).toEqual({ bytesOfBlob: expect.any(ArrayBuffer) as ArrayBuffer, type: 'text/plain' })
    const again = await table.get('a')
    expect([await again?.text(), again?.type]).toEqual(['kept', 'text/plain'])
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
