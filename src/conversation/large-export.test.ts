/**
 * An export that is too large for one text, written and read back whole, over files on disk. `EXPORT_BYTES` says how
 * many bytes of pictures: in every run a few, so that it takes seconds; `EXPORT_BYTES=1e9` is the size that people have.
 */
import { createHash } from 'node:crypto'
import { createWriteStream, mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { writeArchive } from './archive-file.ts'
import { readExport } from './exchange.ts'
import type { Conversation } from './conversation.ts'

const TOTAL_BYTES = Number(process.env['EXPORT_BYTES'] ?? 2 ** 28)
const PICTURE_BYTES = 2 ** 24
/** Bytes of buffers at any time, whatever the size of the export; 16 MiB of them are the test's own. */
const MOST_IN_MEMORY = 2 ** 27

let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'large-export-'))))
afterAll(() => rmSync(folder, { recursive: true }))

it(
  'writes and reads back an export of any size without having it in memory',
  { timeout: 600_000 },
  async () => {
    const count = Math.ceil(TOTAL_BYTES / PICTURE_BYTES)
    const conversations: Conversation[] = []
    const files = new Map<string, string>()
    const hashes: string[] = []
    for (let i = 0; i < count; i += 1) {
      const bytes = noise(i)
      hashes.push(createHash('sha256').update(bytes).digest('hex'))
      files.set(`p${i}`, join(folder, `${i}.png`))
      writeFileSync(join(folder, `${i}.png`), bytes)
      conversations.push({
        id: `c${i}`,
        changedAt: i,
        pictures: [{ id: `p${i}`, name: `${i}` }],
        turns: [],
        chosen: {},
      })
    }
    const memory = new Watermark()
    const begin = performance.now()
    const imageOf = (id: string): Promise<Blob> => openAsBlob(files.get(id) ?? '', { type: 'image/png' })
    const { file } = await writeArchive(conversations, imageOf, {
      modified: new Date(),
      onBytes: () => memory.look(),
    })
    const path = join(folder, 'export.zip')
    // Blob's stream is the web's; Node's types tell the two apart.
    await pipeline(
      Readable.fromWeb(file.stream() as ReadableStream),
      async function* (pieces) {
        for await (const piece of pieces) {
          memory.look()
          yield piece as Uint8Array
        }
      },
      createWriteStream(path),
    )
    const written = performance.now()

    let id = 0
    const onDisk = await openAsBlob(path)
    expect(onDisk.size).toBe(file.size)
    const read = await readExport(onDisk, () => `new${(id += 1)}`, { onBytes: () => memory.look() })
    const seconds = [written - begin, performance.now() - written].map((ms) => (ms / 1000).toFixed(1))
    expect(read.conversations).toHaveLength(count)
    expect(read.pictures).toHaveLength(count)
    for (const [i, { image }] of read.pictures.entries())
      expect(
        createHash('sha256')
          .update(new Uint8Array(await image.arrayBuffer()))
          .digest('hex'),
      ).toBe(hashes[i])
    const megabytes = [file.size, memory.buffers, memory.all].map((bytes) => Math.round(bytes / 1e6))
    console.warn(
      `${megabytes[0]} MB: written in ${seconds[0]} s, read in ${seconds[1]} s, at most ${megabytes[1]} MB of buffers, ${megabytes[2]} MB in all`,
    )
    expect(memory.buffers).toBeLessThan(MOST_IN_MEMORY)
  },
)

const words = new Uint32Array(PICTURE_BYTES / 4)

/** Bytes that no two pictures share, from a linear congruential generator (Numerical Recipes); always the same buffer. */
function noise(seed: number): Uint8Array<ArrayBuffer> {
  for (let i = 0, state = seed + 1; i < words.length; i += 1)
    words[i] = state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return new Uint8Array(words.buffer)
}

/** How many bytes of buffers and in all there were at once. */
class Watermark {
  buffers = 0
  all = 0

  look(): void {
    const { arrayBuffers, rss } = process.memoryUsage()
    this.buffers = Math.max(this.buffers, arrayBuffers)
    this.all = Math.max(this.all, rss)
  }
}
