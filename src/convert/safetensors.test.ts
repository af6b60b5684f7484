import { describe, expect, it } from 'vitest'
import type { AppError } from '../pack/failure.ts'
import { readSafetensorsHeader } from './safetensors.ts'

/** A file of any header text and a data section of `dataBytes` zeros. */
function fileOf(header: string | object, dataBytes: number, claimedLength?: bigint): ArrayBuffer {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = new Uint8Array(8 + text.length + dataBytes)
  new DataView(bytes.buffer).setBigUint64(0, claimedLength ?? BigInt(text.length), true)
  bytes.set(text, 8)
  return bytes.buffer
}

const good = { dtype: 'F32', shape: [2], data_offsets: [0, 8] }
const withTensor = (change: object): object => ({ a: { ...good, ...change } })

async function refusal(file: ArrayBuffer): Promise<AppError> {
  return readSafetensorsHeader(file, 'm.safetensors').then(
    () => expect.unreachable('the file was accepted'),
    (error: unknown) => error as AppError,
  )
}

describe('a sound header', () => {
  it('gives ranges counted from the start of the file, in any order of keys', async () => {
    const header = {
      b: { dtype: 'BF16', shape: [3, 1], data_offsets: [8, 14] },
      __metadata__: { format: 'pt' },
      a: good,
      scalar: { dtype: 'U8', shape: [], data_offsets: [14, 15] },
      empty: { dtype: 'I64', shape: [0, 5], data_offsets: [8, 8] },
    }
    const { tensors, metadata } = await readSafetensorsHeader(fileOf(header, 15), 'm.safetensors')
    const base = 8 + JSON.stringify(header).length
    expect(tensors.get('a')).toEqual({ dtype: 'F32', shape: [2], start: base, end: base + 8 })
    expect(tensors.get('b')).toEqual({ dtype: 'BF16', shape: [3, 1], start: base + 8, end: base + 14 })
    expect([...tensors.keys()].sort()).toEqual(['a', 'b', 'empty', 'scalar'])
    expect(metadata).toEqual(new Map([['format', 'pt']]))
  })

  it('may be padded with spaces and hold no tensor at all', async () => {
    const { tensors } = await readSafetensorsHeader(fileOf('{}      ', 0), 'm.safetensors')
    expect(tensors.size).toBe(0)
  })

  it('may call a tensor __proto__ without touching any prototype', async () => {
    const { tensors } = await readSafetensorsHeader(
      fileOf(`{"__proto__":${JSON.stringify(good)}}`, 8),
      'm.safetensors',
    )
    expect([...tensors.keys()]).toEqual(['__proto__'])
    expect(Object.hasOwn(Object.prototype, 'dtype')).toBe(false)
  })

  it('may repeat a name as a value or within strings, which is no duplicate', async () => {
    const header = `{"__metadata__":{"a":"a","b":"\\"a\\": {\\\\"},"a": ${JSON.stringify(good)}}`
    const { tensors } = await readSafetensorsHeader(fileOf(header, 8), 'm.safetensors')
    expect([...tensors.keys()]).toEqual(['a'])
  })

  it('is all that is read of the file', async () => {
    const file = fileOf({ a: good }, 8)
    let furthest = 0
    const slice = (start: number, end: number): ArrayBuffer => {
      furthest = Math.max(furthest, end)
      return file.slice(start, end)
    }
    await readSafetensorsHeader({ byteLength: file.byteLength, slice }, 'm.safetensors')
    expect(furthest).toBe(file.byteLength - 8)
  })
})

describe('a hostile or damaged header is refused', () => {
  const entry = JSON.stringify(good)
  const many = (count: number): string => {
    const empty = '{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    return `{${Array.from({ length: count }, (_, i) => `"${i}":${empty}`).join()}}`
  }
  const cases: [string, ArrayBuffer, RegExp][] = [
    ['an empty file', new ArrayBuffer(0), /only 0 bytes/],
    ['a file shorter than the length field', new ArrayBuffer(7), /only 7 bytes/],
    ['a header longer than the file', fileOf('{}', 0, 3n), /should have 3 bytes, but the file ends after 10/],
    ['a header of 100 MB and more', fileOf('{}', 0, 100_000_001n), /claims a header of 100000001/],
    ['a header length of 2^64 - 1', fileOf('{}', 0, 2n ** 64n - 1n), /claims a header/],
    ['an empty header', fileOf('', 0), /not a JSON object/],
    ['text that is not JSON', fileOf('{"a":', 0), /JSON is not valid/],
    ['a second value after the object', fileOf('{} {}', 0), /JSON is not valid/],
    ['a list', fileOf('[]', 0), /not a JSON object/],
    ['a string', fileOf('"a"', 0), /not a JSON object/],
    ['null', fileOf('null', 0), /not a JSON object/],
    ['a byte order mark', fileOf('\uFEFF{}', 0), /not a JSON object/],
    ['bytes that are not UTF-8', brokenUtf8(), /not UTF-8/],
    ['a name listed twice', fileOf(`{"a":${entry},"a":${entry}}`, 8), /lists "a" twice/],
    [
      'a name listed twice behind an escape',
      fileOf(`{"a":${entry},"\\u0061":${entry}}`, 8),
      /lists "a" twice/,
    ],
    [
      'a name listed twice with space before the colon',
      fileOf(`{"a" :${entry}, "a"\n: ${entry}}`, 8),
      /"a" twice/,
    ],
    ['a name with quotes listed twice', fileOf(`{"\\"\\\\":${entry},"\\"\\\\":${entry}}`, 8), /twice/],
    ['a property listed twice', fileOf(`{"a":{"dtype":"F16",${entry.slice(1)}}`, 8), /lists "dtype" twice/],
    ['a hundred thousand tensors and one', fileOf(many(100_001), 0), /lists 100001 tensors/],
    ['a name of absurd length', fileOf({ ['x'.repeat(1025)]: good }, 8), /name has 1025 characters/],
    ['a tensor that is no object', fileOf({ a: [1] }, 0), /not described by an object/],
    ['an unknown type', fileOf(withTensor({ dtype: 'F31' }), 8), /unknown type "F31"/],
    [
      'a type named as a property of all objects',
      fileOf(withTensor({ dtype: 'toString' }), 8),
      /unknown type/,
    ],
    ['a missing type', fileOf(withTensor({ dtype: undefined }), 8), /unknown type/],
    ['a negative dimension', fileOf(withTensor({ shape: [-1, -2] }), 8), /impossible shape/],
    ['a fractional dimension', fileOf(withTensor({ shape: [0.5, 4] }), 8), /impossible shape/],
    ['a dimension as text', fileOf(withTensor({ shape: ['2'] }), 8), /impossible shape/],
    ['a shape that is no list', fileOf(withTensor({ shape: 2 }), 8), /impossible shape/],
    [
      'more dimensions than any tensor has',
      fileOf(withTensor({ shape: Array(17).fill(1) }), 4),
      /impossible shape/,
    ],
    ['a shape that overflows', fileOf(withTensor({ shape: [2 ** 40, 2 ** 40] }), 8), /impossible shape/],
    [
      'a shape that overflows before a zero',
      fileOf(withTensor({ shape: [2 ** 40, 2 ** 40, 0] }), 8),
      /impossible shape/,
    ],
    ['one offset', fileOf(withTensor({ data_offsets: [0] }), 8), /impossible offsets/],
    ['a negative offset', fileOf(withTensor({ data_offsets: [-8, 0] }), 8), /impossible offsets/],
    [
      'an offset beyond 2^53',
      fileOf('{"a":{"dtype":"U8","shape":[1],"data_offsets":[9007199254740992,9007199254740993]}}', 1),
      /impossible offsets/,
    ],
    ['an end before the begin', fileOf(withTensor({ data_offsets: [8, 0] }), 8), /ends before it begins/],
    [
      'a length that is not shape times type',
      fileOf(withTensor({ shape: [3] }), 8),
      /F32 \[3\] but has 8 bytes/,
    ],
    [
      'a sub-byte tensor that fills no whole byte',
      fileOf(withTensor({ dtype: 'F4', shape: [3], data_offsets: [0, 1] }), 1),
      /F4 \[3\]/,
    ],
    ['overlapping tensors', fileOf({ a: good, b: { ...good, data_offsets: [4, 12] } }, 12), /"b" overlaps/],
    ['two tensors in one place', fileOf({ a: good, b: good }, 8), /overlaps/],
    [
      'a hole before a tensor',
      fileOf(withTensor({ data_offsets: [4, 12] }), 12),
      /4 bytes before tensor "a"/,
    ],
    ['bytes after the last tensor', fileOf({ a: good }, 9), /1 bytes at its end/],
    ['a data section that is too short', fileOf({ a: good }, 7), /not downloaded to the end/],
    ['metadata that is no object', fileOf({ __metadata__: 'pt' }, 0), /__metadata__ is not an object/],
    ['metadata that is not text', fileOf({ __metadata__: { format: 1 } }, 0), /"format" is not text/],
  ]

  it.each(cases)('%s', async (_, file, message) => {
    const error = await refusal(file)
    expect(error.code).toBe('bad-checkpoint')
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/^m\.safetensors is damaged: .*; download it again\.$/)
  })

  it('with names shortened and escaped in the message', async () => {
    const error = await refusal(fileOf({ ['\n'.repeat(500)]: 1 }, 0))
    expect(error.message.length).toBeLessThan(400)
    expect(error.message).not.toContain('\n')
  })

  it('when the source gives fewer bytes than it promised', async () => {
    const file = fileOf({ a: good }, 8)
    const slice = (start: number, end: number): ArrayBuffer => file.slice(start, end - 1)
    const reading = readSafetensorsHeader({ byteLength: file.byteLength, slice }, 'm.safetensors')
    await expect(reading).rejects.toMatchObject({ code: 'bad-checkpoint' })
  })
})

function brokenUtf8(): ArrayBuffer {
  const file = fileOf('{"??": 1}', 0)
  new Uint8Array(file).set([0xc3, 0x28], 10)
  return file
}
