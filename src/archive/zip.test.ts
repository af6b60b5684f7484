import { mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unzipSync, zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { crc32 } from './crc32.ts'
import { BEYOND_32, SIGNATURE } from './zip-format.ts'
import { isZip, readDirectory, readEntry } from './zip-reader.ts'
import { ZipWriter } from './zip-writer.ts'

const MOMENT = new Date(2026, 10, 27, 12, 30, 10)
const FILES = { 'a.txt': 'hello', 'dir/ünï.txt': 'wörld', empty: '' }

async function zipOf(files: Record<string, string>): Promise<Blob> {
  const zip = new ZipWriter(MOMENT)
  for (const [name, text] of Object.entries(files)) await zip.add(name, new Blob([text]))
  return zip.finish()
}

async function textsIn(file: Blob): Promise<Record<string, string>> {
  const texts: Record<string, string> = {}
  for (const [name, entry] of await readDirectory(file, 100))
    texts[name] = await (await readEntry(file, entry)).text()
  return texts
}

async function bytesOf(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await file.arrayBuffer())
}

describe('the checksum', () => {
  it('is CRC-32, in one piece or in several', () => {
    const check = new TextEncoder().encode('123456789')
    // The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms.
    expect(crc32(check)).toBe(0xcbf43926)
    for (let cut = 0; cut <= check.length; cut += 1)
      expect(crc32(check.subarray(cut), crc32(check.subarray(0, cut)))).toBe(0xcbf43926)
  })
})

describe('a ZIP file', () => {
  it('comes back as it went out', async () => {
    const file = await zipOf(FILES)
    expect(await isZip(file)).toBe(true)
    expect(await textsIn(file)).toEqual(FILES)
  })

  it('is read by other programs', async () => {
    const unpacked = unzipSync(await bytesOf(await zipOf(FILES)))
    const texts = Object.entries(unpacked).map(([name, bytes]) => [name, new TextDecoder().decode(bytes)])
    expect(Object.fromEntries(texts)).toEqual(FILES)
  })

  it('of another program is read when its entries are stored, and refused in a sentence when they are not', async () => {
    const bytes = { 'a.txt': new TextEncoder().encode('hello hello hello hello') }
    expect(await textsIn(new Blob([zipSync(bytes, { level: 0 }).slice()]))).toEqual({
      'a.txt': 'hello hello hello hello',
    })
    await expect(textsIn(new Blob([zipSync(bytes, { level: 9 }).slice()]))).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringContaining('a.txt is compressed') as string,
    })
  })

  it('refers to what was added instead of copying it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zip-'))
    try {
      const path = join(folder, 'large')
      writeFileSync(path, new Uint8Array(32 * 2 ** 20).fill(1))
      const zip = new ZipWriter(MOMENT)
      const before = process.memoryUsage().arrayBuffers
      for (let i = 0; i < 8; i += 1) await zip.add(`${i}`, await openAsBlob(path))
      const file = zip.finish()
      expect(file.size).toBeGreaterThan(8 * 32 * 2 ** 20)
      // Half of it: what the collector has not taken yet is counted, too.
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 32 * 2 ** 20)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('of more than 65,535 entries is written and read in the 64-bit form', async () => {
    const zip = new ZipWriter(MOMENT)
    for (let i = 0; i < 70_000; i += 1) await zip.add(`${i}`, EMPTY)
    const file = zip.finish()
    expect((await readDirectory(file, 70_000)).size).toBe(70_000)
    await expect(readDirectory(file, 69_999)).rejects.toMatchObject({ code: 'bad-file' })
  })

  it('with entries behind 4 GiB is read', async () => {
    // The offset and the sizes stand in the extra field; the bytes themselves are near the beginning.
    const file = await bytesOf(await zipOf({ 'a.txt': 'hello' }))
    const view = new DataView(file.buffer)
    const start = findSignature(view, SIGNATURE.directoryEntry)
    const end = findSignature(view, SIGNATURE.endOfDirectory)
    const entry = file.slice(start, end)
    const extra = new DataView(new ArrayBuffer(4 + 24))
    extra.setUint16(0, 1, true)
    extra.setUint16(2, 24, true)
    extra.setBigUint64(4, 5n, true)
    extra.setBigUint64(12, 5n, true)
    extra.setBigUint64(20, 0n, true)
    const fields = new DataView(entry.buffer)
    for (const at of [20, 24, 42]) fields.setUint32(at, BEYOND_32, true)
    fields.setUint16(30, 28, true)
    const last = file.slice(end)
    new DataView(last.buffer).setUint32(12, entry.length + 28, true)
    expect(await textsIn(new Blob([file.slice(0, start), entry, extra.buffer, last]))).toEqual({
      'a.txt': 'hello',
    })
  })

  it('that is cut off, changed or made up anywhere is refused, and nothing else happens', async () => {
    const whole = await bytesOf(await zipOf(FILES))
    for (let length = 0; length < whole.length; length += 1)
      await refused(textsIn(new Blob([whole.slice(0, length)])), `the first ${length} bytes`)
    for (let at = 0; at < whole.length; at += 1) {
      for (const value of [0, 0xff, (whole[at] ?? 0) ^ 1]) {
        const changed = whole.slice()
        changed[at] = value
        await refused(textsIn(new Blob([changed])), `byte ${at} as ${value}`, true)
      }
    }
  })

  it('whose entries lie upon each other is refused', async () => {
    const file = await bytesOf(await zipOf({ a: 'x'.repeat(1000), b: 'x'.repeat(1000) }))
    const view = new DataView(file.buffer)
    const first = findSignature(view, SIGNATURE.directoryEntry)
    // Ten times the same entry under other names: a small file that unpacks to a large one.
    const entry = file.slice(first, first + 47)
    const end = file.slice(findSignature(view, SIGNATURE.endOfDirectory))
    new DataView(end.buffer).setUint16(10, 10, true)
    new DataView(end.buffer).setUint32(12, 470, true)
    const names = Array.from({ length: 10 }, (_, i) => {
      const copy = entry.slice()
      copy[46] = 48 + i
      return copy
    })
    await expect(textsIn(new Blob([file.slice(0, first), ...names, end]))).rejects.toMatchObject({
      code: 'bad-file',
    })
  })
})

const EMPTY = new Blob([])

function findSignature(view: DataView, signature: number): number {
  for (let at = 0; at + 4 <= view.byteLength; at += 1) if (view.getUint32(at, true) === signature) return at
  throw new Error('There is no such record.')
}

/** Fails unless it rejects with `bad-file`, or with `mayPass` comes out as what the files hold. */
async function refused(
  reading: Promise<Record<string, string>>,
  what: string,
  mayPass = false,
): Promise<void> {
  const outcome = await reading.then(
    (texts) => (mayPass && Object.values(texts).every((text) => TEXTS.includes(text)) ? 'bad-file' : 'read'),
    (error: unknown) => (error as { code?: string }).code,
  )
  expect(outcome, what).toBe('bad-file')
}

const TEXTS: string[] = Object.values(FILES)
