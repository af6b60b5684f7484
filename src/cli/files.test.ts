import { copyFile, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { manifestAround } from '../../testing/manifests/manifests.ts'
import { inspectCheckpoint } from '../convert/inspect.ts'
import { sha256Hex } from '../pack/bytes.ts'
import { CHUNK_BYTES, chunkSizes } from '../pack/chunks.ts'
import { folderSink, folderTree, openPackFolder } from './files.ts'

vi.mock(import('../pack/chunks.ts'), async (actual) => {
  const { smallChunks } = await import('../../testing/small-chunks.ts')
  return smallChunks(await actual())
})

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pictalk-files-'))
})
afterAll(() => rm(root, { recursive: true }))

const folder = (): Promise<string> => mkdtemp(join(root, 'f-'))
const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
const decode = (bytes: ArrayBuffer): string => new TextDecoder().decode(bytes)

describe('folderTree', () => {
  it('gives ranges of a file, through symbolic links too', async () => {
    const path = await folder()
    await writeFile(join(path, 'blob'), '0123456789')
    await symlink('blob', join(path, 'model.safetensors'))
    const source = await folderTree(path).open('model.safetensors')
    expect(source?.byteLength).toBe(10)
    expect(decode((await source?.slice(3, 6)) ?? new ArrayBuffer())).toBe('345')
    expect((await source?.slice(10, 10))?.byteLength).toBe(0)
  })

  it('names weights whose link leads nowhere, as in a cache that was cleared', async () => {
    const path = await folder()
    await copyFile('models/reference/short-tied/config.json', join(path, 'config.json'))
    await symlink('../../blobs/0123', join(path, 'model.safetensors'))
    await expect(inspectCheckpoint(folderTree(path), 'q8')).rejects.toMatchObject({
      code: 'bad-checkpoint',
      message: expect.stringMatching(/^model\.safetensors is a link that leads nowhere/) as string,
    })
  })

  it('gives undefined for what is not there, and for a folder', async () => {
    const path = await folder()
    expect(await folderTree(path).open('a')).toBeUndefined()
    expect(await folderTree(root).open(path.slice(root.length + 1))).toBeUndefined()
  })

  it('refuses a range beyond the end, and one that is upside down', async () => {
    const path = await folder()
    await writeFile(join(path, 'a'), '0123')
    const source = await folderTree(path).open('a')
    await expect(source?.slice(2, 5)).rejects.toThrow(RangeError)
    await expect(source?.slice(3, 2)).rejects.toThrow(RangeError)
    await expect(source?.slice(-1, 2)).rejects.toThrow(RangeError)
  })

  it('notices that a file changed after it was opened', async () => {
    const path = await folder()
    await writeFile(join(path, 'a'), '0123')
    const source = await folderTree(path).open('a')
    await utimes(join(path, 'a'), 1, 1)
    await expect(source?.slice(0, 4)).rejects.toMatchObject({ code: 'bad-checkpoint' })
    expect((await folderTree(path).open('a'))?.version).not.toBe(source?.version)
  })

  it('says that a folder is missing, and stays within the one it was given', async () => {
    await expect(folderTree(join(root, 'none')).open('a')).rejects.toMatchObject({ code: 'not-found' })
    const path = await folder()
    for (const outside of ['../a', '/etc/passwd', '.', 'a/../../b']) {
      await expect(folderTree(path).open(outside)).rejects.toMatchObject({ code: 'bad-usage' })
    }
  })

  it('reads nothing after a cancel', async () => {
    const path = await folder()
    await writeFile(join(path, 'a'), '0123')
    const source = await folderTree(path).open('a')
    await expect(source?.slice(0, 4, AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' })
  })
})

describe('folderSink', () => {
  it('writes, replaces, reads and removes, makes the folder, and leaves no temporary file', async () => {
    const path = join(await folder(), 'new', 'pack')
    const sink = folderSink(path)
    expect(await sink.read('a.bin')).toBeUndefined()
    await sink.write('a.bin', encode('first, and longer'))
    await sink.write('a.bin', encode('second'))
    expect(new TextDecoder().decode(await sink.read('a.bin'))).toBe('second')
    expect(await readdir(path)).toEqual(['a.bin'])
    await sink.remove('a.bin')
    await sink.remove('a.bin')
    expect(await readdir(path)).toEqual([])
  })

  it('refuses paths that leave the folder', async () => {
    const sink = folderSink(await folder())
    for (const outside of ['../a', '/tmp/a', '', 'a/../../b']) {
      await expect((async () => sink.write(outside, encode('x')))()).rejects.toMatchObject({
        code: 'bad-usage',
      })
      await expect(sink.read(outside)).rejects.toMatchObject({ code: 'bad-usage' })
      await expect(sink.remove(outside)).rejects.toMatchObject({ code: 'bad-usage' })
    }
  })

  it('keeps the old file when the new one cannot be written', async () => {
    const path = await folder()
    const sink = folderSink(path)
    await sink.write('a', encode('old'))
    // A folder where the temporary file would go.
    await folderSink(join(path, 'a.part')).write('x', encode('x'))
    await expect(sink.write('a', encode('new'))).rejects.toMatchObject({ code: 'bad-usage' })
    expect(await readFile(join(path, 'a'), 'utf8')).toBe('old')
  })

  it('may give a file the longest name that there is, and asks for longer ones in vain', async () => {
    const sink = folderSink(await folder())
    const name = 'ä'.repeat(125) + '.txt'
    await sink.write(name, encode('x'))
    expect(await sink.read(name)).toEqual(encode('x'))
    const longer = `${name}.txt`
    expect(await sink.read(longer)).toBeUndefined()
    await expect(sink.write(longer, encode('x'))).rejects.toMatchObject({ code: 'bad-usage' })
  })

  it('says so when a file stands where the folder should be', async () => {
    const path = await folder()
    await writeFile(join(path, 'pack'), '')
    await expect(folderSink(join(path, 'pack')).write('a', encode('x'))).rejects.toMatchObject({
      code: 'bad-usage',
    })
  })

  it.runIf(process.platform === 'linux')('calls a full disk a full disk', async () => {
    const path = await folder()
    await symlink('/dev/full', join(path, 'a.part'))
    await expect(folderSink(path).write('a', encode('x'))).rejects.toMatchObject({ code: 'no-space' })
  })
})

describe('openPackFolder', () => {
  const large = new Uint8Array(2 * CHUNK_BYTES + 7).map((_, i) => i % 251)

  async function packFolder(): Promise<string> {
    const path = await folder()
    const sizes = chunkSizes(large.length)
    const chunks: { bytes: number; sha256: string }[] = []
    for (const [i, bytes] of sizes.entries()) {
      const chunk = large.slice(i * CHUNK_BYTES, i * CHUNK_BYTES + bytes)
      await writeFile(join(path, `vision.weights.00${i}`), chunk)
      chunks.push({ bytes, sha256: await sha256Hex(chunk) })
    }
    const graph = encode('graph')
    await writeFile(join(path, 'vision.onnx'), graph)
    const files = [
      { path: 'vision.weights', bytes: large.length, chunks },
      { path: 'vision.onnx', bytes: 5, chunks: [{ bytes: 5, sha256: await sha256Hex(graph) }] },
    ]
    const manifest = manifestAround(files)
    await writeFile(join(path, 'pack.json'), JSON.stringify(manifest))
    return path
  }

  it('joins the chunks of a file', async () => {
    const pack = await openPackFolder(await packFolder())
    const bytes = await pack.file('vision.weights')
    expect(bytes instanceof Uint8Array && Buffer.compare(bytes, large)).toBe(0)
    expect(await pack.file('vision.onnx')).toEqual(encode('graph'))
  })

  it.each<[string, (path: string) => Promise<void>]>([
    ['a flipped byte', async (path) => writeFile(path, (await readFile(path)).fill(9, 5, 6))],
    ['a missing end', async (path) => writeFile(path, (await readFile(path)).subarray(1))],
    ['bytes too many', async (path) => writeFile(path, Buffer.concat([await readFile(path), Buffer.of(0)]))],
  ])('finds %s and names the chunk', async (_, damage) => {
    const path = await packFolder()
    await damage(join(path, 'vision.weights.001'))
    const pack = await openPackFolder(path)
    await expect(pack.file('vision.weights')).rejects.toMatchObject({
      code: 'corrupt',
      message: expect.stringContaining('vision.weights.001') as string,
    })
  })

  it('names a chunk that is missing, a file that no pack has, and a folder that is no pack', async () => {
    const path = await packFolder()
    await rm(join(path, 'vision.weights.000'))
    const pack = await openPackFolder(path)
    await expect(pack.file('vision.weights')).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('vision.weights.000') as string,
    })
    await expect(pack.file('../secret')).rejects.toMatchObject({ code: 'bad-pack' })
    await expect(openPackFolder(await folder())).rejects.toMatchObject({ code: 'not-found' })
    await expect(openPackFolder(join(root, 'none'))).rejects.toMatchObject({ code: 'not-found' })
  })

  it('stops between chunks when it is cancelled', async () => {
    const pack = await openPackFolder(await packFolder())
    await expect(pack.file('vision.weights', AbortSignal.abort())).rejects.toMatchObject({
      code: 'cancelled',
    })
  })
})
