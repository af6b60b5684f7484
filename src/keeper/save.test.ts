import { mkdtempSync, openAsBlob, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  NEVER_STOPPED,
  openBrowser,
  requestOf,
  serveFiles,
  smallPack,
  type Browser,
} from '../../testing/keeper/tabs.ts'
import { CHUNK_BYTES } from '../pack/chunks.ts'
import { parseManifest } from '../pack/manifest.ts'
import { savePack } from './save.ts'

let kept: Browser
let id: string
let files: Map<string, Uint8Array<ArrayBuffer>>

beforeAll(async () => {
  files = await smallPack()
  const server = await serveFiles(files)
  kept = openBrowser()
  id = await kept.tab().add(requestOf(server.origin))
  await server.close()
})

type Step = 'open' | 'write'

/** A folder in memory. `before` is called ahead of each step with a file, and may throw as a disk would. */
function folderOf(
  written: Map<string, Uint8Array>,
  before: (step: Step) => void = () => undefined,
): FileSystemDirectoryHandle {
  const getFileHandle = (path: string): Promise<unknown> => {
    before('open')
    return Promise.resolve({
      createWritable: () => {
        const pieces: Uint8Array[] = []
        return Promise.resolve(
          new WritableStream<Uint8Array>({
            write: (piece) => {
              before('write')
              pieces.push(piece)
            },
            close: () => void written.set(path, Buffer.concat(pieces)),
          }),
        )
      },
    })
  }
  const removeEntry = (path: string): Promise<void> =>
    written.delete(path) ? Promise.resolve() : Promise.reject(new DOMException('None.', 'NotFoundError'))
  // What saving calls of a folder is all here.
  return { getFileHandle, removeEntry } as unknown as FileSystemDirectoryHandle
}

function save(
  browser: Browser,
  folder: FileSystemDirectoryHandle | null,
  signal = NEVER_STOPPED,
  onBytes: (done: number, total: number) => void = () => undefined,
): Promise<Blob | null> {
  return savePack(browser.tab().parts.store, id, folder, { signal, onBytes })
}

const same = (saved: ReadonlyMap<string, Uint8Array>): void => {
  expect([...saved.keys()].sort()).toEqual([...files.keys()].sort())
  for (const [path, bytes] of files)
    expect(Buffer.compare(saved.get(path) ?? new Uint8Array(), bytes)).toBe(0)
}

describe('a kept pack leaves the browser', () => {
  it('into a folder, file by file, the manifest last', async () => {
    const written = new Map<string, Uint8Array>()
    const seen: [number, number][] = []
    expect(await save(kept, folderOf(written), NEVER_STOPPED, (...bytes) => seen.push(bytes))).toBeNull()
    same(written)
    expect([...written.keys()].at(-1)).toBe('pack.json')
    expect(seen.at(-1)?.[0]).toBe(seen.at(-1)?.[1])
    expect(seen).toEqual([...seen].sort(([a], [b]) => a - b))
  })

  it('as one ZIP file where there is no folder', async () => {
    const zip = await save(kept, null)
    same(new Map(Object.entries(unzipSync(new Uint8Array((await zip?.arrayBuffer()) ?? new ArrayBuffer())))))
  })
})

describe('a large pack as a ZIP file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'save-'))
  const path = join(folder, 'chunk')
  beforeAll(() => {
    writeFileSync(path, '')
    truncateSync(path, CHUNK_BYTES)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  /** A browser whose pack has a file of `count` chunks more, all of them one file on the disk. */
  async function withChunks(count: number): Promise<Browser> {
    const browser = kept.crash()
    const sha256 = 'a'.repeat(64)
    browser.tables.chunks.set(sha256, await openAsBlob(path))
    const record = browser.tables.records.get(id)
    if (record?.kind !== 'pack') throw new Error('There is no pack.')
    const manifest = parseManifest(record.manifest)
    const file = manifest.files.find((one) => one.path === 'vision.weights')
    const chunks = Array.from({ length: count }, () => ({ bytes: CHUNK_BYTES, sha256 }))
    Object.assign(file ?? {}, { bytes: count * CHUNK_BYTES, chunks })
    browser.tables.records.set(id, { ...record, manifest: JSON.stringify(manifest) })
    return browser
  }

  it('refers to what is kept: it is in memory neither while it is made nor afterwards', async () => {
    const browser = await withChunks(10)
    let most = 0
    const before = process.memoryUsage().arrayBuffers
    const zip = await save(browser, null, NEVER_STOPPED, () => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    })
    expect(zip?.size).toBeGreaterThan(10 * CHUNK_BYTES)
    // Pieces that the collector has not taken yet are counted, too; held chunks would be more than ten.
    expect(most).toBeLessThan(4 * CHUNK_BYTES)
  })

  it('is cancelled in the midst of a chunk', async () => {
    const browser = await withChunks(4)
    const stop = new AbortController()
    const seen: number[] = []
    const saving = save(browser, null, stop.signal, (done) => {
      seen.push(done)
      // The first of the large chunks is being read by then.
      if (done >= CHUNK_BYTES) setImmediate(() => stop.abort())
    })
    await expect(saving).rejects.toMatchObject({ code: 'cancelled' })
    expect(seen.filter((done) => done >= CHUNK_BYTES)).toHaveLength(1)
  })

  it('says what is damaged when a chunk cannot be read any more', async () => {
    const browser = await withChunks(1)
    truncateSync(path, 10)
    try {
      await expect(save(browser, null)).rejects.toMatchObject({
        code: 'corrupt',
        message: expect.stringContaining('vision.weights') as string,
      })
    } finally {
      truncateSync(path, CHUNK_BYTES)
    }
  })
})

describe('half a copy is no pack', () => {
  /** Fails at the third file. */
  const failing =
    (fail: () => void, at: Step = 'open'): ((step: Step) => void) =>
    (step) => {
      if (step !== at) return
      count += 1
      if (count === 3) fail()
    }
  let count = 0

  it.each<[string, () => void, string, RegExp]>([
    [
      'on a full disk',
      () => {
        throw new DOMException('Full.', 'QuotaExceededError')
      },
      'no-space',
      /disk is full/,
    ],
    [
      'when the permission is taken back',
      () => {
        throw new DOMException('Denied.', 'NotAllowedError')
      },
      'forbidden',
      /choose it again and allow it/,
    ],
    [
      'when the folder is gone',
      () => {
        throw new DOMException('Gone.', 'NotFoundError')
      },
      'bad-usage',
      /cannot be written into this folder/,
    ],
  ])('%s, nor is what lay there before', async (_, fail, code, sentence) => {
    for (const step of ['open', 'write'] as const) {
      count = 0
      const written = new Map([['pack.json', new Uint8Array()]])
      await expect(save(kept, folderOf(written, failing(fail, step)))).rejects.toMatchObject({
        code,
        message: expect.stringMatching(sentence) as string,
      })
      expect(written.has('pack.json')).toBe(false)
      expect(written.size).toBe(2)
    }
  })

  it('when it is cancelled', async () => {
    count = 0
    const written = new Map<string, Uint8Array>()
    const stop = new AbortController()
    const folder = folderOf(
      written,
      failing(() => stop.abort()),
    )
    await expect(save(kept, folder, stop.signal)).rejects.toMatchObject({ code: 'cancelled' })
    expect(written.has('pack.json')).toBe(false)
  })

  it('when another tab deletes the model, which is what it says', async () => {
    count = 0
    const browser = kept.crash()
    const { store } = browser.tab().parts
    const written = new Map<string, Uint8Array>()
    const folder = folderOf(
      written,
      failing(() => {
        browser.tables.records.delete(id)
        browser.tables.chunks.clear()
      }),
    )
    await expect(
      savePack(store, id, folder, { signal: NEVER_STOPPED, onBytes: () => undefined }),
    ).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('deleted meanwhile') as string,
    })
    expect(written.has('pack.json')).toBe(false)
  })

  it('when a part of it is damaged', async () => {
    const browser = kept.crash()
    const [hash = ''] = browser.tables.chunks.keys()
    browser.tables.chunks.set(hash, new Blob(['bad']))
    await expect(save(browser, null)).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('when there is only half of it here', async () => {
    const browser = kept.crash()
    const record = browser.tables.records.get(id)
    if (record?.kind === 'pack') browser.tables.records.set(id, { ...record, complete: false })
    await expect(save(browser, null)).rejects.toMatchObject({ code: 'not-found' })
  })
})
