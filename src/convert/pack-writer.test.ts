import { describe, expect, it, vi } from 'vitest'
import { sha256Hex, sinkInMemory, type ByteSource, type PackSink } from '../pack/bytes.ts'
import { CHUNK_BYTES } from '../pack/chunks.ts'
import { chunksOf, MANIFEST_PATH, type PackFile, type PackManifest } from '../pack/manifest.ts'
import { goodManifest } from '../../testing/manifests/manifests.ts'
import { openCheckpoint, type Checkpoint } from './checkpoint.ts'
import { LEDGER_PATH, openPackWriter, type WeightsProgress } from './pack-writer.ts'
import { alignUp, type Recipe, type WeightsPlan } from './weights.ts'

vi.mock(import('../pack/chunks.ts'), async (actual) => {
  const { smallChunks } = await import('../../testing/small-chunks.ts')
  return smallChunks(await actual())
})

const KIBIBYTE = 2 ** 10
const SOURCE = 'a'.repeat(64)

/** Ten tensors of 96 Ki float32 elements, so that every other one straddles two chunks of the 3.75 MiB they give. */
const NAMES = Array.from({ length: 10 }, (_, i) => `layer.${i}`)
const SHAPE = [384, 256]
const TENSOR_BYTES = 384 * KIBIBYTE

function shard(): ArrayBuffer {
  const entries = NAMES.map((name, i) => [
    name,
    { dtype: 'F32', shape: SHAPE, data_offsets: [i * TENSOR_BYTES, (i + 1) * TENSOR_BYTES] },
  ])
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)).padEnd(1016))
  const values = Float32Array.from(
    { length: (NAMES.length * TENSOR_BYTES) / 4 },
    (_, i) => ((i * 7919) % 10007) / 5000 - 1,
  )
  const file = new Uint8Array(8 + header.length + values.byteLength)
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true)
  file.set(header, 8)
  file.set(new Uint8Array(values.buffer), 8 + header.length)
  return file.buffer
}

const file = shard()

/** The checkpoint, with every read of it noted. */
async function openCounting(): Promise<{ checkpoint: Checkpoint; reads: number[] }> {
  const reads: number[] = []
  const source: ByteSource = {
    byteLength: file.byteLength,
    slice: (start, end) => {
      reads.push(end - start)
      return file.slice(start, end)
    },
  }
  const open = (path: string): Promise<ByteSource | undefined> =>
    Promise.resolve(path === 'model.safetensors' ? source : undefined)
  const checkpoint = await openCheckpoint({ open })
  reads.length = 0
  return { checkpoint, reads }
}

const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0)

/** Each tensor 64 bytes after the last, with a gap of alignment in between, and the last one quantised. */
function planOf(): WeightsPlan {
  let end = 0
  const place = (bytes: number): number => {
    const offset = alignUp(end + 1)
    end = offset + bytes
    return offset
  }
  const recipes = NAMES.map((tensor, i): Recipe => {
    const sources = [{ tensor, shape: SHAPE }]
    const [rows = 0, columns = 0] = SHAPE
    if (i < NAMES.length - 1) {
      const output = {
        name: tensor,
        type: 'float32' as const,
        dims: SHAPE,
        offset: place(TENSOR_BYTES),
        bytes: TENSOR_BYTES,
      }
      return { kind: 'store', sources, transpose: i === 4, output }
    }
    const packedBytes = (rows * columns) / 2
    const packed = {
      name: 'packed',
      type: 'uint8' as const,
      dims: [rows, columns / 2],
      offset: place(packedBytes),
      bytes: packedBytes,
    }
    const scaleBytes = rows * (columns / 32) * 4
    const scales = {
      name: 'scales',
      type: 'float32' as const,
      dims: [rows, columns / 32],
      offset: place(scaleBytes),
      bytes: scaleBytes,
    }
    return { kind: 'quantise', bits: 4, blockSize: 32, sources, rows, columns, packed, scales }
  })
  return { path: 'vision.weights', recipes, bytes: end }
}

type Files = Map<string, Uint8Array<ArrayBuffer>>

const plan = planOf()
const CHUNKS = ['vision.weights.000', 'vision.weights.001', 'vision.weights.002']

async function uninterrupted(): Promise<{ files: Files; file: PackFile }> {
  const files: Files = new Map()
  const writer = await openPackWriter(sinkInMemory(files), SOURCE)
  return { files, file: await writer.writeWeights(plan, (await openCounting()).checkpoint) }
}

const whole = uninterrupted()

async function expectSamePack(files: Files, packFile: PackFile): Promise<void> {
  const expected = await whole
  expect(packFile).toEqual(expected.file)
  for (const path of CHUNKS) {
    expect(
      Buffer.compare(files.get(path) ?? new Uint8Array(), expected.files.get(path) ?? new Uint8Array()),
      path,
    ).toBe(0)
  }
}

/** Runs until a tensor is done, then aborts: what a kill leaves behind, bar what memory held. */
async function abortAfter(tensor: string, sink: PackSink): Promise<void> {
  const stop = new AbortController()
  const onProgress = (progress: WeightsProgress): void => {
    if (progress.tensor === tensor) stop.abort()
  }
  const writer = await openPackWriter(sink, SOURCE)
  const { checkpoint } = await openCounting()
  const writing = writer.writeWeights(plan, checkpoint, { onProgress, signal: stop.signal })
  await expect(writing).rejects.toMatchObject({ code: 'cancelled' })
}

/** A pack in which the weights file that was written is the vision encoder's. */
function manifestOf(file: PackFile): PackManifest {
  const manifest = goodManifest()
  return { ...manifest, files: manifest.files.map((other) => (other.path === file.path ? file : other)) }
}

it('writes nothing any more once it has said that it was stopped', async () => {
  const files: Files = new Map()
  const memory = sinkInMemory(files)
  let begun = 0
  let ended = 0
  const slow: PackSink = {
    ...memory,
    write: async (path, bytes) => {
      begun += 1
      await new Promise((resolve) => setTimeout(resolve, 5))
      await memory.write(path, bytes)
      ended += 1
    },
  }
  await abortAfter('layer.3', slow)
  expect(files.has('vision.weights.000')).toBe(true)
  expect(ended).toBe(begun)
})

describe('writing weights', () => {
  it('cuts the file into chunks whose hashes are those of their bytes', async () => {
    const { files, file } = await whole
    expect(file.path).toBe('vision.weights')
    expect(sum(file.chunks.map(({ bytes }) => bytes))).toBe(plan.bytes)
    expect(chunksOf(file).map(({ path }) => path)).toEqual(CHUNKS)
    for (const { path, bytes, sha256 } of chunksOf(file)) {
      const written = files.get(path) ?? new Uint8Array()
      expect([written.length, await sha256Hex(written)]).toEqual([bytes, sha256])
    }
  })

  it('puts every output where the plan says and zeros in between', async () => {
    const { files } = await whole
    const bytes = Buffer.concat(CHUNKS.map((path) => files.get(path) ?? new Uint8Array()))
    const data = new Uint8Array(file, file.byteLength - NAMES.length * TENSOR_BYTES)
    let end = 0
    for (const [i, recipe] of plan.recipes.entries()) {
      if (recipe.kind !== 'store') continue
      const { offset, bytes: length } = recipe.output
      expect(bytes.subarray(end, offset).every((byte) => byte === 0)).toBe(true)
      end = offset + length
      if (recipe.transpose) continue
      const source = data.subarray(i * TENSOR_BYTES, (i + 1) * TENSOR_BYTES)
      expect(Buffer.compare(bytes.subarray(offset, end), source)).toBe(0)
    }
  })

  it('holds no more than a band of a tensor, and reads each byte once', async () => {
    const { checkpoint, reads } = await openCounting()
    const writer = await openPackWriter(sinkInMemory(new Map()), SOURCE)
    await writer.writeWeights(plan, checkpoint)
    expect(sum(reads)).toBe(NAMES.length * TENSOR_BYTES)
    expect(Math.max(...reads)).toBeLessThanOrEqual(CHUNK_BYTES)
  })

  it('tells how far it is, from nothing to everything', async () => {
    const progress: WeightsProgress[] = []
    const writer = await openPackWriter(sinkInMemory(new Map()), SOURCE)
    await writer.writeWeights(plan, (await openCounting()).checkpoint, {
      onProgress: (step) => progress.push(step),
    })
    expect(progress[0]).toEqual({
      file: 'vision.weights',
      tensor: null,
      doneBytes: 0,
      totalBytes: 10 * TENSOR_BYTES,
    })
    expect(progress.slice(1).map(({ tensor }) => tensor)).toEqual(NAMES)
    expect(progress.at(-1)?.doneBytes).toBe(10 * TENSOR_BYTES)
  })
})

describe('a conversion that was cut short', () => {
  it('goes on where it stopped, reads only what is missing, and gives the same bytes', async () => {
    const files: Files = new Map()
    await abortAfter('layer.5', sinkInMemory(files))
    // Tensors 0 … 5 make 2.25 MiB: two chunks of 1 MiB are whole, the third had only begun.
    expect([...files.keys()]).toEqual([LEDGER_PATH, ...CHUNKS.slice(0, 2)])

    const { checkpoint, reads } = await openCounting()
    const first: WeightsProgress[] = []
    const writer = await openPackWriter(sinkInMemory(files), SOURCE)
    const file = await writer.writeWeights(plan, checkpoint, { onProgress: (step) => first.push(step) })
    await expectSamePack(files, file)
    // Tensors 0 … 4 lie wholly in the chunks that are there; 5 reaches into the missing one.
    expect(sum(reads)).toBe(5 * TENSOR_BYTES)
    expect(first[0]).toMatchObject({ tensor: null, doneBytes: 5 * TENSOR_BYTES })
  })

  it('may be cut short again and again', async () => {
    const files: Files = new Map()
    for (const tensor of ['layer.1', 'layer.3', 'layer.3', 'layer.7'])
      await abortAfter(tensor, sinkInMemory(files))
    const writer = await openPackWriter(sinkInMemory(files), SOURCE)
    await expectSamePack(files, await writer.writeWeights(plan, (await openCounting()).checkpoint))
  })

  it('survives a kill between any two writes', async () => {
    const { files: expected } = await whole
    const writes = expected.size + CHUNKS.length + 1
    for (let allowed = 0; allowed < writes; allowed++) {
      const files: Files = new Map()
      const sink = sinkInMemory(files)
      let done = 0
      const dying: PackSink = {
        ...sink,
        write: (path, bytes) =>
          done++ < allowed ? sink.write(path, bytes) : Promise.reject(new Error('killed')),
      }
      const run = async (on: PackSink): Promise<PackFile> =>
        (await openPackWriter(on, SOURCE)).writeWeights(plan, (await openCounting()).checkpoint)
      const died = await run(dying).then(
        () => false,
        () => true,
      )
      await expectSamePack(files, await run(sink))
      if (!died) return
    }
    expect.unreachable('it never came through')
  })

  it.each<[string, (files: Files) => void]>([
    ['has a flipped byte', (files) => files.get(CHUNKS[1] ?? '')?.set([1, 2, 3], 1000)],
    ['is cut off', (files) => files.set(CHUNKS[1] ?? '', new Uint8Array(5))],
    ['is gone', (files) => files.delete(CHUNKS[1] ?? '')],
  ])('redoes a finished chunk that %s, and nothing that lies wholly elsewhere', async (_, damage) => {
    const files: Files = new Map([...(await whole).files].map(([path, bytes]) => [path, bytes.slice()]))
    damage(files)
    const { checkpoint, reads } = await openCounting()
    const writer = await openPackWriter(sinkInMemory(files), SOURCE)
    await expectSamePack(files, await writer.writeWeights(plan, checkpoint))
    // The chunk covers 1 … 2 MiB, which tensors 2, 3, 4 and 5 touch.
    expect(sum(reads)).toBe(4 * TENSOR_BYTES)
  })

  it('starts anew when its ledger is damaged, of another source, or lists other sizes', async () => {
    const ledger = new TextDecoder().decode((await whole).files.get(LEDGER_PATH))
    const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
    const broken = [
      ledger.slice(0, -1),
      '[]',
      ledger.replace(SOURCE, 'b'.repeat(64)),
      ledger.replaceAll(`"bytes":${CHUNK_BYTES}`, '"bytes":1'),
    ]
    for (const text of broken) {
      const files: Files = new Map([...(await whole).files, [LEDGER_PATH, encode(text)]])
      const { checkpoint, reads } = await openCounting()
      const writer = await openPackWriter(sinkInMemory(files), SOURCE)
      await expectSamePack(files, await writer.writeWeights(plan, checkpoint))
      expect(sum(reads)).toBeGreaterThanOrEqual(5 * TENSOR_BYTES)
    }
  })
})

describe('a pack as a whole', () => {
  const small = new TextEncoder().encode('graph')

  it('gets its manifest last and keeps its ledger for a repair', async () => {
    const order: string[] = []
    const files: Files = new Map()
    const sink = sinkInMemory(files)
    const noting: PackSink = {
      ...sink,
      write: (path, bytes) => {
        order.push(path)
        return sink.write(path, bytes)
      },
    }
    const writer = await openPackWriter(noting, SOURCE)
    const file = await writer.writeFile('vision.onnx', small)
    expect(file).toEqual({
      path: 'vision.onnx',
      bytes: 5,
      chunks: [{ bytes: 5, sha256: await sha256Hex(small) }],
    })
    await writer.commit(manifestOf(file))
    expect(order).toEqual([LEDGER_PATH, 'vision.onnx', LEDGER_PATH, MANIFEST_PATH])
    expect([...files.keys()]).toEqual([LEDGER_PATH, 'vision.onnx', MANIFEST_PATH])
  })

  it('is no pack while it is written again, but keeps chunks of the same source', async () => {
    const { files: before, file } = await whole
    const files: Files = new Map(before)
    await (await openPackWriter(sinkInMemory(files), SOURCE)).commit(manifestOf(file))

    const { checkpoint, reads } = await openCounting()
    const writer = await openPackWriter(sinkInMemory(files), SOURCE)
    expect(files.has(MANIFEST_PATH)).toBe(false)
    await expectSamePack(files, await writer.writeWeights(plan, checkpoint))
    expect(reads).toEqual([])
  })

  it.each<[string, boolean]>([
    ['of another source', true],
    ['of an unknown source', false],
  ])('%s is removed, chunks and all, before anything is written', async (_, ledger) => {
    const { files: before, file } = await whole
    const files: Files = new Map(before)
    await (await openPackWriter(sinkInMemory(files), SOURCE)).commit(manifestOf(file))
    if (!ledger) files.delete(LEDGER_PATH)
    await openPackWriter(sinkInMemory(files), ledger ? 'b'.repeat(64) : SOURCE)
    expect([...files.keys()]).toEqual([LEDGER_PATH])
  })

  it('does not lose track of old chunks when it is killed while removing them', async () => {
    const { files: before, file } = await whole
    const files: Files = new Map(before)
    await (await openPackWriter(sinkInMemory(files), SOURCE)).commit(manifestOf(file))
    const sink = sinkInMemory(files)
    let removals = 0
    const dying: PackSink = {
      ...sink,
      remove: (path) => (removals++ < 2 ? sink.remove(path) : Promise.reject(new Error('killed'))),
    }
    await expect(openPackWriter(dying, 'b'.repeat(64))).rejects.toThrow('killed')
    await openPackWriter(sink, 'c'.repeat(64))
    expect([...files.keys()]).toEqual([LEDGER_PATH])
  })

  it('refuses a manifest that no reader would accept', async () => {
    const files: Files = new Map()
    const writer = await openPackWriter(sinkInMemory(files), SOURCE)
    await expect(
      writer.commit({ ...goodManifest(), files: [{ path: '../x', bytes: 0, chunks: [] }] }),
    ).rejects.toMatchObject({ code: 'bad-pack' })
    expect(files.has(MANIFEST_PATH)).toBe(false)
  })
})
