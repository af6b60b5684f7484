/**
 * WebP as pieces: `EXIF` and `XMP ` are chunks behind the pixels whose bits stand in the header `VP8X` (WebP container
 * specification, RFC 9649). A file of the simple form has no such header, and is given one.
 */
import { concatenated } from '../../pack/bytes.ts'
import { AppError } from '../../pack/failure.ts'
import { ascii, damagedFile, latin1, REST, type Block, type Container, type Piece } from './piece.ts'

const HEADER = 'VP8X'
const EXIF = 'EXIF'
const XMP = 'XMP '
/** Bits of the header's first byte. */
const FLAGS = { XMP: 0x04, EXIF: 0x08, ALPHA: 0x10 }
/** What some writers put before the EXIF, as if it were in JPEG. */
const JPEG_NAME = ascii('Exif\0\0')

export const WEBP: Container = {
  holds: ['xmp', 'exif'],
  pieces(file) {
    const view = new DataView(file.buffer, file.byteOffset, file.length)
    const pieces: Piece[] = [{ bytes: file.subarray(0, 12), kind: 'RIFF', block: null }]
    const size = 8 + view.getUint32(4, true)
    if (size > file.length) throw damagedFile()
    for (let at = 12; at < size;) {
      if (at + 8 > size) throw damagedFile()
      const length = view.getUint32(at + 4, true)
      const end = Math.min(at + 8 + length + (length % 2), size)
      if (at + 8 + length > size) throw damagedFile()
      const kind = latin1(file.subarray(at, at + 4))
      const block = blockIn(kind, file.subarray(at + 8, at + 8 + length))
      pieces.push({ bytes: file.subarray(at, end), kind, block })
      at = end
    }
    assertAnnounced(pieces)
    return size === file.length
      ? pieces
      : [...pieces, { bytes: file.subarray(size), kind: REST, block: null }]
  },
  made(block, former) {
    const kind = block.kind === 'exif' ? EXIF : XMP
    const named = former?.block?.kind === 'exif' && hasJpegName(former.bytes.subarray(8))
    return { bytes: chunk(kind, named ? concatenated([JPEG_NAME, block.body]) : block.body), kind, block }
  },
  placeOf(pieces, kind) {
    // EXIF stands before XMP, and both behind the pixels.
    const at = pieces.findIndex((piece) => piece.kind === REST || (kind === 'exif' && piece.kind === XMP))
    return at < 0 ? pieces.length : at
  },
  whole(pieces) {
    const file = concatenated(announcing(pieces).map(({ bytes }) => bytes))
    const rest = pieces.find(({ kind }) => kind === REST)?.bytes.length ?? 0
    new DataView(file.buffer).setUint32(4, file.length - rest - 8, true)
    return file
  },
  follows: (kind) => kind === 'RIFF' || kind === HEADER,
  refusal: () => undefined,
}

function blockIn(kind: string, data: Uint8Array): Block | null {
  if (kind === XMP) return { kind: 'xmp', body: data }
  if (kind !== EXIF) return null
  return { kind: 'exif', body: exifOfChunk(data) }
}

/** EXIF from its byte order on. */
export function exifOfChunk(data: Uint8Array): Uint8Array {
  return hasJpegName(data) ? data.subarray(JPEG_NAME.length) : data
}

function hasJpegName(data: Uint8Array): boolean {
  return latin1(data.subarray(0, JPEG_NAME.length)) === latin1(JPEG_NAME)
}

/** EXIF that no header announces is read by nobody: announced with a caption it would turn the picture, say. */
function assertAnnounced(pieces: readonly Piece[]): void {
  const flags = pieces.find(({ kind }) => kind === HEADER)?.bytes[8] ?? 0
  if (pieces.some(({ kind }) => kind === EXIF) && (flags & FLAGS.EXIF) === 0)
    throw new AppError(
      'bad-file',
      'This picture has EXIF that its header does not know of, so nothing is put into it; write its caption beside it.',
    )
}

/** The pieces with a header that says what metadata there is. Throws `bad-file` where the size of the picture is not said. */
function announcing(pieces: readonly Piece[]): Piece[] {
  const flags = pieces.reduce((all, { kind }) => {
    if (kind === EXIF) return all | FLAGS.EXIF
    return kind === XMP ? all | FLAGS.XMP : all
  }, 0)
  const at = pieces.findIndex(({ kind }) => kind === HEADER)
  if (at < 0) {
    const [riff, ...others] = pieces
    if (riff === undefined) throw damagedFile()
    return [riff, { bytes: headerFor(others, flags), kind: HEADER, block: null }, ...others]
  }
  return pieces.map((piece, i) => {
    if (i !== at) return piece
    const bytes = piece.bytes.slice()
    bytes[8] = (bytes[8] ?? 0) | flags
    return { ...piece, bytes }
  })
}

/** The header of the extended form, by what the picture's own data says. */
function headerFor(pieces: readonly Piece[], flags: number): Uint8Array {
  const [picture] = pieces
  const size = picture && sizeOf(picture)
  if (size == null) throw damagedFile()
  const body = new Uint8Array(10)
  const view = new DataView(body.buffer)
  view.setUint32(0, flags | (size.hasAlpha ? FLAGS.ALPHA : 0), true)
  // Three bytes each, one less than the size.
  view.setUint16(4, (size.width - 1) & 0xffff, true)
  view.setUint16(7, (size.height - 1) & 0xffff, true)
  return chunk(HEADER, body)
}

/** Of `VP8 `: a key frame's start code, then fourteen bits each (RFC 6386, 9.1); of `VP8L`: RFC 9649, 3.4. */
function sizeOf({ bytes, kind }: Piece): { width: number; height: number; hasAlpha: boolean } | null {
  const data = new DataView(bytes.buffer, bytes.byteOffset + 8, bytes.length - 8)
  if (kind === 'VP8 ' && data.byteLength >= 10 && latin1(bytes.subarray(11, 14)) === '\x9d\x01\x2a') {
    const [width, height] = [data.getUint16(6, true) & 0x3fff, data.getUint16(8, true) & 0x3fff]
    return width === 0 || height === 0 ? null : { width, height, hasAlpha: false }
  }
  if (kind !== 'VP8L' || data.byteLength < 5 || data.getUint8(0) !== 0x2f) return null
  const bits = data.getUint32(1, true)
  return {
    width: 1 + (bits & 0x3fff),
    height: 1 + ((bits >>> 14) & 0x3fff),
    hasAlpha: ((bits >>> 28) & 1) === 1,
  }
}

/** Chunks are made even. */
function chunk(kind: string, body: Uint8Array): Uint8Array {
  const size = new Uint8Array(4)
  new DataView(size.buffer).setUint32(0, body.length, true)
  return concatenated([ascii(kind), size, body, new Uint8Array(body.length % 2)])
}
