/**
 * JPEG as pieces. XMP and EXIF are APP1 segments (XMP specification part 3, 1.1.3; Exif 2.32, 4.5.4), Photoshop's
 * resources an APP13 segment.
 */
import { concatenated, sameBytes } from '../../pack/bytes.ts'
import { AppError } from '../../pack/failure.ts'
import {
  ascii,
  damagedFile,
  tooMuch,
  type Block,
  type BlockKind,
  type Container,
  type Piece,
} from './piece.ts'

const APP0 = 0xe0
const APP1 = 0xe1
const APP2 = 0xe2
const SOS = 0xda
/** A segment's length is two bytes and counts them. */
const MOST_BYTES = 0xffff

interface Segment {
  marker: number
  name: Uint8Array
}

const SEGMENTS: Record<BlockKind, Segment> = {
  xmp: { marker: APP1, name: ascii('http://ns.adobe.com/xap/1.0/\0') },
  exif: { marker: APP1, name: ascii('Exif\0\0') },
  resources: { marker: 0xed, name: ascii('Photoshop 3.0\0') },
}
/** Says where further pictures lie, counted from itself (CIPA DC-007). */
const MULTI_PICTURE = ascii('MPF\0')
const PICTURE_START = Uint8Array.of(0xff, 0xd8, 0xff)

export const JPEG: Container = {
  holds: ['xmp', 'exif', 'resources'],
  pieces(file) {
    const pieces: Piece[] = [{ bytes: file.subarray(0, 2), kind: 'SOI', block: null }]
    let at = 2
    // Behind the first scan's header only pixels matter; whatever follows stays one piece.
    while (file[at] === 0xff && file[at + 1] !== SOS) {
      const marker = file[at + 1] ?? 0
      if (marker === 0xff) {
        pieces.push({ bytes: file.subarray(at, (at += 1)), kind: 'fill', block: null })
        continue
      }
      const end = at + 2 + ((file[at + 2] ?? 0) << 8) + (file[at + 3] ?? 0)
      if (end < at + 4 || end > file.length) throw damagedFile()
      pieces.push(segment(file.subarray(at, end), marker))
      at = end
    }
    if (file[at] !== 0xff) throw damagedFile()
    return [...pieces, { bytes: file.subarray(at), kind: PIXELS, block: null }]
  },
  made(block) {
    const { marker, name } = SEGMENTS[block.kind]
    const length = 2 + name.length + block.body.length
    if (length > MOST_BYTES) throw tooMuch()
    const header = Uint8Array.of(0xff, marker, length >> 8, length & 0xff)
    return { bytes: concatenated([header, name, block.body]), kind: kindOf(marker), block }
  },
  placeOf(pieces, kind) {
    // JFIF stands first, then EXIF, then XMP.
    const before = kind === 'exif' ? [kindOf(APP0)] : [kindOf(APP0), kindOf(APP1)]
    return 1 + pieces.slice(1).findIndex((piece) => !before.includes(piece.kind))
  },
  whole: (pieces) => concatenated(pieces.map(({ bytes }) => bytes)),
  follows: () => false,
  refusal(before, after) {
    const moves = behindIndex(before) !== behindIndex(after) || hasPreviewByPlace(before)
    return moves
      ? new AppError(
          'bad-file',
          'This file says by place where further pictures in it lie, and a caption would move them; write it beside it.',
        )
      : undefined
  },
}

const PIXELS = 'pixels'

function segment(bytes: Uint8Array, marker: number): Piece {
  for (const kind of JPEG.holds) {
    const block = segmentBlock(bytes, marker, kind)
    if (block !== null) return { bytes, kind: kindOf(marker), block }
  }
  const isIndex = marker === APP2 && sameBytes(bytes.subarray(4, 4 + MULTI_PICTURE.length), MULTI_PICTURE)
  return { bytes, kind: isIndex ? INDEX : kindOf(marker), block: null }
}

const INDEX = 'index of pictures'

/** What a segment, from its marker on, holds of this kind; null for any other. */
export function segmentBlock(bytes: Uint8Array, marker: number, kind: BlockKind): Block | null {
  const { marker: own, name } = SEGMENTS[kind]
  const end = 4 + name.length
  return marker === own && sameBytes(bytes.subarray(4, end), name)
    ? { kind, body: bytes.subarray(end) }
    : null
}

function kindOf(marker: number): string {
  return `segment ${marker}`
}

/** Bytes behind the index of further pictures; 0 where there is none. */
function behindIndex(pieces: readonly Piece[]): number {
  const at = pieces.findIndex(({ kind }) => kind === INDEX)
  return at < 0 ? 0 : pieces.slice(at).reduce((sum, { bytes }) => sum + bytes.length, 0)
}

/**
 * Whether notes of a camera say where a picture behind this one lies: then its place, counted from where EXIF begins, is
 * among the words of EXIF. Compressed pixels never look like the start of a picture.
 */
function hasPreviewByPlace(pieces: readonly Piece[]): boolean {
  const exifAt = pieces.findIndex(({ block }) => block?.kind === 'exif')
  const exif = pieces[exifAt]
  const pixels = pieces.at(-1)?.bytes
  if (exif?.block == null || pixels === undefined) return false
  const { body } = exif.block
  const between = pieces.slice(exifAt + 1, -1).reduce((sum, { bytes }) => sum + bytes.length, 0)
  return placesOf(PICTURE_START, pixels).some((at) => {
    const place = new DataView(new ArrayBuffer(8))
    place.setUint32(0, body.length + between + at)
    place.setUint32(4, body.length + between + at, true)
    return [0, 4].some((order) => placesOf(new Uint8Array(place.buffer, order, 4), body).length > 0)
  })
}

function placesOf(wanted: Uint8Array, bytes: Uint8Array): number[] {
  const [first = 0] = wanted
  const places: number[] = []
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1))
    if (sameBytes(bytes.subarray(at, at + wanted.length), wanted)) places.push(at)
  return places
}
