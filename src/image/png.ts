/**
 * PNG (W3C PNG, third edition): the default image of the file, with Pillow's pixels. Animation chunks are passed over,
 * and so are gamma, colour profiles and broken metadata.
 */
import { Inflate, Unzlib } from 'fflate'
import { concatenated } from '../pack/bytes.ts'
import { crc32 } from '../archive/crc32.ts'
import { ascii, startsWith, u32be } from './file-bytes.ts'
import { orientationOf } from './orientation.ts'
import { pngRows, type PngHeader } from './png-rows.ts'
import type { Orientation, Raster } from './raster.ts'
import { checkSize, cutOff, damaged, refusedPicture } from './refusal.ts'

interface Chunks {
  header: PngHeader | null
  data: Uint8Array[]
  /** A checksum of the picture's data is wrong. */
  dubious: boolean
  exif: Uint8Array | null
  xmp: Uint8Array | null
}

/** The depths that each colour type may have: grey, RGB, palette, grey and alpha, RGB and alpha. */
const DEPTHS: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
}

/** Throws `bad-image` and `image-too-large`. `file` may have anything behind the picture's end. */
export function readPng(file: Uint8Array): { raster: Raster; orientation: Orientation } {
  const chunks = readChunks(file)
  return { raster: inflate(chunks), orientation: orientationOf(chunks.exif, chunks.xmp) }
}

function readChunks(file: Uint8Array): Chunks {
  if (!startsWith(file, 0, '\x89PNG\r\n\x1a\n')) throw damaged('PNG')
  const chunks: Chunks = { header: null, data: [], dubious: false, exif: null, xmp: null }
  for (let at = 8; ;) {
    const length = u32be(file, at)
    const type = ascii(file, at + 4, at + 8)
    if (type === 'IEND') return chunks
    const end = at + 8 + length
    if (!/^[A-Za-z]{4}$/.test(type) || end + 4 > file.length) {
      // The length of the picture's data may be a lie: they end by themselves.
      if (type === 'IDAT') chunks.data.push(file.subarray(at + 8))
      // Behind the picture's data rubbish is passed over, when the end mark is still to come.
      if (chunks.data.length > 0 && hasEnd(file, at)) return chunks
      throw type.length < 4 || end + 4 > file.length ? cutOff() : damaged('PNG')
    }
    takeChunk(
      chunks,
      type,
      file.subarray(at + 8, end),
      u32be(file, end) === crc32(file.subarray(at + 4, end)),
    )
    at = end + 4
  }
}

function readHeader(body: Uint8Array): PngHeader {
  const [depth = 0, colour = 0, , filtering = 0, interlaced = 0] = body.subarray(8, 13)
  if (body.length < 13 || DEPTHS[colour]?.includes(depth) !== true || filtering !== 0) throw damaged('PNG')
  const header = {
    width: u32be(body, 0),
    height: u32be(body, 4),
    depth,
    colour,
    interlaced: interlaced !== 0,
  }
  checkSize(header.width, header.height)
  return { ...header, palette: null, transparency: null }
}

function hasEnd(file: Uint8Array, from: number): boolean {
  for (let at = from; at + 4 <= file.length; at += 1) if (startsWith(file, at, 'IEND')) return true
  return false
}

function takeChunk(chunks: Chunks, type: string, body: Uint8Array, sound: boolean): void {
  switch (type) {
    case 'IHDR':
      chunks.header ??= readHeader(body)
      break
    case 'CgBI':
      throw refusedPicture(
        'This is a PNG picture as apps for the iPhone hold them (CgBI); save it as plain PNG.',
      )
    case 'PLTE':
      if (chunks.header !== null) chunks.header.palette = body
      break
    case 'tRNS':
      if (chunks.header !== null) chunks.header.transparency = body
      break
    case 'IDAT':
      // Empty ones are allowed, in any number.
      if (body.length > 0) chunks.data.push(body)
      if (!sound) chunks.dubious = true
      break
    case 'eXIf':
      chunks.exif = body
      break
    case 'tEXt':
    case 'zTXt':
    case 'iTXt':
      takeText(chunks, type, body)
      break
  }
}

/** Older writers keep EXIF as hexadecimal text (ImageMagick's raw profiles); XMP has a keyword of its own. */
function takeText(chunks: Chunks, type: string, body: Uint8Array): void {
  const keyword = ascii(body, 0, Math.min(body.indexOf(0), 79))
  if (keyword === 'XML:com.adobe.xmp') chunks.xmp = textOf(type, body.subarray(keyword.length + 1))
  if (keyword !== 'Raw profile type exif' || chunks.exif !== null) return
  const lines = new TextDecoder('latin1').decode(textOf(type, body.subarray(keyword.length + 1))).split('\n')
  const digits = lines.slice(3).join('')
  chunks.exif = Uint8Array.from(digits.match(/[0-9a-f]{2}/gi) ?? [], (pair) => parseInt(pair, 16))
}

/** `rest` is what follows the keyword. Text that cannot be unpacked is no text. */
function textOf(type: string, rest: Uint8Array): Uint8Array {
  try {
    if (type === 'tEXt') return rest
    if (type === 'zTXt') return unpackedText(rest.subarray(1))
    // iTXt: compressed or not, method, language, translated keyword.
    const language = rest.indexOf(0, 2)
    const text = rest.subarray(rest.indexOf(0, language + 1) + 1)
    return rest[0] === 1 ? unpackedText(text) : text
  } catch {
    return new Uint8Array()
  }
}

/** As much as Pillow takes (`MAX_TEXT_CHUNK`); a few bytes could become any number. */
const LONGEST_TEXT_BYTES = 2 ** 20
const TEXT_PIECE_BYTES = 2 ** 12

function unpackedText(packed: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = []
  let length = 0
  const unpacker = new Unzlib((piece) => {
    length += piece.length
    if (length > LONGEST_TEXT_BYTES) throw damaged('PNG')
    pieces.push(piece)
  })
  for (let at = 0; at < packed.length; at += TEXT_PIECE_BYTES)
    unpacker.push(packed.subarray(at, at + TEXT_PIECE_BYTES), at + TEXT_PIECE_BYTES >= packed.length)
  return concatenated(pieces)
}

function inflate({ header, data, dubious }: Chunks): Raster {
  if (header === null || data.length === 0 || (header.colour === 3 && header.palette === null))
    throw damaged('PNG')
  const rows = pngRows(header, { summed: dubious })
  const [method = 0, flags = 0] = concatenated(data.map((part) => part.subarray(0, 2)))
  // Deflate, without a preset dictionary (RFC 1950).
  if ((method & 15) !== 8 || (flags & 0x20) !== 0) throw damaged('PNG')
  const inflater = new Inflate((chunk) => rows.push(chunk))
  let skip = 2
  try {
    for (const part of inLargePieces(data)) {
      // What follows the last row (checksums, too much data) is of no interest.
      if (!rows.complete()) inflater.push(part.subarray(skip))
      skip = 0
    }
  } catch (cause) {
    if (!rows.complete()) throw damaged('PNG', cause)
  }
  if (!rows.complete()) throw cutOff()
  // Some writers get one of the two checksums wrong; where neither holds the data was changed on its way.
  if (dubious && !rows.hasChecksum(u32be(tail(data), 0))) throw damaged('PNG')
  return rows.raster
}

const PIECE_BYTES = 2 ** 16

/** The same bytes: some files have them in chunks of a few bytes each, and unpacking has a price for each piece. */
function* inLargePieces(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let bytes = 0
  for (const part of parts) {
    waiting.push(part)
    bytes += part.length
    if (bytes < PIECE_BYTES) continue
    yield waiting.length === 1 ? part : concatenated(waiting)
    waiting = []
    bytes = 0
  }
  yield concatenated(waiting)
}

function tail(data: readonly Uint8Array[]): Uint8Array {
  return concatenated(data.slice(-5)).subarray(-4)
}
