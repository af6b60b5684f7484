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
import { goodManifest } from '../../testing/manifests/manifests.ts'
import type { FaultServer } from '../../testing/servers/fault-server.ts'
import { startHubServer } from '../../testing/servers/hub-server.ts'
import { parseManifest, type PackManifest } from '../pack/manifest.ts'
import type { Offer } from '../protocol/keeper-calls.ts'
import { distinctChunks } from '../store/records.ts'
import { checkDevice, type DeviceFacts, type ModelNeeds } from './device-check.ts'
import { sumOfBytes } from './keeper-parts.ts'

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
      resumes: false,
    })
    expect(offer.fetchBytes).toBeGreaterThan(500_000)
    // A file's first 64 KiB are fetched when it is opened.
    expect(hub.files.sent(/safetensors/)).toBeLessThanOrEqual(2 ** 17)
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

describe('what is said about the device', () => {
  const needs: ModelNeeds = {
    model: goodManifest(),
    precision: 'q4f16',
    packBytes: 3e9,
    largestTensorBytes: 1e8,
  }
  const device: DeviceFacts = { gpu: { bufferBytes: 2e9, f16: true }, memoryGiB: 8 }
  const against = (
    facts: Partial<DeviceFacts>,
    change: Partial<ModelNeeds> = {},
    free: number | null = null,
  ): string[] =>
    checkDevice({ ...device, ...facts }, { ...needs, ...change }, free, 2e9)
      .filter(({ ok }) => !ok)
      .map(({ sentence }) => sentence)

  it('speaks for one that has everything', () => {
    expect(against({}, {}, 1e10)).toEqual([])
    expect(checkDevice(device, needs, 1e10, 2e9)).toHaveLength(3)
  })

  it.each<[string, string[], RegExp]>([
    [
      'a part that no buffer holds',
      against({}, { largestTensorBytes: 3e9 }),
      /3\.0 GB, and the graphics card takes 2\.0 GB/,
    ],
    [
      'no WebGPU and too much for WebAssembly',
      against({ gpu: null }, { packBytes: 4e9 }),
      /too large for WebAssembly/,
    ],
    ['little memory', against({ memoryGiB: 2 }), /reports 2 GiB/],
    ['little room', against({}, {}, 1e9), /2\.0 GB are needed/],
  ])('speaks against %s', (_, sentences, pattern) => {
    expect(sentences).toEqual([expect.stringMatching(pattern)])
  })

  it('does not speak against what is only slow, or not told', () => {
    expect(against({ gpu: null })).toEqual([])
    expect(against({ gpu: { bufferBytes: 2e9, f16: false }, memoryGiB: null })).toEqual([])
  })

  it('estimates the largest part from the embedding where nobody has counted', () => {
    const { vocabulary, hiddenSize } = goodManifest().parts.decoder.shape
    const bytes = vocabulary * hiddenSize
    const tight = { gpu: { bufferBytes: 2 * bytes - 1, f16: true } }
    expect(against(tight, { largestTensorBytes: null, precision: 'q4' })).toEqual([])
    expect(against(tight, { largestTensorBytes: null, precision: 'fp16' })).toHaveLength(1)
  })
})
