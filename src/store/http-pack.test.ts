import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { smallPack, serveFiles, until } from '../../testing/keeper/tabs.ts'
import { startFaultServer, type FaultServer } from '../../testing/servers/fault-server.ts'
import { sha256Hex } from '../pack/bytes.ts'
import { CHUNK_BYTES, chunkSizes } from '../pack/chunks.ts'
import { MANIFEST_PATH, parseManifest } from '../pack/manifest.ts'
import { plainNetwork } from '../remote/network.ts'
import { openHttpPack } from './http-pack.ts'
import { inLanes } from '../pack/lanes.ts'

const closing: FaultServer[] = []
afterEach(async () => {
  for (const server of closing.splice(0)) await server.close()
})

const network = plainNetwork({ wait: () => Promise.resolve(), stallMs: 10_000 })
const CHUNKS = 8
let hash = ''
const chunk = new Uint8Array(CHUNK_BYTES)

beforeAll(async () => {
  hash = await sha256Hex(chunk)
})

/** A pack whose decoder has eight chunks, all of the same bytes; `first` failing is up to the test. */
async function serveLarge(): Promise<FaultServer> {
  const manifest = parseManifest(new TextDecoder().decode((await smallPack()).get(MANIFEST_PATH)))
  const bytes = CHUNKS * CHUNK_BYTES
  manifest.files = manifest.files.map((file) =>
    file.path === 'decoder.weights'
      ? { ...file, bytes, chunks: chunkSizes(bytes).map((size) => ({ bytes: size, sha256: hash })) }
      : file,
  )
  const files = await smallPack()
  files.set(MANIFEST_PATH, new TextEncoder().encode(JSON.stringify(manifest)))
  const server = await startFaultServer((path) =>
    path.startsWith('decoder.weights.') ? chunk : files.get(path),
  )
  closing.push(server)
  return server
}

/** All parts of the large file but its first. */
const OTHERS = /^decoder\.weights\.(?!000)/

/** Has a server keep some paths waiting until they are let go. */
function holding(held: (path: string) => boolean): { hold: FaultServer['hold']; release: () => void } {
  let release = (): void => undefined
  const released = new Promise<void>((resolve) => (release = resolve))
  return { hold: (path) => (held(path) ? released : Promise.resolve()), release: () => release() }
}

const requested = ({ served }: FaultServer): string[] =>
  served.map(({ path }) => path).filter((path) => path.startsWith('decoder.weights.'))

describe('a pack that is read from its server', () => {
  it('gives verified files', async () => {
    const files = await smallPack()
    const server = await serveFiles(files)
    closing.push(server)
    const arrived: number[] = []
    const pack = await openHttpPack(`${server.origin}/`, { network, onBytes: (bytes) => arrived.push(bytes) })
    for (const { path, bytes } of pack.manifest.files) {
      const blob = await pack.file(path)
      const read = blob instanceof Blob ? new Uint8Array(await blob.arrayBuffer()) : blob
      expect(Buffer.compare(read, files.get(path) ?? new Uint8Array())).toBe(0)
      expect(arrived.at(-1)).toBe(bytes)
    }
  })

  it.each<[string, FaultServer['fault'], string]>([
    [
      'is not there',
      (path) => (path === 'decoder.weights.000' ? { kind: 'answer', status: 404 } : undefined),
      'not-found',
    ],
    [
      'is refused',
      (path) => (path === 'decoder.weights.000' ? { kind: 'answer', status: 403 } : undefined),
      'forbidden',
    ],
  ])('is given up when a part of it %s, not fetched to its end', async (_, fault, code) => {
    const server = await serveLarge()
    server.fault = fault
    const { hold, release } = holding((path) => OTHERS.test(path))
    server.hold = hold
    const pack = await openHttpPack(`${server.origin}/`, { network })
    await expect(pack.file('decoder.weights')).rejects.toMatchObject({ code })
    release()
    await new Promise((resolve) => setTimeout(resolve, 200))
    // Three were under way beside it.
    expect(new Set(requested(server)).size).toBeLessThanOrEqual(3)
  })

  it('gives up the file that is read ahead, too, which then says why; a later call begins afresh', async () => {
    const server = await serveLarge()
    let broken = true
    server.fault = (path) =>
      path === 'vision.weights' && broken ? { kind: 'answer', status: 404 } : undefined
    const { hold, release } = holding((path) => path.startsWith('decoder.weights.'))
    server.hold = hold
    const pack = await openHttpPack(`${server.origin}/`, { network })
    const ahead = pack.file('decoder.weights').catch((error: unknown) => error)
    await expect(pack.file('vision.weights')).rejects.toMatchObject({ code: 'not-found' })
    expect(await ahead).toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('vision.weights') as string,
    })
    release()
    broken = false
    expect(await pack.file('vision.weights')).toBeInstanceOf(Blob)
  })

  it('is left alone when the visitor stops it', async () => {
    const server = await serveLarge()
    const { hold, release } = holding((path) => OTHERS.test(path))
    server.hold = hold
    const pack = await openHttpPack(`${server.origin}/`, { network })
    const stop = new AbortController()
    const reading = pack.file('decoder.weights', stop.signal)
    await until(() => requested(server).length > 0)
    stop.abort()
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' })
    release()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(new Set(requested(server)).size).toBeLessThan(CHUNKS)
  })
})

describe('lanes', () => {
  it('do so many things at once, and throw the first failure when all have ended', async () => {
    let atOnce = 0
    let most = 0
    const begun: number[] = []
    const ended: number[] = []
    const work = async (item: number, signal: AbortSignal): Promise<void> => {
      begun.push(item)
      atOnce += 1
      most = Math.max(most, atOnce)
      await new Promise((resolve) => setTimeout(resolve, item === 2 ? 1 : 10))
      atOnce -= 1
      ended.push(item)
      if (item === 2) throw new Error('first')
      if (signal.aborted) throw new Error('because of the first')
    }
    const { signal } = new AbortController()
    await expect(inLanes([1, 2, 3, 4, 5], { lanes: 3, signal }, work)).rejects.toThrow('first')
    expect(most).toBe(3)
    expect(begun).toEqual([1, 2, 3])
    expect(ended.sort()).toEqual([1, 2, 3])
  })

  it('listen to a signal only while they work', async () => {
    const { signal } = new AbortController()
    const [added, removed] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')]
    await inLanes([1], { lanes: 2, signal }, () => Promise.resolve())
    expect(added.mock.calls.length).toBeGreaterThan(0)
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(
      added.mock.calls.map(([, listener]) => listener),
    )
  })
})
