import { afterEach, describe, expect, it } from 'vitest'
import {
  CHECKPOINT,
  NEVER_STOPPED,
  openBrowser,
  requestOf,
  serveFiles,
  smallPack,
  type Tab,
} from '../../testing/keeper/tabs.ts'
import type { FaultServer } from '../../testing/servers/fault-server.ts'
import { startHubServer } from '../../testing/servers/hub-server.ts'
import { startSyntheticHub } from '../../testing/servers/synthetic-hub.ts'
import { parseManifest, type PackManifest } from '../pack/manifest.ts'
import { plainNetwork, waitedFor } from '../remote/network.ts'
import type { Offer } from '../protocol/keeper-calls.ts'
import { distinctChunks } from '../store/records.ts'
import { sumOfBytes } from './keeper-parts.ts'

/** Its decoder stores a copy of the shared embedding. */
const COPIED_TABLE = 'models/reference/t5-tied-sharded'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const server of closing.splice(0)) await server.close()
})

async function servePack(change: (manifest: PackManifest) => void = () => undefined): Promise<FaultServer> {
  const files = await smallPack()
  const manifest = parseManifest(new TextDecoder().decode(files.get('pack.json')))
  change(manifest)
  files.set('pack.json', new TextEncoder().encode(JSON.stringify(manifest)))
  const server = await serveFiles(files)
  closing.push(server)
  return server
}

const offerOf = (tab: Tab, text: string, change = {}): Promise<Offer> =>
  tab.keeper.offer(requestOf(text, change), () => undefined, NEVER_STOPPED)

describe('an offer', () => {
  it('of a pack says what would be fetched and kept, and fetches nothing but the manifest', async () => {
    const server = await servePack()
    const offer = await offerOf(openBrowser().tab(), server.origin)
    const text = new TextDecoder().decode((await smallPack()).get('pack.json'))
    const bytes = sumOfBytes(distinctChunks(parseManifest(text)))
    expect(offer).toMatchObject({
      what: 'pack',
      name: 'small',
      precision: 'q8',
      fetchBytes: bytes,
      keepBytes: bytes,
      resumes: false,
      bytesPerSecond: null,
      pinned: `${server.origin}/`,
    })
    expect(new Set(server.served.map(({ path }) => path))).toEqual(new Set(['pack.json']))
  })

  it('counts only what is not there yet', async () => {
    const server = await servePack()
    const browser = openBrowser()
    const tab = browser.tab()
    await tab.add(requestOf(server.origin))
    const { keepBytes } = await offerOf(tab, server.origin)
    const [hash = ''] = browser.tables.chunks.keys()
    const lost = browser.tables.chunks.get(hash)?.size
    browser.tables.chunks.delete(hash)
    expect(await offerOf(tab, server.origin)).toMatchObject({ fetchBytes: lost, keepBytes, resumes: true })
  })

  it('of a checkpoint is pinned, and reads headers only', async () => {
    const hub = await startHubServer({ 'a/b': CHECKPOINT })
    closing.push(hub)
    const offer = await offerOf(openBrowser().tab(), 'a/b', { hub: hub.url })
    expect(offer).toMatchObject({
      what: 'checkpoint',
      precision: 'q8',
      pinned: `hub:a/b@${hub.commit}`,
      place: { owner: 'a', revision: hub.commit, url: `${hub.url}a/b/tree/${hub.commit}` },
      languageLicence: null,
      resumes: false,
    })
    expect(offer.fetchBytes).toBeGreaterThan(500_000)
    // A file's first 64 KiB are fetched when it is opened.
    expect(hub.files.sent(/safetensors/)).toBeLessThanOrEqual(2 ** 17)
  })

  it("of a checkpoint whose card says 'mit' says what its language model is under", async () => {
    const hub = await startSyntheticHub('a/b', { vision: 1, qFormer: 1, text: 1 })
    closing.push(hub)
    const offer = await offerOf(openBrowser().tab(), 'a/b', { hub: hub.url })
    expect(offer).toMatchObject({ licence: 'mit', languageLicence: 'opt-175b' })
  })

  it('of a checkpoint needs room for what it is at most, where a few rows leave open what it is', async () => {
    const hub = await startHubServer({ 'a/b': COPIED_TABLE })
    closing.push(hub)
    const offered = async (freeBytes: number): Promise<Offer> => {
      const space = { usedBytes: 0, freeBytes, persisted: true }
      return offerOf(openBrowser().tab({ space: () => Promise.resolve(space) }), 'a/b', { hub: hub.url })
    }
    const { keepBytes, most } = await offered(0)
    expect(most.keepBytes).toBeGreaterThan(keepBytes)
    const roomFor = ({ findings }: Offer): boolean | undefined =>
      findings.find(({ key }) => key.startsWith('room'))?.ok
    expect(roomFor(await offered(most.keepBytes - 1))).toBe(false)
    expect(roomFor(await offered(most.keepBytes))).toBe(true)
  })

  it('is refused, before anything is fetched, where nothing can be kept', async () => {
    const server = await servePack()
    for (const problem of ['absent', 'blocked'] as const) {
      const tab = openBrowser().tab({ storageProblem: () => Promise.resolve(problem) })
      const refused = {
        code: 'no-space',
        message: expect.stringContaining('no model can be added') as string,
      }
      await expect(offerOf(tab, server.origin)).rejects.toMatchObject(refused)
      await expect(tab.add(requestOf(server.origin))).rejects.toMatchObject(refused)
    }
    expect(server.served).toEqual([])
  })

  it('without a connection says so at once, and waits for none', async () => {
    const offline = plainNetwork({
      fetch: () => Promise.reject(new TypeError('Failed to fetch')),
      online: () => false,
      whenOnline: () => new Promise(() => undefined),
    })
    const refused = offerOf(openBrowser().tab({ network: offline }), 'a/b')
    await expect(refused).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('There is no connection') as string,
    })
  })

  it('gives up a server that says nothing after two attempts of some seconds', async () => {
    let asked = 0
    const silent = plainNetwork({
      fetch: () => {
        asked += 1
        return new Promise(() => undefined)
      },
      wait: () => Promise.resolve(),
      stallMs: 5,
    })
    await expect(offerOf(openBrowser().tab({ network: silent }), 'a/b')).rejects.toMatchObject({
      code: 'stalled',
    })
    expect(asked).toBe(2)
    expect(waitedFor(plainNetwork()).stallMs).toBeLessThanOrEqual(10_000)
  })

  it('is refused for a graph of a size that no graph has', async () => {
    const server = await servePack(({ files }) => {
      const graph = files.find(({ path }) => path.endsWith('.onnx'))
      const chunk = { bytes: 2 ** 24, sha256: 'a'.repeat(64) }
      Object.assign(graph ?? {}, { bytes: 5 * 2 ** 24, chunks: Array.from({ length: 5 }, () => chunk) })
    })
    const tab = openBrowser().tab()
    await expect(offerOf(tab, server.origin)).rejects.toMatchObject({ code: 'bad-pack' })
    await expect(tab.add(requestOf(server.origin))).rejects.toMatchObject({ code: 'bad-pack' })
    expect(server.sent(/onnx|weights/)).toBe(0)
  })
})
