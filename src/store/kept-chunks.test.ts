import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BlobReader } from '../pack/blob-reader.ts'
import { AppError } from '../pack/failure.ts'
import { MANIFEST_PATH, parseManifest, type LaterCheck, type PackReader } from '../pack/manifest.ts'
import { locksInMemory } from './locks.ts'
import { PackStore, type OpenOptions } from './pack-store.ts'
import type { StoreRecord } from './records.ts'
import { tableInMemory } from './table.ts'

const FOLDER = 'public/models/drawn-scenes'
const MANIFEST = readFileSync(join(FOLDER, MANIFEST_PATH), 'utf8')
const { files: FILES } = parseManifest(MANIFEST)
const ORIGIN = { address: null, base: 'http://x/', asked: null, converted: null }
const PATH = 'vision.weights'
const HASH = hashOf(PATH)

function hashOf(path: string): string {
  const file = FILES.find((one) => one.path === path)
  return file?.chunks[0]?.sha256 ?? expect.unreachable(`There is no ${path}.`)
}

/** Each of them is one chunk. */
function bytesOf(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(FOLDER, path)))
}

let chunks: Map<string, Blob>
let records: Map<string, StoreRecord>
let id: string
/** What two tabs share besides tables. */
let locks: ReturnType<typeof locksInMemory>
let fetched: string[]

const tab = (): PackStore =>
  new PackStore({
    chunks: tableInMemory(chunks),
    records: tableInMemory(records),
    parts: tableInMemory(),
    locks,
  })

beforeEach(async () => {
  chunks = new Map()
  records = new Map()
  locks = locksInMemory()
  fetched = []
  const store = tab()
  const record = await store.begin(MANIFEST, ORIGIN)
  for (const { path } of FILES) await store.shelf(record.id).keep(hashOf(path), bytesOf(path))
  await store.complete(record)
  id = record.id
})

/** One bit flips on the disk. */
function spoil(hash: string, bytes: Uint8Array<ArrayBuffer>): void {
  bytes[7] = (bytes[7] ?? 0) ^ 1
  chunks.set(hash, new Blob([bytes]))
}

const fromServer: NonNullable<OpenOptions['refetch']> = (_, { path, sha256 }) => {
  fetched.push(path)
  chunks.set(sha256, new Blob([bytesOf(path)]))
  return Promise.resolve()
}

async function openLater(
  refetch: OpenOptions['refetch'] = fromServer,
): Promise<PackReader & { later: LaterCheck }> {
  const reader = await tab().open(id, { later: true, refetch })
  const { later } = reader
  return later === undefined ? expect.unreachable('It is to be hashed later.') : { ...reader, later }
}

async function textOf(file: Blob | Uint8Array<ArrayBuffer>): Promise<string> {
  return base64(file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file)
}

/** Compares faster than bytes. */
function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

describe('weights that are hashed later', () => {
  it('are given out as they were kept, each is hashed once, and nothing was wrong', async () => {
    const reader = await openLater()
    for (const { path } of reader.manifest.files)
      expect(await textOf(await reader.file(path))).toBe(base64(bytesOf(path)))
    const weights = reader.manifest.files.filter(({ path }) => path.endsWith('.weights'))
    const found = []
    for (let next = await reader.later.next(); next !== 'done'; next = await reader.later.next())
      found.push(next)
    expect(found).toEqual(weights.map(() => 'good'))
    await reader.file(PATH)
    expect(await reader.later.next()).toBe('done')
    expect(fetched).toEqual([])
  })

  it('that have gone bad are found, and are there again for the next reader', async () => {
    spoil(HASH, bytesOf(PATH))
    const reader = await openLater()
    await reader.file(PATH)
    await reader.file('q-former.weights')
    expect([await reader.later.next(), await reader.later.next()]).toEqual(['mended', 'good'])
    expect(fetched).toEqual([PATH])
    expect(await textOf(await (await openLater()).file(PATH))).toBe(base64(bytesOf(PATH)))
  })

  it('are found by all tabs that run on them, at once or behind each other, and fetched once', async () => {
    spoil(HASH, bytesOf(PATH))
    let sent: () => void = () => undefined
    const server = new Promise<void>((resolve) => (sent = resolve))
    const slow: OpenOptions['refetch'] = async (record, chunk) => {
      fetched.push(chunk.path)
      await server
      fetched.pop()
      await fromServer(record, chunk)
    }
    const [one, other, last] = [await openLater(slow), await openLater(slow), await openLater(slow)]
    await Promise.all([one.file(PATH), other.file(PATH), last.file(PATH)])
    const found = Promise.all([one.later.next(), other.later.next()])
    await vi.waitFor(() => expect(fetched).toEqual([PATH]))
    // Long enough for the other to ask as well, if it did.
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(fetched).toEqual([PATH])
    sent()
    expect(await found).toEqual(['mended', 'mended'])
    expect(await last.later.next()).toBe('mended')
    expect(fetched).toEqual([PATH])
  })

  it('are mended by the next visit when this one ends in between', async () => {
    spoil(HASH, bytesOf(PATH))
    const reader = await openLater(() => Promise.reject(new AppError('network', 'The tab is gone.')))
    await reader.file(PATH)
    await expect(reader.later.next()).rejects.toThrow('gone')
    expect(chunks.has(HASH)).toBe(false)
    const next = await openLater()
    expect(await textOf(await next.file(PATH))).toBe(base64(bytesOf(PATH)))
    expect(fetched).toEqual([PATH])
  })

  it('that cannot be had again are said to be damaged, and the pack is not opened any more', async () => {
    spoil(HASH, bytesOf(PATH))
    const reader = await openLater(() => Promise.resolve())
    await reader.file(PATH)
    await expect(reader.later.next()).rejects.toMatchObject({ code: 'corrupt' })
    await expect(tab().open(id)).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('what was never verified is not given out', () => {
  it('where a chunk is missing or of another length, and what comes in its place is wrong', async () => {
    for (const there of [undefined, new Blob(['short'])]) {
      if (there === undefined) chunks.delete(HASH)
      else chunks.set(HASH, there)
      records.set(id, { ...(records.get(id) ?? expect.unreachable()), complete: true } as StoreRecord)
      const reader = await openLater((_, { sha256, path }) => {
        spoil(sha256, bytesOf(path))
        return Promise.resolve()
      })
      await expect(reader.file(PATH)).rejects.toMatchObject({ code: 'corrupt' })
    }
  })

  it('where it is no weights: graphs are hashed before anybody reads them', async () => {
    const graph = FILES.find(({ path }) => path.endsWith('.onnx'))?.path ?? ''
    spoil(hashOf(graph), bytesOf(graph))
    const reader = await openLater()
    expect(await textOf(await reader.file(graph))).toBe(base64(bytesOf(graph)))
    expect(fetched).toEqual([graph])
  })

  it('where nobody will hash it later any more', async () => {
    spoil(HASH, bytesOf(PATH))
    const reader = await openLater()
    await reader.file('q-former.weights')
    expect([await reader.later.next(), await reader.later.next()]).toEqual(['good', 'done'])
    expect(await textOf(await reader.file(PATH))).toBe(base64(bytesOf(PATH)))
    expect(fetched).toEqual([PATH])
  })

  it('where later was not asked for', async () => {
    spoil(HASH, bytesOf(PATH))
    const reader = await tab().open(id, { refetch: fromServer })
    expect(reader.later).toBeUndefined()
    expect(await textOf(await reader.file(PATH))).toBe(base64(bytesOf(PATH)))
  })
})

describe('chunks that are read at the same time', () => {
  const GRAPH = FILES.find(({ path }) => path.endsWith('.onnx'))?.path ?? ''

  /** Hashing waits until as many chunks are read, as it waits where it has to be fetched first. Gives when one is. */
  function hashedLate(readers: number): Promise<void> {
    let count = 0
    let [one, all]: (() => void)[] = []
    const first = new Promise<void>((resolve) => (one = resolve))
    const everything = new Promise<void>((resolve) => (all = resolve))
    const digest = crypto.subtle.digest.bind(crypto.subtle)
    vi.spyOn(crypto.subtle, 'digest').mockImplementation(async (name, bytes) => {
      count += 1
      if (count === 1) one?.()
      if (count === readers) all?.()
      await everything
      return digest(name, bytes)
    })
    return first
  }
  afterEach(() => void vi.restoreAllMocks())

  it('are each what they are: a good one is not said to be bad while another file is opened', async () => {
    const reader = await openLater()
    await reader.file(PATH)
    const isRead = hashedLate(2)
    const next = reader.later.next()
    await isRead
    expect(await textOf(await reader.file(GRAPH))).toBe(base64(bytesOf(GRAPH)))
    expect(await next).toBe('good')
    expect(fetched).toEqual([])
  })

  it('so are those of files that are hashed before they are given out, each once', async () => {
    const reader = await tab().open(id, { refetch: fromServer })
    const isRead = hashedLate(2)
    const weights = reader.file(PATH)
    await isRead
    expect(await textOf(await reader.file(GRAPH))).toBe(base64(bytesOf(GRAPH)))
    expect(await textOf(await weights)).toBe(base64(bytesOf(PATH)))
    expect(crypto.subtle.digest).toHaveBeenCalledTimes(2)
  })

  it('so are two that are hashed later at once', async () => {
    const reader = await openLater()
    await reader.file(PATH)
    const isRead = hashedLate(2)
    const next = reader.later.next()
    await isRead
    expect(await reader.later.next()).toBe('good')
    expect(await next).toBe('good')
  })
})

it('a good chunk is good where reading it fails in passing', async () => {
  const reader = await openLater()
  await reader.file(PATH)
  vi.spyOn(BlobReader.prototype, 'read').mockRejectedValueOnce(
    new RangeError('Array buffer allocation failed'),
  )
  const found = await reader.later.next()
  vi.restoreAllMocks()
  expect(found).toBe('good')
  expect(fetched).toEqual([])
})

it('a chunk whose hash could not be made is not thrown away', async () => {
  const reader = await openLater()
  vi.spyOn(crypto.subtle, 'digest').mockRejectedValueOnce(new Error('Hashing is not to be had.'))
  await expect(reader.file(FILES.find(({ path }) => path.endsWith('.onnx'))?.path ?? '')).rejects.toThrow(
    'not to be had',
  )
  vi.restoreAllMocks()
  expect(fetched).toEqual([])
  expect(chunks.size).toBe(new Set(FILES.map(({ path }) => hashOf(path))).size)
})

it('weights that are looked up while later comes to its end are hashed before they are given out', async () => {
  const reader = await openLater()
  spoil(HASH, bytesOf(PATH))
  const [file, found] = await Promise.all([reader.file(PATH), reader.later.next()])
  expect(found).toBe('done')
  expect(await textOf(file)).toBe(base64(bytesOf(PATH)))
})
