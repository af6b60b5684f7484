/**
 * A picture's texts inside its own file, spliced in between what is there: no pixel is touched, and every other piece
 * stays byte for byte. Everything that a file of its kind has a place for says the same: XMP all texts; EXIF's
 * `ImageDescription` and IPTC's `Caption-Abstract` the description, as the Metadata Working Group maps them.
 */
import { sameBytes } from '../../pack/bytes.ts'
import { AppError } from '../../pack/failure.ts'
import { textOf } from '../formats/row.ts'
import { readXmp, textInXml, writeXmp, type XmpTexts } from '../formats/xmp.ts'
import { isExifButDescription, withExifDescription } from './exif-splice.ts'
import { isIptcButCaption, withIptcCaption } from './iptc-splice.ts'
import { JPEG } from './jpeg.ts'
import { latin1, withBlock, type BlockKind, type Container, type Piece } from './piece.ts'
import { PNG, PNG_SIGNATURE } from './png.ts'
import { WEBP } from './webp.ts'

/** How blocks that hold the description alone are changed, and how it is seen that nothing else was. */
const SPLICES = {
  exif: { spliced: withExifDescription, isSpliced: isExifButDescription },
  resources: { spliced: withIptcCaption, isSpliced: isIptcButCaption },
} as const satisfies Partial<
  Record<
    BlockKind,
    {
      spliced: (block: Uint8Array | null, text: string) => Uint8Array
      isSpliced: (before: Uint8Array | null, after: Uint8Array, text: string) => boolean
    }
  >
>
const SPLICED = ['exif', 'resources'] as const

/** The file's XMP, or null. Throws `bad-file` for a file that is damaged or of another kind. */
export function xmpInFile(file: Uint8Array): string | null {
  return xmpOf(containerOf(file).pieces(file))
}

function xmpOf(pieces: readonly Piece[]): string | null {
  const packet = onlyBlockIn(pieces, 'xmp')
  return packet === null ? null : textOf(packet, 'The XMP in this picture')
}

/**
 * The file with these texts, and whatever else its metadata says. What comes out has been read back: it says these texts,
 * and all else is what it was. Without a description EXIF and IPTC stay as they are. Throws `bad-file`, also where the
 * file has no room for so much.
 */
export function withTexts(file: Uint8Array, texts: XmpTexts): Uint8Array<ArrayBuffer> {
  const container = containerOf(file)
  const before = container.pieces(file)
  const description = asWritten(texts.description ?? '')
  let after = before
  if (description !== '')
    for (const kind of SPLICED)
      if (container.holds.includes(kind)) {
        const body = SPLICES[kind].spliced(onlyBlockIn(before, kind), description)
        after = withBlock(container, after, { kind, body })
      }
  const body = new TextEncoder().encode(writeXmp(texts, xmpOf(before) ?? undefined))
  after = withBlock(container, after, { kind: 'xmp', body })
  const refusal = container.refusal(before, after)
  if (refusal !== undefined) throw refusal
  const spliced = container.whole(after)
  verify(file, spliced, texts)
  return spliced
}

/** Throws `bug` unless `after` says `texts`, and differs from `before` in nothing else. */
export function verify(before: Uint8Array, after: Uint8Array, texts: XmpTexts): void {
  const container = containerOf(before)
  const [one, other] = [container.pieces(before), container.pieces(after)]
  const rest = (pieces: readonly Piece[]): Piece[] =>
    pieces.filter(({ block, kind }) => block === null && !container.follows(kind))
  const [these, those] = [rest(one), rest(other)]
  const isSame =
    these.length === those.length &&
    these.every((piece, i) => sameBytes(piece.bytes, those[i]?.bytes ?? new Uint8Array()))
  const held = SPLICED.filter((kind) => container.holds.includes(kind))
  if (isSame && saysXmp(other, texts) && held.every((kind) => saysBlock(one, other, kind, texts))) return
  throw new AppError(
    'bug',
    'The caption could not be put into this file without changing more; it stays as it was.',
  )
}

function saysXmp(pieces: readonly Piece[], texts: XmpTexts): boolean {
  const said = readXmp(xmpOf(pieces) ?? '')
  return (['description', 'altText', 'longDescription', 'writer'] as const).every((name) => {
    const wanted = texts[name]
    return wanted === undefined || said[name] === asWritten(wanted)
  })
}

function saysBlock(
  before: readonly Piece[],
  after: readonly Piece[],
  kind: (typeof SPLICED)[number],
  { description = '' }: XmpTexts,
): boolean {
  const [one, other] = [blockIn(before, kind), blockIn(after, kind)]
  const text = asWritten(description)
  if (text === '') return one === null ? other === null : other !== null && sameBytes(one, other)
  return other !== null && SPLICES[kind].isSpliced(one, other, text)
}

/** As XML holds and reads it: lines end in LF, and what stands around a text is none of it. */
function asWritten(text: string): string {
  return textInXml(text).replace(/\r\n?/g, '\n').trim()
}

function blockIn(pieces: readonly Piece[], kind: BlockKind): Uint8Array | null {
  return pieces.find(({ block }) => block?.kind === kind)?.block?.body ?? null
}

/** Throws `bad-file` where there are several: nobody can say which of them holds, or they are parts of one. */
function onlyBlockIn(pieces: readonly Piece[], kind: BlockKind): Uint8Array | null {
  if (pieces.filter(({ block }) => block?.kind === kind).length > 1)
    throw new AppError(
      'bad-file',
      'The metadata in this picture is in several parts, so nothing is put into it; write its caption beside it.',
    )
  return blockIn(pieces, kind)
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
