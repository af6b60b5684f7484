import { describe, expect, it } from 'vitest'
import { sinkInMemory, type FileTree } from '../pack/bytes.ts'
import { configOf } from '../synthetic/dimensions.ts'
import { syntheticTree } from '../synthetic/checkpoint.ts'
import { convertCheckpoint, type ConvertProgress } from './convert.ts'
import { inspectCheckpoint } from './inspect.ts'
import { readSafetensorsHeader } from './safetensors.ts'

const HEAD = 'language_model.lm_head.weight'
const EMBEDDING = 'language_model.model.decoder.embed_tokens.weight'
const CONFIG: unknown = JSON.parse(configOf('tiny'))

/** A made-up checkpoint that stores a head beside the embedding: its copy, but for one number in each of `rows`. */
async function withHead(
  rows: readonly number[],
): Promise<{ tree: FileTree; read: () => number; starts: number[] }> {
  const made = syntheticTree('tiny', 1)
  const source = await made.open('model.safetensors')
  if (source === undefined) throw new Error('There is no made-up checkpoint.')
  const { tensors } = await readSafetensorsHeader(source, 'model.safetensors')
  const entries: Record<string, object> = {}
  const pieces: Uint8Array[] = []
  let end = 0
  const add = (name: string, dtype: string, shape: readonly number[], bytes: Uint8Array): void => {
    entries[name] = { dtype, shape, data_offsets: [end, end + bytes.length] }
    pieces.push(bytes)
    end += bytes.length
  }
  for (const [name, { dtype, shape, start, end: last }] of tensors)
    add(name, dtype, shape, new Uint8Array(await source.slice(start, last)))
  const embedding = tensors.get(EMBEDDING)
  if (embedding === undefined) throw new Error('There is no embedding.')
  const head = new Uint8Array(await source.slice(embedding.start, embedding.end))
  const rowBytes = head.length / (embedding.shape[0] ?? 1)
  for (const row of rows) head[row * rowBytes] = (head[row * rowBytes] ?? 0) ^ 1
  add(HEAD, embedding.dtype, embedding.shape, head)
  const header = new TextEncoder().encode(JSON.stringify(entries))
  const length = new Uint8Array(new BigUint64Array([BigInt(header.length)]).buffer)
  const file = await new Blob([
    length,
    header,
    ...pieces.map((bytes) => Uint8Array.from(bytes)),
  ]).arrayBuffer()
  let read = 0
  const starts: number[] = []
  const tree: FileTree = {
    open: (path) => {
      if (path !== 'model.safetensors') return made.open(path)
      const slice = (from: number, to: number): ArrayBuffer => {
        read += to - from
        starts.push(from)
        return file.slice(from, to)
      }
      return Promise.resolve({ byteLength: file.byteLength, slice })
    },
  }
  return { tree, read: () => read, starts }
}

async function converted(tree: FileTree): Promise<{ seen: ConvertProgress[]; bytes: number; head: string }> {
  const seen: ConvertProgress[] = []
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  const manifest = await convertCheckpoint(tree, sinkInMemory(files), {
    precision: 'q8',
    name: 'tiny',
    onProgress: (progress) => seen.push(progress),
  })
  const written = manifest.files.filter(({ path }) => /weights|onnx/.test(path))
  return {
    seen,
    bytes: written.reduce((sum, { bytes }) => sum + bytes, 0),
    head: manifest.checks.find(({ name }) => name === 'language model head')?.detail ?? '',
  }
}

const ALL = Array.from(
  { length: (CONFIG as { text_config: { vocab_size: number } }).text_config.vocab_size },
  (_, i) => i,
)

describe('a checkpoint with a head of its own', () => {
  it.each<[string, readonly number[], string, 'likely' | 'most', { isSure: boolean }]>([
    ['the embedding once more', [], 'stored, equal to the embedding', 'likely', { isSure: false }],
    ['different in every row', ALL, 'differs from the embedding; kept apart', 'likely', { isSure: true }],
    [
      'different in one late row',
      [ALL.length - 2],
      'differs from the embedding; kept apart',
      'most',
      { isSure: false },
    ],
  ])('that is %s is converted as offered', async (_, rows, head, expected, { isSure }) => {
    const { tree } = await withHead(rows)
    const offer = await inspectCheckpoint(tree, 'q8')
    const pack = await converted(tree)
    expect(pack.head).toBe(head)
    expect(offer[expected].keepBytes).toBe(pack.bytes)
    const last = pack.seen.at(-1)
    const comparedInPart = expected === 'most'
    if (!comparedInPart) expect(last?.totalBytes).toBe(offer[expected].fetchBytes)
    else expect(last?.totalBytes).toBeLessThanOrEqual(offer.most.fetchBytes)
    if (isSure) expect(offer.most).toEqual(offer.likely)
    expect(offer.most.keepBytes > offer.likely.keepBytes).toBe(!isSure)
    for (const { doneBytes, totalBytes } of pack.seen) expect(doneBytes).toBeLessThanOrEqual(totalBytes)
    expect(last?.doneBytes).toBe(last?.totalBytes)
    const shares = pack.seen.map(({ doneBytes, totalBytes }) => doneBytes / totalBytes)
    expect(shares).toEqual(shares.toSorted((a, b) => a - b))
  })

  it('is offered after a look at a few rows', async () => {
    const { tree, read } = await withHead([])
    await inspectCheckpoint(tree, 'q8')
    const report = await converted(tree)
    expect(read()).toBeGreaterThan(0)
    const before = read()
    await inspectCheckpoint(tree, 'q8')
    expect(read() - before).toBeLessThan((report.seen.at(-1)?.totalBytes ?? 0) / 10)
  })

  it('is offered with its worst, for which no row is read again', async () => {
    const { tree, starts } = await withHead([])
    const { likely, most } = await inspectCheckpoint(tree, 'q8')
    expect(most).not.toEqual(likely)
    expect(starts.filter((start, i) => starts.indexOf(start) !== i)).toEqual([])
  })

  it('is refused before anything is written where the pack could not be read', async () => {
    const { tree } = await withHead([])
    const files = new Map<string, Uint8Array<ArrayBuffer>>()
    const options = { precision: 'q8', name: 'x'.repeat(201) } as const
    await expect(convertCheckpoint(tree, sinkInMemory(files), options)).rejects.toMatchObject({
      code: 'bad-checkpoint',
      message: expect.stringContaining('name must be text of 1 to 200 characters') as string,
    })
    expect(files.size).toBe(0)
  })
})
