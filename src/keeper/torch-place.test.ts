import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { convertReference } from '../../testing/parity/reference.ts'
import { readFromDisk } from '../../testing/parity/files.ts'
import { CHECKPOINT, openBrowser, requestOf, type Browser } from '../../testing/keeper/tabs.ts'
import { startFaultServer, type FaultServer } from '../../testing/servers/fault-server.ts'
import { startHubServer, type HubServer } from '../../testing/servers/hub-server.ts'
import { parseManifest, type PackManifest } from '../pack/manifest.ts'
import type { Offer, OfferRequest } from '../protocol/keeper-calls.ts'

const FROM = 'models/reference/lavis-t5-clip'
const MODEL = 'blip2_pretrained_small_vitL.pth'
const TOWER = 'clip_vit_L.pth'
const LANGUAGE = 'google/flan-t5-small'

const closing: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const server of closing.splice(0)) await server.close()
})

interface World {
  server: FaultServer
  hub: HubServer
  browser: Browser
  /** A request for the file, with whatever is written behind its address. */
  request: (behind?: string, change?: Partial<OfferRequest>) => OfferRequest
}

const read = new Map<string, Promise<Buffer | undefined>>()

/** The same bytes each time, so that a server knows their tag. */
function readOnce(path: string): Promise<Buffer | undefined> {
  const known = read.get(path) ?? readFile(path).catch(() => undefined)
  read.set(path, known)
  return known
}

/** The files that LAVIS publishes on one server, the language model on the hub. */
async function openWorld(changed: Record<string, Uint8Array> = {}): Promise<World> {
  const server = await startFaultServer((path) => changed[path] ?? readOnce(`${FROM}/${path}`))
  const hub = await startHubServer({ [LANGUAGE]: `${FROM}/flan-t5-small` })
  closing.push(server, hub)
  const file = `${server.origin}/${MODEL}`
  return {
    server,
    hub,
    browser: openBrowser(),
    request: (behind = '', change = {}) => requestOf(`${file} ${behind}`, { hub: hub.url, ...change }),
  }
}

function offerOf(browser: Browser, request: OfferRequest): Promise<Offer> {
  return browser.tab().keeper.offer(request, () => undefined, new AbortController().signal)
}

function keptIn({ tables }: Browser): PackManifest[] {
  const records = [...tables.records.values()]
  return records.flatMap((record) => (record.kind === 'pack' ? [parseManifest(record.manifest)] : []))
}

describe('a file of LAVIS by its address', () => {
  it('becomes the pack that its files make on this computer, once what it leaves out is named behind it', async () => {
    const world = await openWorld()
    const { server, hub, browser } = world
    const named = world.request(`${server.origin}/${TOWER} ${LANGUAGE}`)
    const offer = await offerOf(world.browser, named)
    expect(offer).toMatchObject({
      what: 'checkpoint',
      name: 'blip2_pretrained_small_vitL',
      pinned: `${server.origin}/${MODEL} ${server.origin}/${TOWER} hub:${LANGUAGE}@${hub.commit}`,
      place: { url: `${server.origin}/`, owner: null },
    })
    await browser.tab().add(named)
    const [kept] = keptIn(browser)
    const own = await convertReference(readFromDisk, 'lavis-t5-clip', 'q8')
    expect(kept?.files).toEqual(own.manifest.files)
    expect(kept?.parts).toEqual(own.manifest.parts)
  })

  it('is looked at by ranges: of its weights an offer reads next to nothing', async () => {
    const world = await openWorld()
    const { server } = world
    const offer = await offerOf(world.browser, world.request(`${server.origin}/${TOWER} ${LANGUAGE}`))
    expect(server.sent() + world.hub.files.sent()).toBeLessThan(offer.fetchBytes)
    const size = (await readFile(`${FROM}/${TOWER}`)).length
    // Head and directory; the blocks beyond those that LAVIS builds are never read at all.
    expect(server.sent(/clip/)).toBeLessThan(size / 2)
  })

  it('says what it leaves out where that is not named, and keeps nothing', async () => {
    const world = await openWorld()
    await expect(offerOf(world.browser, world.request())).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringMatching(
        /^blip2_pretrained_small_vitL\.pth leaves out its vision encoder .* and its language model/,
      ) as string,
      details: { leftOut: 2 },
    })
    await expect(offerOf(world.browser, world.request(LANGUAGE))).rejects.toMatchObject({
      details: { leftOut: 1 },
    })
    expect(world.browser.tables.records.size).toBe(0)
  })

  it.each<[string, (world: World) => Promise<string> | string, string]>([
    ['a tower that is not there', ({ server }) => `${server.origin}/none.pth ${LANGUAGE}`, 'not-found'],
    ['a repository that is not there', ({ server }) => `${server.origin}/${TOWER} google/none`, 'forbidden'],
    ['the model itself as its tower', ({ server }) => `${server.origin}/${MODEL} ${LANGUAGE}`, 'not-found'],
  ])('refuses %s', async (_, behind, code) => {
    const world = await openWorld()
    world.hub.hub.fault = (path) =>
      path.includes('google/none') ? { kind: 'answer', status: 401 } : undefined
    await expect(offerOf(world.browser, world.request(await behind(world)))).rejects.toMatchObject({ code })
  })

  it.each<[string, (bytes: Buffer) => Uint8Array, RegExp]>([
    ['that calls what no state dict needs', () => HOSTILE, /pickle asks for "pathlib.PosixPath"/],
    ['that ends early', (bytes) => bytes.subarray(0, bytes.length - 40), /no whole ZIP file/],
    ['whose directory lies about where it is', (bytes) => lying(bytes), /no whole ZIP file/],
    ['that is none', () => new TextEncoder().encode('<html>Not found</html>'), /no ZIP file as PyTorch/],
  ])('refuses a file %s in one sentence, and keeps nothing', async (_, change, sentence) => {
    const world = await openWorld({ [MODEL]: change(await readFile(`${FROM}/${MODEL}`)) })
    const named = world.request(`${world.server.origin}/${TOWER} ${LANGUAGE}`)
    const refusal = { code: 'bad-checkpoint', message: expect.stringMatching(sentence) as string }
    await expect(offerOf(world.browser, named)).rejects.toMatchObject(refusal)
    await expect(world.browser.tab().add(named)).rejects.toMatchObject(refusal)
    expect(world.browser.tables).toMatchObject({ chunks: new Map(), records: new Map() })
  })
})

const HOSTILE = await readFile('models/reference/torch/hostile.pth')

/** The offset of the central directory, in the last record of a ZIP file, points far behind its end. */
function lying(bytes: Buffer): Uint8Array {
  const changed = Buffer.from(bytes)
  const end = changed.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  changed.writeUInt32LE(0x7fffffff, end + 16)
  return changed
}

describe('a picture size that was chosen', () => {
  it('is part of what a model is, and of what it is when it is gone on with', async () => {
    const browser = openBrowser()
    const server = await startFaultServer((path) => readOnce(`${CHECKPOINT}/${path}`))
    closing.push(server)
    const [plain, larger] = [requestOf(server.origin), requestOf(server.origin, { imageSize: 64 })]
    const tab = browser.tab()
    const ids = [plain, larger].map(async (request) => (await offerOf(browser, request)).id)
    expect(new Set(await Promise.all(ids)).size).toBe(2)
    await tab.add(plain)
    await tab.add(larger)
    expect(keptIn(browser).map(({ preprocessing }) => preprocessing.size)).toEqual([48, 64])
    const { models } = await tab.keeper.list(null, () => undefined, new AbortController().signal)
    expect(models.map(({ imageSize }) => imageSize)).toEqual([undefined, 64])
  })

  it.each([13, 10_000, 56.5])('of %d pixels is refused before anything is fetched', async (imageSize) => {
    const world = await openWorld()
    const behind = `${world.server.origin}/${TOWER} ${LANGUAGE}`
    await expect(offerOf(world.browser, world.request(behind, { imageSize }))).rejects.toMatchObject({
      code: 'bad-usage',
    })
    expect(world.browser.tables.records.size).toBe(0)
  })
})
