import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { describe, expect, it } from 'vitest'
import { AppError } from '../pack/failure.ts'
import { readSpiece } from './sentencepiece.ts'

type Bytes = Uint8Array<ArrayBuffer>

interface Parts {
  pieces: [text: string, score: number, type?: number][]
  modelType?: number
  characterMap?: Bytes
}

const PIECES: Parts['pieces'] = [
  ['<pad>', 0, 3],
  ['</s>', 0, 3],
  ['<unk>', 0, 2],
  ['▁a', -1],
  ['b', -2],
]

function field(writer: BinaryWriter, number: number, bytes: Uint8Array): BinaryWriter {
  return writer.tag(number, WireType.LengthDelimited).bytes(bytes)
}

function spiece({ pieces, modelType = 1, characterMap }: Parts): Bytes {
  const out = new BinaryWriter()
  for (const [text, score, type] of pieces) {
    const piece = new BinaryWriter().tag(1, WireType.LengthDelimited).string(text)
    piece.tag(2, WireType.Bit32).float(score)
    if (type !== undefined) piece.tag(3, WireType.Varint).int32(type)
    field(out, 1, piece.finish())
  }
  field(out, 2, new BinaryWriter().tag(3, WireType.Varint).int32(modelType).finish())
  if (characterMap) field(out, 3, field(new BinaryWriter(), 2, characterMap).finish())
  return out.finish().slice()
}

function read(bytes: Bytes, config = {}, added = {}): Promise<unknown> {
  const tree = { open: () => Promise.resolve(bytes.buffer) }
  return readSpiece(tree, { config, added })
}

async function failure(bytes: Bytes): Promise<AppError> {
  try {
    await read(bytes)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  return expect.fail('it was taken')
}

describe('spiece.model', () => {
  it('is a unigram tokenizer with sentinels that count down and tokens that were added', async () => {
    const config = { additional_special_tokens: ['<extra_id_0>', '<extra_id_1>'] }
    expect(await read(spiece({ pieces: PIECES }), config, { '<image>': 7 })).toMatchObject({
      normalizer: null,
      model: {
        type: 'Unigram',
        unk_id: 2,
        vocab: [
          ['<pad>', 0],
          ['</s>', 0],
          ['<unk>', 0],
          ['▁a', -1],
          ['b', -2],
          ['<extra_id_1>', 0],
          ['<extra_id_0>', 0],
        ],
      },
      added_tokens: [
        { id: 0, content: '<pad>' },
        { id: 1, content: '</s>' },
        { id: 2, content: '<unk>' },
        { id: 5, content: '<extra_id_1>' },
        { id: 6, content: '<extra_id_0>' },
        { id: 7, content: '<image>' },
      ],
    })
  })

  it('is none where there is no such file', async () => {
    const tree = { open: () => Promise.resolve(undefined) }
    expect(await readSpiece(tree, { config: {}, added: {} })).toBeUndefined()
  })

  it.each<[string, Bytes, string]>([
    ['a byte-pair model', spiece({ pieces: PIECES, modelType: 2 }), 'unsupported-model'],
    ['no pieces', spiece({ pieces: [] }), 'bad-checkpoint'],
    ['nothing', new Uint8Array(), 'bad-checkpoint'],
    ['text', new TextEncoder().encode('version https://git-lfs.github.com/spec/v1'), 'bad-checkpoint'],
    ['a piece twice', spiece({ pieces: [...PIECES, ['b', -3]] }), 'bad-checkpoint'],
    ['a score that is no number', spiece({ pieces: [...PIECES, ['c', NaN]] }), 'bad-checkpoint'],
    ['an empty piece', spiece({ pieces: [...PIECES, ['', -3]] }), 'bad-checkpoint'],
    ['no unknown piece', spiece({ pieces: PIECES.slice(0, 2) }), 'bad-checkpoint'],
    [
      'a character map without a trie',
      spiece({ pieces: PIECES, characterMap: new Uint8Array(8) }),
      'bad-checkpoint',
    ],
    [
      'a character map that promises more than it has',
      spiece({ pieces: PIECES, characterMap: new Uint8Array([0, 0, 0, 64, 1, 2, 3, 4]) }),
      'bad-checkpoint',
    ],
    // Field 1 with a length of almost four gigabytes, and one longer than any number.
    ['an absurd length', new Uint8Array([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2]), 'bad-checkpoint'],
    [
      'a length without an end',
      new Uint8Array([0x0a, ...new Array<number>(12).fill(0xff)]),
      'bad-checkpoint',
    ],
    ['groups in groups', new Uint8Array(100_000).fill(0x0b), 'bad-checkpoint'],
  ])('is refused in one sentence with %s', async (_, bytes, code) => {
    const error = await failure(bytes)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(/^spiece\.model [^.]+\.$/)
  })

  it('is refused unread when it is absurdly large', async () => {
    const tree = {
      open: () => Promise.resolve({ byteLength: 2 ** 40, slice: () => expect.fail('it was read') }),
    }
    await expect(readSpiece(tree, { config: {}, added: {} })).rejects.toMatchObject({
      code: 'bad-checkpoint',
    })
  })

  it('is refused or read, never anything else, with any byte changed and cut anywhere', async () => {
    const whole = spiece({ pieces: PIECES, characterMap: new Uint8Array([4, 0, 0, 0, 9, 9, 9, 9, 65, 0]) })
    const twins = [...whole].flatMap((byte, i) => [
      whole.slice(0, i),
      ...[0, 0x7f, 0xff, byte ^ 1].map((other) => whole.with(i, other)),
    ])
    for (const twin of twins) {
      const error = await read(twin).then(
        () => null,
        (thrown: unknown) => thrown,
      )
      if (error !== null)
        expect(error).toMatchObject({
          code: expect.stringMatching(/bad-checkpoint|unsupported-model/) as string,
        })
    }
  })

  it('may lack a field that nobody needs, and have ones that nobody knows', async () => {
    const more = new BinaryWriter().tag(200, WireType.Varint).int32(5).finish()
    const bytes = new Uint8Array([...spiece({ pieces: PIECES }), ...more])
    expect(await read(bytes)).toMatchObject({ model: { type: 'Unigram' } })
  })
})
