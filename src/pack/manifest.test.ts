import { describe, expect, it } from 'vitest'
import { goodManifest } from '../../testing/manifests/manifests.ts'
import { chunkSizes, CHUNK_BYTES } from './chunks.ts'
import { chunksOf, parseManifest } from './manifest.ts'

const good = goodManifest()
const file = { path: 'more.json', bytes: 3, chunks: [{ bytes: 3, sha256: '0'.repeat(64) }] }

describe('parseManifest', () => {
  it('takes what the converter writes', () => {
    expect(parseManifest(JSON.stringify(good))).toEqual(good)
  })

  it.each<[string, object]>([
    ['another format', { ...good, format: 'zip' }],
    ['a later version', { ...good, version: 3 }],
    ['an unknown precision', { ...good, precision: 'q1' }],
    ['a path that climbs out', { ...good, files: [...good.files, { ...file, path: '../x' }] }],
    ['a path with a folder', { ...good, files: [...good.files, { ...file, path: 'a/b' }] }],
    ['an absolute path', { ...good, files: [...good.files, { ...file, path: '/etc/passwd' }] }],
    ['a negative size', { ...good, files: [...good.files, { ...file, bytes: -1 }] }],
    ['an absurd size', { ...good, files: [...good.files, { ...file, bytes: 2 ** 60 }] }],
    ['chunks that do not add up', { ...good, files: [...good.files, { ...file, bytes: 4 }] }],
    [
      'a hash that is none',
      { ...good, files: [...good.files, { ...file, chunks: [{ bytes: 3, sha256: 'x' }] }] },
    ],
    ['the same file twice', { ...good, files: [...good.files, file, file] }],
    ['a million files', { ...good, files: Array.from({ length: 1_000_000 }, () => 0) }],
    ['a name that is no text', { ...good, name: {} }],
    ['a licence of a megabyte', { ...good, licence: 'x'.repeat(2 ** 20) }],
    ['tensors that are no names', { ...good, unknownTensors: [{}] }],
    ['no parts', { ...good, parts: null }],
  ])('refuses %s', (_, manifest) => {
    expect(() => parseManifest(JSON.stringify(manifest))).toThrow(
      expect.objectContaining({ code: 'bad-pack' }),
    )
  })

  it('refuses what is not JSON', () => {
    expect(() => parseManifest('<!doctype html>')).toThrow(expect.objectContaining({ code: 'bad-pack' }))
  })
})

describe('chunks', () => {
  it.each([0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES - 1, 2 * CHUNK_BYTES, 10 * CHUNK_BYTES + 5])(
    'of %i bytes have 16 to 32 MiB each and add up',
    (bytes) => {
      const sizes = chunkSizes(bytes)
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(bytes)
      if (bytes > CHUNK_BYTES) for (const size of sizes) expect(size).toBeGreaterThanOrEqual(CHUNK_BYTES)
      for (const size of sizes) expect(size).toBeLessThan(2 * CHUNK_BYTES)
    },
  )

  it('are named after their file unless they are the whole of it', () => {
    const sha256 = '0'.repeat(64)
    expect(chunksOf({ path: 'a', bytes: 1, chunks: [{ bytes: 1, sha256 }] })[0]?.path).toBe('a')
    const two = [CHUNK_BYTES, CHUNK_BYTES].map((bytes) => ({ bytes, sha256 }))
    expect(chunksOf({ path: 'a', bytes: 2 * CHUNK_BYTES, chunks: two }).map(({ path }) => path)).toEqual([
      'a.000',
      'a.001',
    ])
  })
})
