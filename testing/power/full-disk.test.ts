/**
 * The browser's storage has no room for one write, each in turn, as a chunk does not fit where a record would: what was
 * begun says so, leaves nothing wrong, and goes on later.
 */
import { expect, it } from 'vitest'
import { keeper } from '../../src/keeper/keeper.ts'
import { AppError } from '../../src/pack/failure.ts'
import { sha256Hex } from '../../src/pack/bytes.ts'
import type { StoreNews } from '../../src/protocol/keeper-calls.ts'
import { plainNetwork } from '../../src/remote/network.ts'
import { openBrowserStore } from '../../src/store/browser-store.ts'
import { channelInMemory } from '../../src/store/channel.ts'
import { openConversationLibrary } from '../../src/store/conversation-library.ts'
import type { OpenTable } from '../../src/store/indexed-db.ts'
import { locksInMemory } from '../../src/store/locks.ts'
import { tableInMemory, type Table } from '../../src/store/table.ts'
import { CAPABLE, requestOf } from '../keeper/tabs.ts'
import { openPage } from '../state/fake-browser.ts'
import { BROUGHT, exported } from './conversations.ts'
import { filesOfComputer, smallCheckpoint } from './small-models.ts'

/** A browser that takes so many writes, and not the next one. */
class Storage {
  #left: number
  readonly #entries = new Map<string, Map<string, unknown>>()

  constructor(writes: number) {
    this.#left = writes
  }

  makeRoom(): void {
    this.#left = Infinity
  }

  entries(database: string): Map<string, unknown> {
    const entries = this.#entries.get(database) ?? new Map<string, unknown>()
    this.#entries.set(database, entries)
    return entries
  }

  readonly open: OpenTable = <T>(database: string): Table<T> => {
    const table = tableInMemory(this.entries(database) as Map<string, T>)
    const write = async <R>(work: () => Promise<R>): Promise<R> => {
      if ((this.#left -= 1) === -1) throw new AppError('no-space', 'There is no room left.')
      return work()
    }
    return {
      ...table,
      set: (key, value) => write(() => table.set(key, value)),
      setAll: (entries) => write(() => table.setAll(entries)),
      update: (key, change) => write(() => table.update(key, change)),
      updateAll: (change) => write(() => table.updateAll(change)),
    }
  }
}

/** Calls `attempt` with no room for the first, second, third … write until there are no more; gives how many there were. */
async function fillAtEachWrite(attempt: (storage: Storage) => Promise<boolean>): Promise<number> {
  for (let writes = 0; ; writes += 1) if (await attempt(new Storage(writes))) return writes
}

it('A conversion is refused, keeps no wrong byte and goes on when there is room', async () => {
  const request = { ...requestOf(''), source: filesOfComputer(await smallCheckpoint(1)) }
  const signal = new AbortController().signal
  const refused = await fillAtEachWrite(async (storage) => {
    const locks = locksInMemory()
    const store = openBrowserStore(storage.open, locks)
    const channel = channelInMemory<StoreNews>().join()
    const calls = keeper({ store, locks, channel, network: plainNetwork(), ...CAPABLE })
    const add = (): Promise<{ id: string }> => calls.add(request, () => undefined, signal)
    const failure = await add().then(
      () => null,
      (error: unknown) => error,
    )
    if (failure !== null) {
      expect(failure).toMatchObject({ code: 'no-space' })
      expect((await store.list()).some((one) => one.kind === 'pack' && one.complete)).toBe(false)
    }
    storage.makeRoom()
    const pack = await store.open((await add()).id)
    for (const { path } of pack.manifest.files) await pack.file(path)
    for (const [hash, blob] of storage.entries('pictalk-chunks'))
      expect(await sha256Hex(await (blob as Blob).arrayBuffer())).toBe(hash)
    await store.sweep()
    expect((await store.list()).map(({ kind }) => kind)).toEqual(['pack'])
    return failure === null
  })
  // A record and a chunk for each file, at the least.
  expect(refused).toBeGreaterThan(10)
})

it('An import adds all conversations or none, and says which', async () => {
  const file = await exported()
  const refused = await fillAtEachWrite(async (storage) => {
    const library = openConversationLibrary(storage.open)
    const { store } = openPage({ library })
    await store.getState().importFile(file)
    const { kept } = await library.conversations()
    const { libraryFailure, conversations } = store.getState()
    expect([0, BROUGHT]).toContain(kept.length)
    expect(conversations).toHaveLength(kept.length)
    expect(libraryFailure?.code ?? null).toBe(kept.length === 0 ? 'no-space' : null)
    if (kept.length === 0) expect(await library.pictureIds()).toEqual([])
    storage.makeRoom()
    await store.getState().importFile(file)
    expect((await library.conversations()).kept).toHaveLength(kept.length + BROUGHT)
    return libraryFailure === null
  })
  expect(refused).toBe(BROUGHT + 1)
})
