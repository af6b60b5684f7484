/**
 * XMP inside a picture's own file, spliced in between what is there: no pixel is touched, and everything but the packet
 * stays byte for byte. JPEG: an APP1 segment (XMP specification part 3, 1.1.3); PNG: an uncompressed iTXt chunk before
 * the pixels (1.1.5); WebP: the chunk `XMP ` and its bit in `VP8X` (1.1.8 and the container's specification).
 */
import { crc32 } from '../../archive/crc32.ts'
import { concatenated, sameBytes } from '../../pack/bytes.ts'
import { AppError } from '../../pack/failure.ts'
import { textOf } from '../formats/row.ts'
import { readXmp, writeXmp, type XmpTexts } from '../formats/xmp.ts'

/** A piece of a file as it stands there. `packet` is the XMP in it; null for every other piece. */
interface Piece {
  bytes: Uint8Array
  kind: string
  packet: Uint8Array | null
}

/** Bytes behind the end that a file states, as other programs append them. */
const REST = 'rest'

interface Container {
  pieces: (bytes: Uint8Array) => Piece[]
  /** The pieces with one packet, where it belongs. */
  withPacket: (pieces: readonly Piece[], packet: Uint8Array) => Piece[]
  /** Whole again, where pieces alone are not the file. */
  whole: (pieces: readonly Piece[]) => Uint8Array<ArrayBuffer>
  /** Pieces that say what other pieces there are, and may differ for that. */
  follows: (kind: string) => boolean
}

/** The file's XMP, or null. Throws `bad-file` for a file that is damaged or of another kind. */
export function xmpInFile(file: Uint8Array): string | null {
  const packets = containerOf(file)
    .pieces(file)
    .flatMap(({ packet }) => packet ?? [])
  const [packet] = packets
  return packet === undefined ? null : textOf(packet, 'The XMP in this picture')
}

/**
 * The file with these texts in its XMP, and whatever else that says. What comes out has been read back: its texts are
 * these, and every other piece is what it was. Throws `bad-file`, also where the file has no room for so much.
 */
export function withXmpInFile(file: Uint8Array, texts: XmpTexts): Uint8Array<ArrayBuffer> {
  const container = containerOf(file)
  const pieces = container.pieces(file)
  const packet = new TextEncoder().encode(writeXmp(texts, xmpInFile(file) ?? undefined))
  const others = pieces.filter((piece) => piece.packet === null)
  const spliced = container.whole(container.withPacket(others, packet))
  verify(file, spliced, texts)
  return spliced
}

/** Throws `bug` unless `after` differs from `before` in its XMP alone and says `texts` there. */
export function verify(before: Uint8Array, after: Uint8Array, texts: XmpTexts): void {
  const container = containerOf(before)
  const rest = (file: Uint8Array): Piece[] =>
    container.pieces(file).filter(({ packet, kind }) => packet === null && !container.follows(kind))
  const [these, those] = [rest(before), rest(after)]
  const same =
    these.length === those.length &&
    these.every((piece, i) => sameBytes(piece.bytes, those[i]?.bytes ?? new Uint8Array()))
  const said = readXmp(xmpInFile(after) ?? '')
  const says = (name: keyof XmpTexts): boolean => {
    const wanted = texts[name]
    // As XML is read: lines end in LF, and what stands around a text is none of it.
    return wanted === undefined || said[name] === wanted.replace(/\r\n?/g, '\n').trim()
  }
  if (same && says('description') && says('altText') && says('longDescription') && says('writer')) return
  throw new AppError(
    'bug',
    'The caption could not be put into this file without changing more; it stays as it was.',
  )
}

function containerOf(file: Uint8Array): Container {
  if (file[0] === 0xff && file[1] === 0xd8) return JPEG
  if (sameBytes(file.subarray(0, 8), PNG_SIGNATURE)) return PNG
  if (latin1(file.subarray(0, 4)) === 'RIFF' && latin1(file.subarray(8, 12)) === 'WEBP') return WEBP
  throw new AppError(
    'bad-file',
    'Captions can be put into JPEG, PNG and WebP files; write one beside this picture.',
  )
}

const JPEG_XMP = ascii('http://ns.adobe.com/xap/1.0/\0')
/** A segment's length counts its own two bytes. */
const JPEG_MOST = 0xffff - 2 - JPEG_XMP.length

const JPEG: Container = {
  pieces(file) {
    const pieces: Piece[] = [{ bytes: file.subarray(0, 2), kind: 'SOI', packet: null }]
    let at = 2
    // Behind the first scan's header only pixels matter; whatever follows stays one piece.
    while (file[at] === 0xff && file[at + 1] !== 0xda) {
      const marker = file[at + 1] ?? 0
      if (marker === 0xff) {
        pieces.push({ bytes: file.subarray(at, (at += 1)), kind: 'fill', packet: null })
        continue
      }
      const end = at + 2 + ((file[at + 2] ?? 0) << 8) + (file[at + 3] ?? 0)
      if (end < at + 4 || end > file.length) throw damagedFile()
      const bytes = file.subarray(at, end)
      const isXmp = marker === 0xe1 && sameBytes(bytes.subarray(4, 4 + JPEG_XMP.length), JPEG_XMP)
      const packet = isXmp ? bytes.subarray(4 + JPEG_XMP.length) : null
      pieces.push({ bytes, kind: `${marker === 0xe0 || marker === 0xe1 ? 'first' : marker}`, packet })
      at = end
    }
    if (file[at] !== 0xff) throw damagedFile()
    return [...pieces, { bytes: file.subarray(at), kind: 'pixels', packet: null }]
  },
  withPacket(pieces, packet) {
    if (packet.length > JPEG_MOST) throw tooMuch()
    const length = packet.length + JPEG_XMP.length + 2
    const header = Uint8Array.of(0xff, 0xe1, length >> 8, length & 0xff)
    // JFIF and EXIF stand first.
    const at = 1 + pieces.slice(1).findIndex(({ kind }) => kind !== 'first')
    return inserted(pieces, at, { bytes: concatenated([header, JPEG_XMP, packet]), kind: 'XMP', packet })
  },
  whole: (pieces) => concatenated(pieces.map(({ bytes }) => bytes)),
  follows: () => false,
}

const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
/** Keyword, then: not compressed, no language, no translated keyword. */
const PNG_XMP = ascii('XML:com.adobe.xmp\0\0\0\0\0')

const PNG: Container = {
  pieces(file) {
    const pieces: Piece[] = [{ bytes: file.subarray(0, 8), kind: 'signature', packet: null }]
    const view = new DataView(file.buffer, file.byteOffset, file.length)
    let at = 8
    for (let kind = ''; kind !== 'IEND';) {
      if (at > file.length - 12) throw damagedFile()
      const end = at + 12 + view.getUint32(at)
      if (end > file.length) throw damagedFile()
      kind = latin1(file.subarray(at + 4, at + 8))
      const data = file.subarray(at + 8, end - 4)
      const isXmp = kind === 'iTXt' && sameBytes(data.subarray(0, PNG_XMP.length), PNG_XMP)
      pieces.push({
        bytes: file.subarray(at, end),
        kind,
        packet: isXmp ? data.subarray(PNG_XMP.length) : null,
      })
      at = end
    }
    return at === file.length ? pieces : [...pieces, { bytes: file.subarray(at), kind: REST, packet: null }]
  },
  withPacket(pieces, packet) {
    const body = concatenated([ascii('iTXt'), PNG_XMP, packet])
    const bytes = concatenated([bigEndian(body.length - 4), body, bigEndian(crc32(body))])
    const at = pieces.findIndex(({ kind }) => kind === 'IDAT')
    if (at < 0) throw damagedFile()
    return inserted(pieces, at, { bytes, kind: 'iTXt', packet })
  },
  whole: (pieces) => concatenated(pieces.map(({ bytes }) => bytes)),
  follows: () => false,
}

const XMP_BIT = 0x04

const WEBP: Container = {
  pieces(file) {
    const view = new DataView(file.buffer, file.byteOffset, file.length)
    const pieces: Piece[] = [{ bytes: file.subarray(0, 12), kind: 'RIFF', packet: null }]
    const size = 8 + view.getUint32(4, true)
    if (size > file.length) throw damagedFile()
    for (let at = 12; at < size;) {
      if (at + 8 > size) throw damagedFile()
      const length = view.getUint32(at + 4, true)
      const end = Math.min(at + 8 + length + (length % 2), size)
      if (at + 8 + length > size) throw damagedFile()
      const kind = latin1(file.subarray(at, at + 4))
      const packet = kind === 'XMP ' ? file.subarray(at + 8, at + 8 + length) : null
      pieces.push({ bytes: file.subarray(at, end), kind, packet })
      at = end
    }
    return size === file.length
      ? pieces
      : [...pieces, { bytes: file.subarray(size), kind: REST, packet: null }]
  },
  withPacket(pieces, packet) {
    const at = pieces.findIndex(({ kind }) => kind === 'VP8X')
    const header = pieces[at]
    if (header === undefined)
      throw new AppError(
        'bad-file',
        'This WebP file is of the simple form, without room for a caption; write one beside it.',
      )
    const flagged = header.bytes.slice()
    flagged[8] = (flagged[8] ?? 0) | XMP_BIT
    const padding = packet.length % 2 === 0 ? [] : [new Uint8Array(1)]
    const size = new Uint8Array(4)
    new DataView(size.buffer).setUint32(0, packet.length, true)
    const bytes = concatenated([ascii('XMP '), size, packet, ...padding])
    const marked = pieces.map((piece, i) => (i === at ? { ...piece, bytes: flagged } : piece))
    const end = marked.findIndex(({ kind }) => kind === REST)
    return inserted(marked, end < 0 ? marked.length : end, { bytes, kind: 'XMP ', packet })
  },
  whole(pieces) {
    const file = concatenated(pieces.map(({ bytes }) => bytes))
    const rest = pieces.find(({ kind }) => kind === REST)?.bytes.length ?? 0
    new DataView(file.buffer).setUint32(4, file.length - rest - 8, true)
    return file
  },
  follows: (kind) => kind === 'RIFF' || kind === 'VP8X',
}

function inserted(pieces: readonly Piece[], at: number, piece: Piece): Piece[] {
  return [...pieces.slice(0, at), piece, ...pieces.slice(at)]
}

function damagedFile(): AppError {
  return new AppError(
    'bad-file',
    'This picture is damaged, so nothing is put into it; write its caption beside it.',
  )
}

function tooMuch(): AppError {
  return new AppError('bad-file', 'This file has no room for so much metadata; write its caption beside it.')
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}

function ascii(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
