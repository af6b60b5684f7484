/**
 * The header of a safetensors file, read as hostile: nothing in it is used before it is checked, and every range
 * that comes out lies within the file and belongs to one tensor alone. No tensor is read here.
 * Format: https://github.com/huggingface/safetensors#format
 */
import type { ByteSource } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { isRecord } from '../pack/json.ts'

/** Bits per element of every type of the format (safetensors 0.7 `Dtype`). */
const DTYPE_BITS = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const

export type Dtype = keyof typeof DTYPE_BITS

/** Whole bytes of an element; 0 for types that are smaller. */
export function elementBytes(dtype: Dtype): number {
  return Math.floor(DTYPE_BITS[dtype] / 8)
}

export interface TensorEntry {
  dtype: Dtype
  shape: number[]
  /** First byte within the file. */
  start: number
  /** One past the last byte within the file. */
  end: number
}

export interface SafetensorsHeader {
  /** A map and no object: a tensor may be called `__proto__`. */
  tensors: ReadonlyMap<string, TensorEntry>
  metadata: ReadonlyMap<string, string>
}

/** The reference reader's own limit (safetensors `MAX_HEADER_SIZE`); a real header has some hundred kilobytes. */
const MAX_HEADER_BYTES = 100_000_000
/** BLIP-2 has some 1200; a hundred thousand is no model that this could convert. */
const MAX_TENSORS = 100_000
const MAX_NAME_LENGTH = 1024
const MAX_DIMENSIONS = 16
const PREFIX_BYTES = 8

/** Reads and checks the header. `file` is the name that a message gives. Throws `bad-checkpoint`. */
export async function readSafetensorsHeader(
  source: ByteSource,
  file: string,
  signal?: AbortSignal,
): Promise<SafetensorsHeader> {
  if (source.byteLength < PREFIX_BYTES) refuse(file, `it has only ${source.byteLength} bytes`)
  const prefix = await readExactly(source, file, 0, PREFIX_BYTES, signal)
  const headerBytes = Number(new DataView(prefix).getBigUint64(0, true))
  if (headerBytes > MAX_HEADER_BYTES) {
    refuseOthers(new Uint8Array(prefix), file)
    refuse(file, `it claims a header of ${headerBytes} bytes`)
  }
  const dataStart = PREFIX_BYTES + headerBytes
  if (dataStart > source.byteLength) {
    refuse(file, `its header should have ${headerBytes} bytes, but the file ends after ${source.byteLength}`)
  }
  const text = decodeUtf8(await readExactly(source, file, PREFIX_BYTES, dataStart, signal), file)
  // The format asks for this, and thereby excludes a byte order mark and leading space.
  if (!text.startsWith('{')) refuse(file, 'its header is not a JSON object')
  const header = parseUniqueJson(text, file)
  if (!isRecord(header)) refuse(file, 'its header is not a JSON object')
  const entries = Object.entries(header)
  if (entries.length > MAX_TENSORS) refuse(file, `it lists ${entries.length} tensors`)
  const tensors = new Map<string, TensorEntry>()
  let metadata = new Map<string, string>()
  for (const [name, value] of entries) {
    if (name === '__metadata__') metadata = parseMetadata(value, file)
    else tensors.set(name, parseEntry(name, value, dataStart, file))
  }
  checkLayout(tensors, dataStart, source.byteLength, file)
  return { tensors, metadata }
}

/** How files begin that people have under the name of weights: RFC 1952, PKZIP's APPNOTE, and text. */
const OTHERS: readonly (readonly [begins: RegExp, sentence: string])[] = [
  [/^\x1f\x8b|^PK\x03\x04/, 'is compressed, or saved by PyTorch; unpack it, or give it the name that it had'],
  [/^\s*</, 'is a web page and no file of weights; download it again, signed in where the hub asks for it'],
  [/^[\t\n\r\x20-\x7e]*$/, 'is text and no file of weights, perhaps what a server said; download it again'],
]

/** Names what is no safetensors at all, by its first bytes. */
function refuseOthers(prefix: Uint8Array, file: string): void {
  const beginning = String.fromCharCode(...prefix)
  const sentence = OTHERS.find(([begins]) => begins.test(beginning))?.[1]
  if (sentence !== undefined) throw new AppError('bad-checkpoint', `${file} ${sentence}.`)
}

/**
 * The bytes of a range (`memory` as in `ByteSource.slice`), or `bad-checkpoint` when the source gives fewer: the file
 * changed under our hands.
 */
export async function readExactly(
  source: ByteSource,
  file: string,
  start: number,
  end: number,
  signal?: AbortSignal,
  memory?: ArrayBuffer,
): Promise<ArrayBuffer> {
  const bytes = await source.slice(start, end, signal, memory)
  if (bytes.byteLength !== end - start) {
    refuse(file, `bytes ${start} to ${end} were asked for and only ${bytes.byteLength} came`)
  }
  return bytes
}

/** `JSON.parse` that refuses an object with the same key twice, of which `JSON.parse` would silently keep the last. */
export function parseUniqueJson(text: string, file: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new AppError('bad-checkpoint', `${file} is damaged: its JSON is not valid; download it again.`, {
      cause,
    })
  }
  const twice = duplicateKey(text)
  if (twice !== undefined) refuse(file, `it lists ${quote(twice)} twice`)
  return value
}

/**
 * The first key that an object of the text has twice. The text is known to be valid JSON, so only strings and braces
 * matter. Keys are compared decoded: `"a"` and `"\u0061"` are one key.
 */
function duplicateKey(text: string): string | undefined {
  const open: (Set<string> | null)[] = []
  const token = /["{}[\]]/g
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    if (match[0] === '{') open.push(new Set())
    else if (match[0] === '[') open.push(null)
    else if (match[0] !== '"') open.pop()
    else {
      const end = endOfString(text, match.index)
      token.lastIndex = end
      const keys = open.at(-1)
      if (!keys || !followedByColon(text, end)) continue
      const key = String(JSON.parse(text.slice(match.index, end)))
      if (keys.has(key)) return key
      keys.add(key)
    }
  }
  return undefined
}

/** One past the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  let i = start + 1
  while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1
  return i + 1
}

function followedByColon(text: string, from: number): boolean {
  let i = from
  while (text[i] === ' ' || text[i] === '\n' || text[i] === '\r' || text[i] === '\t') i++
  return text[i] === ':'
}

function parseMetadata(value: unknown, file: string): Map<string, string> {
  if (value === null) return new Map()
  if (!isRecord(value)) refuse(file, 'its __metadata__ is not an object')
  const metadata = new Map<string, string>()
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry !== 'string') refuse(file, `its __metadata__ ${quote(key)} is not text`)
    metadata.set(key, entry)
  }
  return metadata
}

function parseEntry(name: string, value: unknown, dataStart: number, file: string): TensorEntry {
  if (name.length > MAX_NAME_LENGTH) refuse(file, `a tensor's name has ${name.length} characters`)
  const tensor = `tensor ${quote(name)}`
  if (!isRecord(value)) refuse(file, `${tensor} is not described by an object`)
  const dtype = value['dtype']
  if (!isDtype(dtype)) refuse(file, `${tensor} has the unknown type ${quote(String(dtype))}`)
  const shape = value['shape']
  if (!isCounts(shape) || shape.length > MAX_DIMENSIONS) refuse(file, `${tensor} has an impossible shape`)
  const offsets = value['data_offsets']
  if (!isCounts(offsets) || offsets.length !== 2) refuse(file, `${tensor} has impossible offsets`)
  const [begin = 0, end = 0] = offsets
  if (begin > end) refuse(file, `${tensor} ends before it begins`)
  const elements = elementCount(shape)
  if (elements === undefined) refuse(file, `${tensor} has an impossible shape`)
  if (elements * DTYPE_BITS[dtype] !== (end - begin) * 8) {
    refuse(file, `${tensor} is ${dtype} [${shape.join(', ')}] but has ${end - begin} bytes`)
  }
  return { dtype, shape, start: dataStart + begin, end: dataStart + end }
}

/** Product of the dimensions, or undefined where it is too large to count in bits (checked at each step, zeros or not). */
function elementCount(shape: number[]): number | undefined {
  let elements = 1
  for (const dimension of shape) {
    elements *= dimension
    if (!Number.isSafeInteger(elements * 64)) return undefined
  }
  return elements
}

/**
 * Tensors must fill the data section without overlaps and without holes, as the reference reader demands. A hole
 * would be harmless to read, but no writer leaves one: it means that the header was edited or belongs elsewhere.
 */
function checkLayout(
  tensors: Map<string, TensorEntry>,
  dataStart: number,
  fileBytes: number,
  file: string,
): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.start - b.start || a.end - b.end)
  let expected = dataStart
  for (const [name, { start, end }] of inOrder) {
    if (start < expected) refuse(file, `tensor ${quote(name)} overlaps another`)
    if (start > expected)
      refuse(file, `${start - expected} bytes before tensor ${quote(name)} belong to none`)
    expected = end
  }
  if (expected > fileBytes) {
    refuse(file, `it should have ${expected} bytes but has ${fileBytes}, so it was not downloaded to the end`)
  }
  if (expected < fileBytes) refuse(file, `${fileBytes - expected} bytes at its end belong to no tensor`)
}

function decodeUtf8(bytes: ArrayBuffer, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new AppError('bad-checkpoint', `${file} is damaged: its header is not UTF-8; download it again.`, {
      cause,
    })
  }
}

function refuse(file: string, why: string): never {
  throw new AppError('bad-checkpoint', `${file} is damaged: ${why}; download it again.`)
}

/** A name as a message may show it: escaped and of bearable length. */
function quote(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 117)}...` : name)
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === 'string' && Object.hasOwn(DTYPE_BITS, value)
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0)
}
