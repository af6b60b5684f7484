import { describe, expect, it } from 'vitest'
import { treeInMemory, type FileTree } from '../pack/bytes.ts'
import { openCheckpoint } from './checkpoint.ts'

type Tensor = [dtype: string, shape: number[], values: Float32Array | Uint16Array | BigInt64Array]

function safetensors(tensors: Record<string, Tensor>): ArrayBuffer {
  let offset = 0
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, [dtype, shape, { byteLength }]]) => {
      offset += byteLength
      return [name, { dtype, shape, data_offsets: [offset - byteLength, offset] }]
    }),
  )
  const text = new TextEncoder().encode(JSON.stringify(header))
  const file = new Uint8Array(8 + text.length + offset)
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true)
  file.set(text, 8)
  let at = 8 + text.length
  for (const [, , values] of Object.values(tensors)) {
    file.set(new Uint8Array(values.buffer), at)
    at += values.byteLength
  }
  return file.buffer
}

const f32 = (...values: number[]): Tensor => ['F32', [values.length], Float32Array.from(values)]

function treeOf(files: Record<string, ArrayBuffer | object>): FileTree {
  const encode = (file: object): ArrayBuffer => new TextEncoder().encode(JSON.stringify(file)).buffer
  const entries = Object.entries(files).map(
    ([path, file]) => [path, file instanceof ArrayBuffer ? file : encode(file)] as const,
  )
  return treeInMemory(new Map(entries))
}

const INDEX = 'model.safetensors.index.json'

describe('openCheckpoint', () => {
  it('reads a single file', async () => {
    const file = safetensors({ a: f32(1, 2), b: f32(3) })
    const checkpoint = await openCheckpoint(treeOf({ 'model.safetensors': file }))
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b'])
    expect(checkpoint.byteLength).toBe(12)
    expect(checkpoint.files).toEqual([
      { path: 'model.safetensors', bytes: file.byteLength, version: undefined },
    ])
  })

  it('joins the shards of an index and takes along what the index forgot', async () => {
    const checkpoint = await openCheckpoint(
      treeOf({
        [INDEX]: { metadata: { total_size: 1 }, weight_map: { a: 'm-1.safetensors', b: 'm-2.safetensors' } },
        'm-1.safetensors': safetensors({ a: f32(1) }),
        'm-2.safetensors': safetensors({ b: f32(2), forgotten: f32(3) }),
      }),
    )
    expect([...checkpoint.tensors].map(([name, { file }]) => `${name} ${file}`)).toEqual([
      'a m-1.safetensors',
      'b m-2.safetensors',
      'forgotten m-2.safetensors',
    ])
    expect([...(await checkpoint.readElements('b', 0, 1))]).toEqual([2])
  })

  it('prefers a single file to an index, as transformers does', async () => {
    const files = {
      'model.safetensors': safetensors({ a: f32(1) }),
      [INDEX]: { weight_map: { a: 'gone.safetensors' } },
    }
    const checkpoint = await openCheckpoint(treeOf(files))
    expect(checkpoint.tensors.get('a')?.file).toBe('model.safetensors')
  })

  it.each<[string, Record<string, ArrayBuffer | object>, string, RegExp]>([
    ['an empty folder', {}, 'not-found', /neither model\.safetensors nor/],
    [
      'a pickle alone',
      { 'pytorch_model.bin': new ArrayBuffer(1) },
      'bad-checkpoint',
      /only pytorch_model\.bin.*safetensors/,
    ],
    [
      'an index of PyTorch without weight_map',
      { 'pytorch_model.bin.index.json': {} },
      'bad-checkpoint',
      /no weight_map/,
    ],
    ['an index without weight_map', { [INDEX]: {} }, 'bad-checkpoint', /no weight_map/],
    ['an empty weight_map', { [INDEX]: { weight_map: {} } }, 'bad-checkpoint', /is empty/],
    [
      'an index that is no JSON',
      { [INDEX]: new TextEncoder().encode('{').buffer },
      'bad-checkpoint',
      /JSON is not valid/,
    ],
    [
      'an index that is no text',
      { [INDEX]: Uint8Array.of(0xff).buffer },
      'bad-checkpoint',
      /no readable text/,
    ],
    [
      'a shard that is not there',
      { [INDEX]: { weight_map: { a: 'm.safetensors' } } },
      'bad-checkpoint',
      /lists m\.safetensors, which is not there/,
    ],
    [
      'a tensor that its shard lacks',
      { [INDEX]: { weight_map: { b: 'm.safetensors' } }, 'm.safetensors': safetensors({ a: f32(1) }) },
      'bad-checkpoint',
      /places b in m\.safetensors, which lacks it/,
    ],
    [
      'a tensor in two shards',
      {
        [INDEX]: { weight_map: { a: 'm.safetensors', b: 'n.safetensors' } },
        'm.safetensors': safetensors({ a: f32(1) }),
        'n.safetensors': safetensors({ a: f32(1), b: f32(1) }),
      },
      'bad-checkpoint',
      /a is in both m\.safetensors and n\.safetensors/,
    ],
  ])('refuses %s', async (_, files, code, message) => {
    const opening = openCheckpoint(treeOf(files))
    await expect(opening).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string })
  })

  it.each([
    '../m.safetensors',
    '/etc/m.safetensors',
    'a/m.safetensors',
    'a\\m.safetensors',
    '.m.safetensors',
    'm.bin',
    7,
    '',
  ])('refuses %j as the name of a shard, without opening it', async (name) => {
    const opened: string[] = []
    const files = treeOf({ [INDEX]: { weight_map: { a: name } } })
    const tree: FileTree = {
      open: (path) => {
        opened.push(path)
        return files.open(path)
      },
    }
    await expect(openCheckpoint(tree)).rejects.toMatchObject({ code: 'bad-checkpoint' })
    expect(opened).toEqual(['adapter_config.json', 'model.safetensors', INDEX])
  })
})

describe('reading elements', () => {
  const tensors: Record<string, Tensor> = {
    byte: ['U8', [2], Uint16Array.of(0)],
    matrix: ['F32', [3, 2, 1], Float32Array.of(0, 1, 2, 3, 4, 5)],
    half: ['F16', [2, 2], Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7bff)],
    brain: ['BF16', [1, 2], Uint16Array.of(0x3f80, 0xc000)],
    scalar: ['F32', [], Float32Array.of(7)],
    ids: ['I64', [1], BigInt64Array.of(1n)],
  }
  const opened = openCheckpoint(treeOf({ 'model.safetensors': safetensors(tensors) }))

  it('takes rows as the first dimension, whatever follows it', async () => {
    expect([...(await (await opened).readRows('matrix', 1, 2))]).toEqual([2, 3, 4, 5])
    expect([...(await (await opened).readRows('scalar', 0, 1))]).toEqual([7])
  })

  it('turns float16 and bfloat16 into float32', async () => {
    expect([...(await (await opened).readRows('half', 0, 2))]).toEqual([1, -2, 2 ** -24, 65504])
    expect([...(await (await opened).readElements('brain', 1, 1))]).toEqual([-2])
  })

  it('reads no byte more than was asked for', async () => {
    const file = safetensors(tensors)
    const reads: number[] = []
    const slice = (start: number, end: number): ArrayBuffer => {
      reads.push(end - start)
      return file.slice(start, end)
    }
    const source = { byteLength: file.byteLength, slice }
    const checkpoint = await openCheckpoint({
      open: (path) => Promise.resolve(path === 'model.safetensors' ? source : undefined),
    })
    reads.length = 0
    await checkpoint.readRows('matrix', 2, 1)
    await checkpoint.readElements('half', 1, 2)
    expect(reads).toEqual([8, 4])
  })

  it('refuses tensors that are no weights, are unknown, or lie elsewhere', async () => {
    const { readElements, readRows } = await opened
    await expect(readElements('ids', 0, 1)).rejects.toMatchObject({ code: 'bad-checkpoint' })
    await expect(readRows('none', 0, 1)).rejects.toMatchObject({ code: 'bad-checkpoint' })
    await expect(readElements('half', 3, 2)).rejects.toMatchObject({ code: 'bug' })
    await expect(readElements('half', -1, 2)).rejects.toMatchObject({ code: 'bug' })
    await expect(readElements('half', 0.5, 1)).rejects.toMatchObject({ code: 'bug' })
  })
})
