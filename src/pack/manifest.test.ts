import { describe, expect, it } from 'vitest'
import { manifestOfFormat1 } from '../../testing/manifests/format-1.ts'
import { goodManifest } from '../../testing/manifests/manifests.ts'
import { chunkSizes, CHUNK_BYTES } from './chunks.ts'
import { chunksOf, lookKey, parseManifest } from './manifest.ts'

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

  const { vision, decoder } = good.parts
  const withDecoder = (shape: object): object => ({
    ...good,
    parts: { ...good.parts, decoder: { ...decoder, shape: { ...decoder.shape, ...shape } } },
  })
  const withVision = (shape: object): object => ({
    ...good,
    parts: { ...good.parts, vision: { ...vision, shape: { ...vision.shape, ...shape } } },
  })
  const renamed = (path: string, other: string): object => ({
    ...good,
    files: good.files.map((one) => (one.path === path ? { ...one, path: other } : one)),
  })

  it.each<[string, object, RegExp]>([
    ['a family of another time', { ...good, family: 'blip9' }, /does not know its family, "blip9"/],
    ['a family that every object has', { ...good, family: 'constructor' }, /family/],
    [
      'queries without end',
      withDecoder({ queries: 2 ** 50 }),
      /parts\.decoder\.shape\.queries must be a whole/,
    ],
    ['heads as a list', withDecoder({ heads: [2] }), /parts\.decoder\.shape\.heads must be a whole number/],
    ['heads that do not divide', withDecoder({ heads: 5 }), /shape\.heads .* hidden size, 24/],
    ['an ending outside the vocabulary', withDecoder({ eosIds: [100] }), /eosIds names an id outside/],
    ['an ending said twice', withDecoder({ eosIds: [5, 5] }), /eosIds names an id twice/],
    ['no ending', withDecoder({ eosIds: [] }), /eosIds must be a list of 1 to 64/],
    [
      'more rows than it has weights',
      withVision({ imageSize: 4088, tokens: 292 ** 2 + 1 }),
      /vision\.shape needs \d+ bytes of weights or more/,
    ],
    ['queries of another number', withDecoder({ queries: 5 }), /queries must be the Q-Former's, 4/],
    [
      'a graph that is not listed',
      { ...good, parts: { ...good.parts, vision: { ...vision, graphs: { wasm: '../../x' } } } },
      /vision\.graphs\.wasm names \.\.\/\.\.\/x, which is not among the files/,
    ],
    [
      'a graph that is a tokenizer',
      { ...good, parts: { ...good.parts, vision: { ...vision, graphs: { wasm: 'tokenizer.json' } } } },
      /something else already/,
    ],
    [
      'a list of graphs',
      { ...good, parts: { ...good.parts, vision: { ...vision, graphs: [] } } },
      /must be an object/,
    ],
    [
      'weights that are not there',
      renamed('vision.weights', 'other.weights'),
      /vision\.weights, which is not among/,
    ],
    [
      'a file named as the manifest',
      { ...good, files: [...good.files, { ...file, path: 'Pack.json' }] },
      /is taken: Pack\.json/,
    ],
    [
      'names that differ in case',
      { ...good, files: [...good.files, { ...file, path: 'Vision.Weights' }] },
      /is taken: Vision/,
    ],
    [
      "a name that is another's chunk",
      { ...good, files: [...good.files, { ...file, path: 'decoder.weights.001' }] },
      /is taken/,
    ],
    [
      'a device of Windows',
      { ...good, files: [...good.files, { ...file, path: 'nul.json' }] },
      /is taken: nul\.json/,
    ],
    [
      'a name that every object has',
      { ...good, files: [...good.files, { ...file, path: '__proto__' }] },
      /plain file name/,
    ],
    [
      'a mean below zero',
      { ...good, preprocessing: { ...good.preprocessing, mean: [0, -1, 0] } },
      /preprocessing\.mean\.1 must be a number from 0/,
    ],
    [
      'a deviation of zero',
      { ...good, preprocessing: { ...good.preprocessing, std: [1, 1, 0] } },
      /preprocessing\.std\.2/,
    ],
    [
      'another picture size',
      { ...good, preprocessing: { ...good.preprocessing, size: 56 } },
      /must be the image size, 28/,
    ],
    ['fewer parameters than parts need', { ...good, parameters: 10 }, /parameters must be at least/],
  ])('refuses %s and names the field', (_, manifest, sentence) => {
    expect(() => parseManifest(JSON.stringify(manifest))).toThrow(
      expect.objectContaining({ code: 'bad-pack', message: expect.stringMatching(sentence) as string }),
    )
  })

  it('refuses what is not JSON', () => {
    expect(() => parseManifest('<!doctype html>')).toThrow(expect.objectContaining({ code: 'bad-pack' }))
  })
})

describe('a manifest of format 1', () => {
  const old = manifestOfFormat1()

  it('becomes the same in memory as one of format 2', () => {
    const { version, family, parts, ...rest } = parseManifest(JSON.stringify(old))
    const { shape, graphs, ...same } = old as { [key: string]: unknown; shape: Record<string, object> }
    expect({ version, family, ...rest }).toEqual({ ...same, version: 2, family: 'blip2-opt' })
    expect(parts).toEqual({
      vision: { graphs: graphsOf(graphs, 'vision'), weights: 'vision.weights', shape: shape['vision'] },
      'q-former': {
        graphs: graphsOf(graphs, 'q-former'),
        weights: 'q-former.weights',
        shape: { ...shape['qFormer'], embeddingSize: 160 },
      },
      decoder: {
        graphs: graphsOf(graphs, 'decoder'),
        weights: 'decoder.weights',
        shape: { ...shape['text'], queries: 32 },
      },
    })
  })

  it('keeps the key under which its looks are kept', () => {
    expect(lookKey(parseManifest(JSON.stringify(old)))).toBe('cc81c67eafe0a1c0-70cf732c31c1b18f')
  })

  it.each<[string, object, RegExp]>([
    ['no shape', { ...old, shape: null }, /shape\.vision\.imageSize is missing/],
    [
      'no words',
      { ...old, shape: { ...(old['shape'] as object), text: {} } },
      /shape\.text\.hiddenSize is missing/,
    ],
    ['no graphs', { ...old, graphs: {} }, /graphs\.vision is missing/],
    ['no preprocessing', { ...old, preprocessing: undefined }, /preprocessing is missing/],
  ])('is refused with %s, by its own names', (_, manifest, sentence) => {
    expect(() => parseManifest(JSON.stringify(manifest))).toThrow(sentence)
  })
})

function graphsOf(graphs: unknown, part: string): unknown {
  return (graphs as Record<string, unknown>)[part]
}

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
