import { describe, expect, it } from 'vitest'
import { startHubServer } from '../../testing/servers/hub-server.ts'
import { folderTree } from '../cli/files.ts'
import { convertCheckpoint } from '../convert/convert.ts'
import { sha256Hex, sinkInMemory, type FileTree } from '../pack/bytes.ts'
import { manifestAround } from '../../testing/manifests/manifests.ts'
import { parseManifest } from '../pack/manifest.ts'
import { plainNetwork } from '../remote/network.ts'
import { openHub } from '../remote/hub.ts'
import { locksInMemory } from './locks.ts'
import { Pace } from './pace.ts'
import { PackStore } from './pack-store.ts'
import type { Origin, StoreRecord } from './records.ts'
import { tableInMemory } from './table.ts'

const CHECKPOINT = 'models/reference/untied'
const ORIGIN: Origin = { address: 'hub:a/b@c', base: 'http://x/', asked: 'hub:a/b@main', converted: 'q8' }

interface Tables {
  chunks: Map<string, Blob>
  records: Map<string, StoreRecord>
}

function storeOn({ chunks, records }: Tables): PackStore {
  return new PackStore({
    chunks: tableInMemory(chunks),
    records: tableInMemory(records),
    parts: tableInMemory(),
    locks: locksInMemory(),
  })
}

const emptyTables = (): Tables => ({ chunks: new Map(), records: new Map() })

async function convertInto(
  tables: Tables,
  tree: FileTree = folderTree(CHECKPOINT),
  signal?: AbortSignal,
): Promise<void> {
  const sink = await storeOn(tables).sink('conversion', ORIGIN, 'untied')
  await convertCheckpoint(tree, sink, { name: 'untied', precision: 'q8', ...(signal && { signal }) })
}

/** The tree, with the bytes that are read of its weights added up. */
function counting(tree: FileTree): { tree: FileTree; read: () => number } {
  let bytes = 0
  return {
    read: () => bytes,
    tree: {
      open: async (path) => {
        const source = await tree.open(path)
        return (
          source && {
            ...source,
            slice: (start, end, signal) => {
              bytes += end - start
              return source.slice(start, end, signal)
            },
          }
        )
      },
    },
  }
}

const packOf = (tables: Tables): Extract<StoreRecord, { kind: 'pack' }> => {
  const [record] = tables.records.values()
  if (tables.records.size !== 1 || record?.kind !== 'pack') throw new Error('There should be one pack.')
  return record
}

describe('a conversion into the store', () => {
  it('gives the bytes that a folder gets, and leaves nothing else behind', async () => {
    const tables = emptyTables()
    await convertInto(tables)
    const files = new Map<string, Uint8Array<ArrayBuffer>>()
    await convertCheckpoint(folderTree(CHECKPOINT), sinkInMemory(files), { name: 'untied', precision: 'q8' })
    const record = packOf(tables)
    expect(record.complete).toBe(true)
    expect(record.manifest).toBe(new TextDecoder().decode(files.get('pack.json')))
    const reader = await storeOn(tables).open(record.id)
    for (const { path } of reader.manifest.files) {
      const blob = (await reader.file(path)) as Blob
      expect(Buffer.compare(Buffer.from(await blob.arrayBuffer()), files.get(path) ?? new Uint8Array())).toBe(
        0,
      )
    }
    files.delete('pack.json')
    const hashes = await Promise.all([...files.values()].map((bytes) => sha256Hex(bytes)))
    expect([...tables.chunks.keys()].sort()).toEqual([...new Set(hashes)].sort())
  })

  it('goes on after it was stopped, and reads less then', async () => {
    const hub = await startHubServer({ 'a/b': CHECKPOINT })
    const address = { repository: 'a/b', revision: 'main' }
    const open = async (): Promise<FileTree> =>
      (await openHub(new URL(hub.url), address, { network: plainNetwork() })).tree
    const tables = emptyTables()
    const stop = new AbortController()
    hub.files.fault = () => {
      if (
        tables.records.size > 0 &&
        [...tables.records.values()].some((r) => r.kind === 'conversion' && 'vision.weights' in r.files)
      )
        stop.abort()
      return undefined
    }
    await expect(convertInto(tables, await open(), stop.signal)).rejects.toMatchObject({ code: 'cancelled' })
    const first = hub.files.sent(/safetensors/)
    hub.files.fault = () => undefined
    await convertInto(tables, await open())
    const whole = emptyTables()
    const before = hub.files.sent(/safetensors/)
    await convertInto(whole, await open())
    const all = hub.files.sent(/safetensors/) - before
    expect(before - first).toBeLessThan(all)
    expect(packOf(tables).manifest).toBe(packOf(whole).manifest)
    await hub.close()
  })

  it('mends a pack that lost a chunk by making that chunk again', async () => {
    const tables = emptyTables()
    await convertInto(tables)
    const { id, manifest, addedAt } = packOf(tables)
    // It keeps its place in the list.
    const former = addedAt - 1000
    tables.records.set(id, { ...packOf(tables), addedAt: former })
    const lost =
      parseManifest(manifest).files.find(({ path }) => path === 'q-former.weights')?.chunks[0]?.sha256 ?? ''
    tables.chunks.set(lost, new Blob(['bad']))
    const reader = await storeOn(tables).open(id)
    await expect(reader.file('q-former.weights')).rejects.toMatchObject({ code: 'corrupt' })
    const whole = counting(folderTree(CHECKPOINT))
    await convertInto(emptyTables(), whole.tree)
    const { tree, read } = counting(folderTree(CHECKPOINT))
    await convertInto(tables, tree)
    expect(read()).toBeLessThan(whole.read())
    expect(packOf(tables)).toMatchObject({ id, complete: true, addedAt: former })
    await (await storeOn(tables).open(id)).file('q-former.weights')
  })
})

describe('a sweep by another tab', () => {
  /** Two tabs of one browser, of which the first has just written a chunk when `meanwhile` is called. */
  async function writeWith(meanwhile: (other: PackStore) => Promise<unknown>): Promise<Map<string, Blob>> {
    const chunks = new Map<string, Blob>()
    const locks = locksInMemory()
    const records = tableInMemory<StoreRecord>()
    const table = tableInMemory(chunks)
    const other = new PackStore({ chunks: table, records, parts: tableInMemory(), locks })
    const slow = {
      ...table,
      set: async (key: string, value: Blob) => {
        await table.set(key, value)
        await meanwhile(other)
      },
    }
    const store = new PackStore({ chunks: slow, records, parts: tableInMemory(), locks })
    const sink = await store.sink('conversion', ORIGIN, 'untied')
    await sink.write('a.weights', new Uint8Array(3))
    return chunks
  }

  it('that comes between a chunk and the record that names it waits for the record', async () => {
    let swept: Promise<number> | undefined
    const chunks = await writeWith(async (other) => {
      swept = other.sweep()
      // All the time that it could want.
      await new Promise((resolve) => setTimeout(resolve, 20))
    })
    expect(await swept).toBe(0)
    expect(chunks.size).toBe(1)
  })
})

describe('deleting', () => {
  it('frees what no other pack names, and nothing that one does', async () => {
    const tables = emptyTables()
    await convertInto(tables)
    const store = storeOn(tables)
    const first = packOf(tables)
    const other = { ...first, id: 'other', origin: { ...ORIGIN, asked: null } }
    const shared = manifestAround(parseManifest(first.manifest).files.slice(0, 2))
    tables.records.set('other', { ...other, manifest: JSON.stringify(shared), extras: {} })
    const before = [...tables.chunks.values()].reduce((sum, { size }) => sum + size, 0)
    const freed = await store.remove(first.id)
    const after = [...tables.chunks.values()].reduce((sum, { size }) => sum + size, 0)
    expect(freed).toBe(before - after)
    expect(after).toBe(shared.files.reduce((sum, { bytes }) => sum + bytes, 0))
    await store.remove('other')
    expect(tables.chunks.size).toBe(0)
  })

  it('sweeps what a crash left between a chunk and its record', async () => {
    const tables = emptyTables()
    await convertInto(tables)
    const count = tables.chunks.size
    tables.chunks.set('f'.repeat(64), new Blob(['left']))
    expect(await storeOn(tables).sweep()).toBe(4)
    expect(tables.chunks.size).toBe(count)
  })
})

describe('what another tab has deleted', () => {
  const deleted = { code: 'not-found', message: expect.stringContaining('deleted meanwhile') as string }

  async function deletedWhile(
    work: (store: PackStore, other: PackStore, tables: Tables) => Promise<unknown>,
  ): Promise<void> {
    const tables = emptyTables()
    await convertInto(tables)
    await expect(work(storeOn(tables), storeOn(tables), tables)).rejects.toMatchObject(deleted)
    expect(tables.records.size).toBe(0)
    await storeOn(tables).sweep()
    expect(tables.chunks.size).toBe(0)
  }

  it('is not read as damaged, is not fetched again, and does not come back', async () => {
    const refetched: string[] = []
    await deletedWhile(async (store, other, tables) => {
      const { id } = packOf(tables)
      const refetch = (_: unknown, { path }: { path: string }): Promise<void> =>
        Promise.resolve(void refetched.push(path))
      const reader = await store.open(id, { refetch })
      await reader.file('vision.weights')
      await other.remove(id)
      await reader.file('decoder.weights')
    })
    expect(refetched).toEqual([])
  })

  it('does not come back when it is deleted while a damaged chunk is fetched again', async () => {
    await deletedWhile(async (store, other, tables) => {
      const { id, manifest } = packOf(tables)
      const hash = parseManifest(manifest).files[0]?.chunks[0]?.sha256 ?? ''
      const good = tables.chunks.get(hash) ?? new Blob()
      tables.chunks.set(hash, new Blob(['bad']))
      const refetch = async (): Promise<void> => {
        await other.remove(id)
        await store.shelf(id).keep(hash, new Uint8Array(await good.arrayBuffer()))
      }
      const reader = await store.open(id, { refetch })
      for (const { path } of reader.manifest.files) await reader.file(path)
    })
  })

  it('does not come back when no server has the damaged chunk', async () => {
    await deletedWhile(async (store, other, tables) => {
      const { id, manifest } = packOf(tables)
      const hash = parseManifest(manifest).files[0]?.chunks[0]?.sha256 ?? ''
      tables.chunks.set(hash, new Blob(['bad']))
      const refetch = async (): Promise<void> => {
        await other.remove(id)
      }
      const reader = await store.open(id, { refetch })
      for (const { path } of reader.manifest.files) await reader.file(path)
    })
  })

  it('gets no more chunks', async () => {
    const tables = emptyTables()
    await convertInto(tables)
    const store = storeOn(tables)
    const { id } = packOf(tables)
    const shelf = store.shelf(id)
    await store.remove(id)
    await expect(shelf.keep('f'.repeat(64), Uint8Array.of(1))).rejects.toMatchObject(deleted)
    expect(tables.chunks.size).toBe(0)
  })

  it('is not declared whole', async () => {
    await deletedWhile(async (store, other, tables) => {
      const record = packOf(tables)
      await other.remove(record.id)
      await store.complete(record)
    })
  })

  it('is not written back by one that begins it at the moment when it became whole', async () => {
    const tables = emptyTables()
    await convertInto(tables)
    const { id, manifest } = packOf(tables)
    expect(await storeOn(tables).begin(manifest, ORIGIN)).toMatchObject({ id, complete: true })
    expect(packOf(tables).complete).toBe(true)
  })
})

describe('a kept pack', () => {
  it('gets a bad chunk again from where it came, and only that', async () => {
    const tables = emptyTables()
    await convertInto(tables)
    const { id, manifest } = packOf(tables)
    const hash = parseManifest(manifest).files[0]?.chunks[0]?.sha256 ?? ''
    const good = tables.chunks.get(hash) ?? new Blob()
    // The same length, other bytes.
    tables.chunks.set(hash, new Blob([good.slice(0, good.size - 1), 'x']))
    const fetched: string[] = []
    const reader = await storeOn(tables).open(id, {
      refetch: (_, chunk) => {
        fetched.push(chunk.sha256)
        tables.chunks.set(chunk.sha256, good)
        return Promise.resolve()
      },
    })
    for (const { path } of reader.manifest.files) await reader.file(path)
    expect(fetched).toEqual([hash])
  })

  it('that is not whole is not opened', async () => {
    const tables = emptyTables()
    await convertInto(tables)
    const record = packOf(tables)
    tables.records.set(record.id, { ...record, complete: false })
    await expect(storeOn(tables).open(record.id)).rejects.toMatchObject({ code: 'not-found' })
    await expect(storeOn(tables).open('none')).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('pace', () => {
  it('is that of the last seconds, and unknown at first', () => {
    let now = 0
    const pace = new Pace(() => now)
    pace.note(0)
    expect(pace.bytesPerSecond()).toBeNull()
    for (now = 1000; now <= 20_000; now += 1000) pace.note(now <= 10_000 ? 0 : (now - 10_000) * 2)
    expect(pace.bytesPerSecond()).toBeCloseTo(2000)
    expect(pace.secondsLeft(4000)).toBeCloseTo(2)
    pace.restart()
    expect(pace.secondsLeft(4000)).toBeNull()
  })
})
