import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { manifestAround } from '../../testing/manifests/manifests.ts'
import { startFaultServer, type FaultServer } from '../../testing/servers/fault-server.ts'
import { sha256Hex } from '../pack/bytes.ts'
import { CHUNK_BYTES, chunkPath, chunkSizes } from '../pack/chunks.ts'
import { AppError } from '../pack/failure.ts'
import { plainNetwork, type Network } from '../remote/network.ts'
import { seededRandom } from '../scenes/random.ts'
import { downloadPack } from './download.ts'
import type { DownloadProgress } from './download-meter.ts'
import { fetchManifest } from './http-pack.ts'
import { locksInMemory } from './locks.ts'
import { serverSource } from './pack-source.ts'
import { PackStore } from './pack-store.ts'
import type { Origin, PackRecord, StoreRecord } from './records.ts'
import { tableInMemory, type Table } from './table.ts'

vi.mock(import('../pack/chunks.ts'), async (actual) => {
  const { smallChunks } = await import('../../testing/small-chunks.ts')
  return smallChunks(await actual())
})

const ORIGIN: Origin = { address: 'http://x/', base: 'http://x/', asked: 'http://x/', converted: null }
const files = new Map<string, Uint8Array>()
let total = 0

/** A pack of three chunks of weights and one small file. */
beforeAll(async () => {
  const random = seededRandom(7)
  const weights = new Uint8Array(3 * CHUNK_BYTES + 5)
  for (let i = 0; i < weights.length; i += 1021) weights[i] = Math.floor(random.next() * 256)
  await packOf(
    new Map([
      ['vision.weights', weights],
      ['graph.onnx', Uint8Array.of(1, 2, 3)],
    ]),
    files,
  )
  total = weights.length + 3
})

async function packOf(contents: Map<string, Uint8Array>, served: Map<string, Uint8Array>): Promise<string> {
  const entries = []
  for (const [path, bytes] of contents) {
    const sizes = chunkSizes(bytes.length)
    const chunks = []
    let start = 0
    for (const [index, size] of sizes.entries()) {
      const chunk = bytes.slice(start, start + size)
      served.set(chunkPath(path, index, sizes.length), chunk)
      chunks.push({ bytes: size, sha256: await sha256Hex(chunk) })
      start += size
    }
    entries.push({ path, bytes: bytes.length, chunks })
  }
  const text = JSON.stringify(manifestAround(entries))
  served.set('pack.json', new TextEncoder().encode(text))
  return text
}

/** What a client's own buffers may swallow when a connection ends under it. */
const UNSEEN_BYTES = 2 ** 16

const servers: FaultServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function serve(contents: ReadonlyMap<string, Uint8Array> = files): Promise<FaultServer> {
  const server = await startFaultServer((path) => contents.get(path))
  servers.push(server)
  return server
}

interface Tables {
  chunks: Map<string, Blob>
  parts: Map<string, Blob>
  records: Map<string, StoreRecord>
}

const emptyTables = (): Tables => ({ chunks: new Map(), parts: new Map(), records: new Map() })

function storeOn(tables: Tables, chunks: Partial<Table<Blob>> = {}): PackStore {
  return new PackStore({
    chunks: { ...tableInMemory(tables.chunks), ...chunks },
    parts: tableInMemory(tables.parts),
    records: tableInMemory(tables.records),
    locks: locksInMemory(),
  })
}

/** A network that waits for nothing and remembers how long it was to wait. */
function quick(waits: number[] = [], overrides: Partial<Network> = {}): Network {
  return plainNetwork({
    wait: (ms) => {
      waits.push(ms)
      return Promise.resolve()
    },
    random: () => 1,
    stallMs: 10_000,
    ...overrides,
  })
}

interface Fetching {
  tables?: Tables
  network?: Network
  signal?: AbortSignal
  onProgress?: (progress: DownloadProgress) => void
  store?: PackStore
}

async function download(server: FaultServer, options: Fetching = {}): Promise<PackRecord> {
  const { tables = emptyTables(), network = quick(), signal = new AbortController().signal } = options
  const store = options.store ?? storeOn(tables)
  const base = new URL(`${server.origin}/`)
  const text = await fetchManifest(base, { network })
  const record = await store.begin(text, ORIGIN)
  await downloadPack(store, record, serverSource(base, network), {
    network,
    signal,
    ...(options.onProgress && { onProgress: options.onProgress }),
  })
  return record
}

async function weightsOf(tables: Tables, record: PackRecord): Promise<Buffer> {
  const reader = await storeOn(tables).open(record.id)
  return Buffer.from(await new Response((await reader.file('vision.weights')) as Blob).arrayBuffer())
}

function whole(): Buffer {
  return Buffer.concat([0, 1, 2].map((i) => files.get(`vision.weights.00${i}`) ?? new Uint8Array()))
}

describe('a download', () => {
  it('tells of all that has arrived, though a server that has stopped sending lets nothing follow', async () => {
    const server = await serve()
    server.fault = (path) => (path === 'vision.weights.000' ? { kind: 'stall', after: 70_000 } : undefined)
    const stop = new AbortController()
    let doneBytes = 0
    // No time passes between the last bytes and the report before them.
    const network = quick([], { now: () => 0, stallMs: 600_000 })
    const onProgress = (progress: DownloadProgress): number => (doneBytes = progress.doneBytes)
    const downloading = download(server, { network, onProgress, signal: stop.signal })
    await expect.poll(() => doneBytes).toBe(total - CHUNK_BYTES + 70_000)
    stop.abort()
    await expect(downloading).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('fetches each byte once and says how far it is, for the whole and for each part', async () => {
    const server = await serve()
    const tables = emptyTables()
    const seen: DownloadProgress[] = []
    const record = await download(server, { tables, onProgress: (progress) => seen.push(progress) })
    expect(server.sent(/vision|graph/)).toBe(total)
    expect(Buffer.compare(await weightsOf(tables, record), whole())).toBe(0)
    expect(seen[0]).toMatchObject({ doneBytes: 0, totalBytes: total, bytesPerSecond: null })
    expect(seen.at(-1)).toMatchObject({
      doneBytes: total,
      parts: [
        { path: 'vision.weights', doneBytes: total - 3, totalBytes: total - 3 },
        { path: 'graph.onnx', doneBytes: 3, totalBytes: 3 },
      ],
    })
    expect(tables.parts.size).toBe(0)
  })

  it('survives a hundred cuts at random points and asks only for what did not arrive', async () => {
    const server = await serve()
    const random = seededRandom(1)
    let cuts = 0
    let cutOff = 0
    server.fault = (path) => {
      if (!path.startsWith('vision') || cuts >= 100) return undefined
      cuts += 1
      const after = 1 + Math.floor(random.next() * 50_000)
      cutOff += after
      return { kind: 'cut', after }
    }
    const tables = emptyTables()
    const record = await download(server, { tables })
    expect(cuts).toBe(100)
    // Bytes that the client had not looked at when the connection ended are lost; it never saw them.
    expect(server.sent(/vision|graph/) - total).toBeLessThan(cutOff / 3)
    expect(Buffer.compare(await weightsOf(tables, record), whole())).toBe(0)
  })

  it('pauses at a hundred random points and goes on from there, fetching no byte twice', async () => {
    const server = await serve()
    const random = seededRandom(2)
    const tables = emptyTables()
    let pauses = 0
    let arrived = 0
    let shown = 0
    for (;;) {
      const stop = new AbortController()
      const enough = arrived + Math.floor((random.next() * total) / 60)
      const onProgress = ({ doneBytes }: DownloadProgress): void => {
        expect(doneBytes).toBeGreaterThanOrEqual(arrived)
        shown = doneBytes
        if (pauses < 100 && doneBytes > enough) stop.abort()
      }
      let clock = 0
      // Every piece is reported, and by such a clock each one is late: nobody's patience ends here.
      const network = quick([], { now: () => (clock += 1000), stallMs: 2 ** 31 - 1 })
      try {
        await download(server, { tables, network, signal: stop.signal, onProgress })
        break
      } catch (error) {
        expect(error).toMatchObject({ code: 'cancelled' })
        pauses += 1
        const sizes = [...tables.chunks.values(), ...tables.parts.values()].map(({ size }) => size)
        arrived = sizes.reduce((sum, size) => sum + size, 0)
        // What was shown as arrived is kept to the byte.
        expect(arrived).toBe(shown)
      }
    }
    expect(pauses).toBeGreaterThan(20)
    const requested = server.served.filter(({ path }) => path.startsWith('vision'))
    for (const path of new Set(requested.map((entry) => entry.path))) {
      const starts = requested.filter((entry) => entry.path === path).map(({ start }) => start)
      expect(starts).toEqual([...starts].sort((a, b) => a - b))
    }
  })

  it('does not ask again for what was verified before a crash', async () => {
    const server = await serve()
    const tables = emptyTables()
    server.fault = (path) => (path === 'vision.weights.002' ? { kind: 'stall', after: 0 } : undefined)
    const stop = new AbortController()
    const stopped = download(server, { tables, signal: stop.signal })
    await vi.waitFor(() => expect(tables.chunks.size).toBe(3), { timeout: 30_000 })
    stop.abort()
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' })
    server.served.length = 0
    server.fault = () => undefined
    await download(server, { tables })
    expect(server.sent(/vision|graph/)).toBe(CHUNK_BYTES + 5)
  })

  it('takes chunks that another pack has, and fetches of a new version only what is new', async () => {
    const tables = emptyTables()
    await download(await serve(), { tables })
    const changed = new Map<string, Uint8Array>()
    const weights = new Uint8Array(whole())
    weights[weights.length - 1] = 77
    const text = await packOf(
      new Map([
        ['vision.weights', weights],
        ['graph.onnx', Uint8Array.of(1, 2, 3)],
      ]),
      changed,
    )
    const server = await serve(changed)
    await download(server, { tables })
    expect(server.sent(/vision|graph/)).toBe(CHUNK_BYTES + 5)
    const kept = await storeOn(tables).list()
    expect(kept.map((record) => record.kind === 'pack' && record.manifest)).toEqual([text])
    expect(tables.chunks.size).toBe(4)
  })

  it('stops when the disk is full, keeps what is there, and goes on when there is room', async () => {
    const server = await serve()
    const tables = emptyTables()
    const chunks = tableInMemory(tables.chunks)
    let room = 1
    const full: Partial<Table<Blob>> = {
      set: (key, value) => {
        room -= 1
        if (room < 0) return Promise.reject(new AppError('no-space', 'Full.'))
        return chunks.set(key, value)
      },
    }
    const failed = download(server, { tables, store: storeOn(tables, full) })
    await expect(failed).rejects.toMatchObject({ code: 'no-space' })
    expect(tables.chunks.size).toBe(1)
    const kept = new Set(tables.chunks.keys())
    server.served.length = 0
    await download(server, { tables })
    const again = server.served.map(({ path }) => files.get(path)).filter((bytes) => bytes !== undefined)
    for (const bytes of again) expect(kept).not.toContain(await sha256Hex(Uint8Array.from(bytes)))
  })

  it('waits while there is no connection and then goes on', async () => {
    const server = await serve()
    server.fault = (path, count) =>
      path === 'vision.weights.000' && count <= 3 ? { kind: 'cut', after: 1000 } : undefined
    let offline = 0
    const network = quick([], {
      online: () => offline >= 3,
      whenOnline: () => {
        offline += 1
        return Promise.resolve()
      },
    })
    await download(server, { network })
    expect(offline).toBe(3)
  })
})

describe('a server that', () => {
  const weights = /^vision/

  it.each<[string, FaultServer['fault'], number]>([
    [
      'flips a bit once',
      (path, count) => (path === 'vision.weights.001' && count === 1 ? { kind: 'flip', at: 9 } : undefined),
      CHUNK_BYTES,
    ],
    [
      'sends half once',
      (path, count) =>
        path === 'vision.weights.001' && count === 1 ? { kind: 'cut', after: CHUNK_BYTES / 2 } : undefined,
      0,
    ],
    [
      'stalls once',
      (path, count) =>
        path === 'vision.weights.000' && count === 1 ? { kind: 'stall', after: 5000 } : undefined,
      0,
    ],
    [
      'ignores ranges after a cut',
      (path, count) =>
        path === 'vision.weights.000'
          ? count === 1
            ? { kind: 'cut', after: 5000 }
            : { kind: 'no-ranges' }
          : undefined,
      5000,
    ],
    [
      'answers 500 once',
      (path, count) => (weights.test(path) && count === 1 ? { kind: 'answer', status: 500 } : undefined),
      0,
    ],
    [
      'changes its ETag within a chunk',
      (path, count) => {
        if (path !== 'vision.weights.000') return undefined
        return count === 1
          ? { kind: 'cut', after: 5000 }
          : count === 2
            ? { kind: 'etag', etag: '"b"' }
            : undefined
      },
      5000,
    ],
  ])('%s costs no more than the bytes that were not verified', async (name, fault, again) => {
    const server = await serve()
    server.fault = fault
    const tables = emptyTables()
    const network = quick([], name.includes('stalls') ? { stallMs: 5000 } : {})
    const record = await download(server, { tables, network })
    expect(Buffer.compare(await weightsOf(tables, record), whole())).toBe(0)
    const twice = server.sent(/vision|graph/) - total
    expect(twice).toBeGreaterThanOrEqual(again)
    // Of an answer that was given up unread, how much was on its way is up to the system.
    if (!name.includes('ETag')) expect(twice).toBeLessThanOrEqual(again + UNSEEN_BYTES)
  })

  it.each<[string, FaultServer['fault'], string]>([
    [
      'has no such file',
      (path) => (weights.test(path) ? { kind: 'answer', status: 404 } : undefined),
      'not-found',
    ],
    ['has no pack', () => ({ kind: 'answer', status: 404 }), 'not-found'],
    ['refuses', () => ({ kind: 'answer', status: 403 }), 'forbidden'],
    ['wants a token', () => ({ kind: 'answer', status: 401 }), 'forbidden'],
    [
      'answers with a web page',
      () => ({
        kind: 'answer',
        status: 200,
        headers: { 'content-type': 'text/html' },
        body: '<!doctype html>',
      }),
      'bad-response',
    ],
    [
      'answers with a web page that claims to be JSON',
      () => ({
        kind: 'answer',
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: '<!doctype html>',
      }),
      'bad-pack',
    ],
    [
      'answers weights with a web page',
      (path) =>
        weights.test(path)
          ? { kind: 'answer', status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' }
          : undefined,
      'bad-response',
    ],
    [
      'flips a bit every time',
      (path) => (path === 'vision.weights.001' ? { kind: 'flip', at: 9 } : undefined),
      'corrupt',
    ],
    [
      'sends too much',
      (path) => (path === 'graph.onnx' ? { kind: 'answer', status: 200, body: 'abcdef' } : undefined),
      'bad-response',
    ],
    [
      'sends a wrong Content-Range',
      (path, count) =>
        path === 'vision.weights.000'
          ? count === 1
            ? { kind: 'cut', after: 5000 }
            : { kind: 'wrong-range', by: 1 }
          : undefined,
      'bad-response',
    ],
    ['is always busy', (path) => (weights.test(path) ? { kind: 'answer', status: 503 } : undefined), 'busy'],
    [
      'asks to wait for an hour',
      (path) =>
        weights.test(path) ? { kind: 'answer', status: 429, headers: { 'retry-after': '3600' } } : undefined,
      'busy',
    ],
    [
      'always stalls',
      (path) => (path === 'vision.weights.000' ? { kind: 'stall', after: 0 } : undefined),
      'stalled',
    ],
    [
      'hangs up every time',
      (path) => (path === 'vision.weights.000' ? { kind: 'cut', after: 0 } : undefined),
      'network',
    ],
  ])('%s is told apart, in one sentence', async (_, fault, code) => {
    const server = await serve()
    server.fault = fault
    const error: unknown = await download(server, {
      network: quick([], { stallMs: code === 'stalled' ? 60 : 10_000 }),
    }).catch((e: unknown) => e)
    expect(error).toMatchObject({ code })
    expect((error as Error).message).toMatch(/^[^\n]+\.$/)
  })

  it('is busy is asked again when it says so', async () => {
    const server = await serve()
    server.fault = (path, count) => {
      if (path !== 'graph.onnx' || count > 2) return undefined
      return {
        kind: 'answer',
        status: count === 1 ? 429 : 503,
        headers: { 'retry-after': count === 1 ? '7' : '1' },
      }
    }
    const waits: number[] = []
    await download(server, { network: quick(waits) })
    expect(waits).toEqual([7000, 1000])
  })

  it('leads elsewhere is followed', async () => {
    const elsewhere = await serve()
    const server = await serve()
    server.fault = () => ({ kind: 'redirect', to: (path) => `${elsewhere.origin}/${path}?signed` })
    const tables = emptyTables()
    const record = await download(server, { tables })
    expect(Buffer.compare(await weightsOf(tables, record), whole())).toBe(0)
    expect(server.sent()).toBe(0)
  })

  it('is not there is given up after a bounded number of attempts, ever longer apart', async () => {
    const server = await serve()
    await server.close()
    servers.length = 0
    const waits: number[] = []
    await expect(download(server, { network: quick(waits) })).rejects.toMatchObject({ code: 'network' })
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000])
  })
})
