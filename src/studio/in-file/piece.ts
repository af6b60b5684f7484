/** A picture's file as pieces: metadata is exchanged one piece at a time, and every other piece stays byte for byte. */
import { AppError } from '../../pack/failure.ts'

/** What texts stand in: an XMP packet, EXIF from its byte order on, or Photoshop's image resources, which hold IPTC. */
export type BlockKind = 'xmp' | 'exif' | 'resources'

export interface Block {
  kind: BlockKind
  body: Uint8Array
}

/** A piece of a file as it stands there. */
export interface Piece {
  bytes: Uint8Array
  kind: string
  /** The metadata in it; null for every other piece. */
  block: Block | null
}

/** Bytes behind the end that a file states, as other programs append them. */
export const REST = 'rest'

export interface Container {
  /** The blocks that such files have a place for. */
  holds: readonly BlockKind[]
  /** Throws `bad-file` for a file that is damaged, or whose metadata would not be told apart. */
  pieces: (file: Uint8Array) => Piece[]
  /** A piece with this block; `former` is the one whose place it takes. Throws `bad-file` where that is too much. */
  made: (block: Block, former?: Piece) => Piece
  /** Before which piece a block goes that was not there. */
  placeOf: (pieces: readonly Piece[], kind: BlockKind) => number
  /** Whole again: with the headers that say what is there. */
  whole: (pieces: readonly Piece[]) => Uint8Array<ArrayBuffer>
  /** Pieces that say what other pieces there are, and may differ for that. */
  follows: (kind: string) => boolean
  /** Why the file cannot be changed like this though each piece could; undefined where it can. */
  refusal: (before: readonly Piece[], after: readonly Piece[]) => AppError | undefined
}

/** The pieces with this block, in the place of the one of its kind or where it belongs. */
export function withBlock(container: Container, pieces: readonly Piece[], block: Block): Piece[] {
  const at = pieces.findIndex((piece) => piece.block?.kind === block.kind)
  if (at >= 0) return pieces.map((piece, i) => (i === at ? container.made(block, piece) : piece))
  const place = container.placeOf(pieces, block.kind)
  return [...pieces.slice(0, place), container.made(block), ...pieces.slice(place)]
}

export function damagedFile(): AppError {
  return new AppError(
    'bad-file',
    'This picture is damaged, so nothing is put into it; write its caption beside it.',
  )
}

export function tooMuch(): AppError {
  return new AppError('bad-file', 'This file has no room for so much metadata; write its caption beside it.')
}

export function ascii(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

export function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
