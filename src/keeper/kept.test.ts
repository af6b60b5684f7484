import { afterEach, describe, expect, it } from 'vitest'
import {
  NEVER_STOPPED,
  openBrowser,
  requestOf,
  serveFiles,
  smallPack,
  type Tab,
} from '../../testing/keeper/tabs.ts'
import type { FaultServer } from '../../testing/servers/fault-server.ts'
import { AppError } from '../pack/failure.ts'
import { parseManifest } from '../pack/manifest.ts'
import type { KeptModel } from '../protocol/keeper-calls.ts'
import { partKey } from '../store/records.ts'
import { tableInMemory } from '../store/table.ts'

const HUB = 'http://127.0.0.1:1/'
const closing: FaultServer[] = []
afterEach(async () => {
  for (const server of closing.splice(0)) await server.close()
})

async function serve(): Promise<{ server: FaultServer; files: Map<string, Uint8Array<ArrayBuffer>> }> {
  const files = await smallPack()
  const server = await serveFiles(files)
  closing.push(server)
  return { server, files }
}

const list = async (tab: Tab): Promise<KeptModel[]> =>
  (await tab.keeper.list(null, () => undefined, NEVER_STOPPED)).models
const remove = (tab: Tab, id: string): Promise<number> =>
  tab.keeper.remove({ id }, () => undefined, NEVER_STOPPED)

describe('what is kept', () => {
  it('is listed with its size and where it came from, and deleting it frees that much', async () => {
    const { server } = await serve()
    const browser = openBrowser()
    const tab = browser.tab()
    const id = await tab.add(requestOf(server.origin))
    const [model] = await list(tab)
    expect(model).toMatchObject({
      id,
      name: 'small',
      precision: 'q8',
      complete: true,
      address: `${server.origin}/`,
    })
    expect(await remove(tab, id)).toBe(model?.bytes)
    expect(await list(tab)).toEqual([])
    expect(browser.tables.chunks.size).toBe(0)
  })

  it('counts of a pack that is not whole what has arrived, the beginning of a chunk included', async () => {
    const { server } = await serve()
    const browser = openBrowser()
    const tab = browser.tab()
    const id = await tab.add(requestOf(server.origin))
    const [whole] = await list(tab)
    const record = browser.tables.records.get(id)
    if (record?.kind !== 'pack') throw new Error('There should be a pack.')
    const [[hash = '', blob] = []] = browser.tables.chunks
    browser.tables.chunks.delete(hash)
    browser.tables.parts.set(partKey(hash, 0, 5), new Blob(['12345']))
    browser.tables.records.set(id, { ...record, complete: false })
    const [model] = await list(tab)
    expect(model?.bytes).toBe((whole?.bytes ?? 0) - (blob?.size ?? 0) + 5)
  })

  it('takes what it says together: what two packs have in common counts once', async () => {
    const { server } = await serve()
    const browser = openBrowser()
    const tab = browser.tab()
    const id = await tab.add(requestOf(server.origin))
    const record = browser.tables.records.get(id)
    if (record?.kind !== 'pack') throw new Error('There should be a pack.')
    browser.tables.records.set('other', { ...record, id: 'other' })
    const { models, modelBytes } = await tab.keeper.list(null, () => undefined, NEVER_STOPPED)
    expect(models.map(({ bytes }) => bytes)).toEqual([modelBytes, modelBytes])
    // What neither of two has is not shared either.
    const [[hash = '', blob] = []] = browser.tables.chunks
    browser.tables.chunks.delete(hash)
    for (const key of [id, 'other']) browser.tables.records.set(key, { ...record, id: key, complete: false })
    const partly = await tab.keeper.list(null, () => undefined, NEVER_STOPPED)
    expect(partly.modelBytes).toBe(modelBytes - (blob?.size ?? 0))
    // Of what both have begun the beginning lies there once, too.
    browser.tables.parts.set(partKey(hash, 0, 3), new Blob(['123']))
    browser.tables.parts.set(partKey(hash, 3, 5), new Blob(['45']))
    const begun = await tab.keeper.list(null, () => undefined, NEVER_STOPPED)
    expect(begun.modelBytes).toBe(partly.modelBytes + 5)
  })

  it('can be seen and deleted when its manifest is refused by now, and does not hide the rest', async () => {
    const { server } = await serve()
    const browser = openBrowser()
    const tab = browser.tab()
    const id = await tab.add(requestOf(server.origin))
    const record = browser.tables.records.get(id)
    if (record?.kind !== 'pack') throw new Error('There should be a pack.')
    browser.tables.records.set('old', {
      ...record,
      id: 'old',
      manifest: '{"format":"pictalk-pack","version":0}',
    })
    expect((await list(tab)).map(({ name, complete }) => ({ name, complete }))).toEqual([
      { name: 'small', complete: true },
      { name: 'A model that cannot be read', complete: false },
    ])
    await remove(tab, 'old')
    expect(await list(tab)).toHaveLength(1)
    expect(browser.tables.chunks.size).toBeGreaterThan(0)
  })

  it('is not held up by a sweep that fails', async () => {
    const browser = openBrowser()
    const chunks = tableInMemory<Blob>()
    const { store } = browser.tab().parts
    Object.assign(store, {
      chunks: { ...chunks, keys: () => Promise.reject(new AppError('bug', 'Broken.')) },
    })
    const unheard: unknown[] = []
    const hear = (reason: unknown): void => void unheard.push(reason)
    process.on('unhandledRejection', hear)
    const stop = new AbortController()
    const watching = browser.tab({ store }).keeper.watch(null, () => undefined, stop.signal)
    await new Promise((resolve) => setTimeout(resolve, 20))
    stop.abort()
    expect(await watching).toBeNull()
    process.off('unhandledRejection', hear)
    expect(unheard).toEqual([])
  })
})

describe('a newer version', () => {
  const newer = (tab: Tab): Promise<string[]> =>
    tab.keeper.newer({ hub: HUB }, () => undefined, NEVER_STOPPED)

  it('is noticed where the pack came from, and takes the place of the old one', async () => {
    const { server, files } = await serve()
    const browser = openBrowser()
    const tab = browser.tab()
    const id = await tab.add(requestOf(server.origin))
    expect(await newer(tab)).toEqual([])
    const manifest = parseManifest(new TextDecoder().decode(files.get('pack.json')))
    const text = JSON.stringify({ ...manifest, name: 'newer' })
    files.set('pack.json', new TextEncoder().encode(text))
    expect(await newer(tab)).toEqual([id])
    server.served.length = 0
    await tab.add(requestOf(server.origin))
    expect((await list(tab)).map(({ name }) => name)).toEqual(['newer'])
    expect(server.sent(/weights|onnx/)).toBe(0)
  })

  it('is no affair of packs that were converted here, nor of servers that do not answer', async () => {
    const { server } = await serve()
    const browser = openBrowser()
    const tab = browser.tab()
    await tab.add(requestOf(server.origin))
    server.fault = () => ({ kind: 'answer', status: 403 })
    expect(await newer(tab)).toEqual([])
    const [record] = browser.tables.records.values()
    if (record !== undefined)
      browser.tables.records.set(record.id, { ...record, origin: { ...record.origin, converted: 'q8' } })
    server.served.length = 0
    server.fault = () => undefined
    await newer(tab)
    expect(server.served).toEqual([])
  })
})
