import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { ZipWriter } from '../../archive/zip-writer.ts'
import { AppError } from '../../pack/failure.ts'
import { openCheckpoint } from '../checkpoint.ts'
import { isTorchFile, readTorchFile } from './torch-file.ts'
import { unpickleStateDict } from './unpickle.ts'

type Bytes = Uint8Array<ArrayBuffer>

async function reference(name: string): Promise<Bytes> {
  return new Uint8Array(await readFile(`models/reference/torch/${name}`))
}

/** A pickle of protocol 2: texts are their characters, numbers their bytes. */
function pickle(...parts: (string | number)[]): Bytes {
  const bytes = parts.flatMap((part) =>
    typeof part === 'string' ? [...new TextEncoder().encode(part)] : [part],
  )
  return Uint8Array.from([0x80, 2, ...bytes])
}

function failure(run: () => unknown): AppError {
  try {
    run()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  return expect.fail('it was taken')
}

async function zip(entries: Record<string, Bytes>): Promise<Bytes> {
  const writer = new ZipWriter(new Date(0))
  for (const [name, bytes] of Object.entries(entries)) await writer.add(name, new Blob([bytes]))
  return new Uint8Array(await writer.finish().arrayBuffer())
}

describe('what torch.save wrote', () => {
  it('is read as PyTorch reads it, shared storages and parts of them, too', async () => {
    const values = JSON.parse(new TextDecoder().decode(await reference('values.json'))) as Record<
      string,
      { shape: number[]; values: number[] }
    >
    const file = await reference('state.pth')
    const checkpoint = await openCheckpoint({
      open: (path) => Promise.resolve(path === 'pytorch_model.bin' ? file.slice().buffer : undefined),
    })
    expect([...checkpoint.tensors.keys()].sort()).toEqual([...Object.keys(values), 'ids'].sort())
    for (const [name, { shape, values: expected }] of Object.entries(values)) {
      expect(checkpoint.tensors.get(name)?.shape).toEqual(shape)
      expect([...(await checkpoint.readElements(name, 0, expected.length))], name).toEqual(expected)
    }
  })

  it('is read past objects that trainers save beside the weights', async () => {
    const tensors = await readTorchFile((await reference('objects.pth')).buffer, 'objects.pth')
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual([['weight', [3, 5]]])
  })

  it('is refused in one sentence where a tensor is transposed, or a path is built', async () => {
    for (const [name, why] of [
      ['transposed.pth', /row by row/],
      ['hostile.pth', /"pathlib/],
    ] as const) {
      const source = (await reference(name)).buffer
      await expect(readTorchFile(source, name)).rejects.toMatchObject({
        code: 'bad-checkpoint',
        message: expect.stringMatching(why) as string,
      })
    }
  })

  it('is no such file where it is older than PyTorch 1.6', async () => {
    expect(await isTorchFile((await reference('old.pth')).buffer)).toBe(false)
  })
})

describe('a pickle', () => {
  it.each<[string, Bytes]>([
    ['a call of the system', pickle('cposix\nsystem\n', 'X', 1, 0, 0, 0, 'x', 0x85, 'R.')],
    ['eval by another name', pickle('c__builtin__\neval\n.')],
    ['a name with a dot', pickle('ctorch\nFloatStorage.__init__\n.')],
    ['a name of an object', pickle('ctorch\nconstructor\n.')],
    ['a storage that is called', pickle('ctorch\nFloatStorage\n)R.')],
    ['a namespace as a tensor', pickle('}X', 1, 0, 0, 0, 'w', 'cargparse\nNamespace\n)', 0x81, 's.')],
    ['a namespace as a storage', pickle('cargparse\nNamespace\n)', 0x81, 'Q.')],
    [
      'a tensor made of a namespace',
      pickle('ctorch._utils\n_rebuild_tensor_v2\n(cargparse\nNamespace\n)', 0x81, 'K', 0, '))tR.'),
    ],
    ['a parameter of no tensor', pickle('ctorch._utils\n_rebuild_parameter\n(K', 1, 0x88, 'NtR.')],
    ['a neighbour of what is read past', pickle('comegaconf\nOmegaConf\n.')],
    ['another built-in', pickle('c__builtin__\ngetattr\n.')],
    ['an object that is made of a builder', pickle('ctorch._utils\n_rebuild_tensor_v2\n)', 0x81, '.')],
    ['another protocol', Uint8Array.of(0x80, 4, 0x7d, 0x2e)],
    ['a global off the stack', pickle('X', 1, 0, 0, 0, 'a', 'X', 1, 0, 0, 0, 'b', 0x93, '.')],
    ['an object that is made anew', pickle('ccollections\nOrderedDict\n)', 0x81, '.')],
    ['an instance', pickle('(i__main__\nA\n.')],
    ['a registered extension', pickle(0x82, 1, '.')],
    ['attributes of a list', pickle(']}b.')],
    ['a text of four gigabytes', pickle('X', 0xff, 0xff, 0xff, 0xff, '.')],
    ['a memo that nobody wrote', pickle('h', 7, '.')],
    ['a mark that nobody set', pickle('t.')],
    ['a pop below a mark', pickle('}(s.')],
    ['no end', pickle('}')],
    ['something left over', pickle('}}.')],
    ['no tensors', pickle('}.')],
    [
      'a storage with a path for a key',
      pickle(
        '((X',
        7,
        0,
        0,
        0,
        'storage',
        'ctorch\nFloatStorage\n',
        'X',
        5,
        0,
        0,
        0,
        '../..',
        'NK',
        1,
        'tQ.',
      ),
    ],
  ])('is refused in one sentence with %s', (_, bytes) => {
    const error = failure(() => unpickleStateDict(bytes, 'x.pth'))
    expect(error.code).toBe('bad-checkpoint')
    expect(error.message).toMatch(/^x\.pth is not opened: [^\n]+; save the model again as safetensors\.$/)
  })

  it('is refused or read, never anything else, with any byte changed', async () => {
    const file = await reference('state.pth')
    for (let i = 0; i < 1800; i += 1)
      for (const other of [0, 0x28, 0x52, 0xff]) {
        const error: unknown = await readTorchFile(file.with(i, other).buffer, 'x').then(
          () => null,
          (thrown: unknown) => thrown,
        )
        if (error !== null) expect(error).toMatchObject({ code: 'bad-checkpoint' })
      }
  })
})

describe('a ZIP file', () => {
  it.each<[string, Record<string, Bytes>]>([
    ['no pickle', { 'a/data/0': new Uint8Array(4) }],
    ['two pickles', { 'a/data.pkl': pickle('}.'), 'b/data.pkl': pickle('}.') }],
    [
      'another order of bytes',
      { 'a/data.pkl': pickle('}.'), 'a/byteorder': new TextEncoder().encode('big') },
    ],
  ])('is refused with %s', async (_, entries) => {
    await expect(readTorchFile((await zip(entries)).buffer, 'x')).rejects.toMatchObject({
      code: 'bad-checkpoint',
    })
  })

  it('is refused where its directory lies about sizes', async () => {
    const file = await reference('state.pth')
    const view = new DataView(file.buffer)
    const at = file.findLastIndex((_, i) => i + 4 <= file.length && view.getUint32(i, true) === 0x02014b50)
    view.setUint32(at + 24, 0x7fffffff, true)
    await expect(readTorchFile(file.buffer, 'x')).rejects.toMatchObject({ code: 'bad-checkpoint' })
  })
})
