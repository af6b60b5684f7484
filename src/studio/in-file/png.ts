/** PNG as pieces: XMP is an uncompressed iTXt chunk (XMP specification part 3, 1.1.5), EXIF the chunk eXIf (PNG 3, 11.3.3.2). */
import { crc32 } from '../../archive/crc32.ts'
import { concatenated, sameBytes } from '../../pack/bytes.ts'
import { AppError } from '../../pack/failure.ts'
import { ascii, damagedFile, latin1, REST, type Block, type Container, type Piece } from './piece.ts'

export const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
export const XMP_KEYWORD = ascii('XML:com.adobe.xmp\0')
/** Not compressed, by the one method that there is; no language, no translated keyword. */
const PLAIN = Uint8Array.of(0, 0, 0, 0)

export const PNG: Container = {
  holds: ['xmp', 'exif'],
  pieces(file) {
    const pieces: Piece[] = [{ bytes: file.subarray(0, 8), kind: 'signature', block: null }]
    const view = new DataView(file.buffer, file.byteOffset, file.length)
    let at = 8
    for (let kind = ''; kind !== 'IEND';) {
      if (at > file.length - 12) throw damagedFile()
      const end = at + 12 + view.getUint32(at)
      if (end > file.length) throw damagedFile()
      kind = latin1(file.subarray(at + 4, at + 8))
      const block = blockIn(kind, file.subarray(at + 8, end - 4))
      pieces.push({ bytes: file.subarray(at, end), kind, block })
      at = end
    }
    return at === file.length ? pieces : [...pieces, { bytes: file.subarray(at), kind: REST, block: null }]
  },
  made(block) {
    const body =
      block.kind === 'xmp'
        ? concatenated([ascii('iTXt'), XMP_KEYWORD, PLAIN, block.body])
        : concatenated([ascii('eXIf'), block.body])
    const bytes = concatenated([bigEndian(body.length - 4), body, bigEndian(crc32(body))])
    return { bytes, kind: latin1(body.subarray(0, 4)), block }
  },
  placeOf(pieces) {
    const at = pieces.findIndex(({ kind }) => kind === 'IDAT')
    if (at < 0) throw damagedFile()
    return at
  },
  whole: (pieces) => concatenated(pieces.map(({ bytes }) => bytes)),
  follows: () => false,
  refusal: (before) =>
    before.some(hasRawProfile)
      ? new AppError(
          'bad-file',
          'This picture has metadata in a form of older programs, which a caption would hide; write it beside the picture.',
        )
      : undefined,
}

/** Hexadecimal digits in a text chunk, from before PNG had places for metadata: readers take them where those are empty. */
const RAW_PROFILE = /^Raw profile type (exif|app1|iptc|xmp)\0/i
const TEXT_CHUNKS = ['tEXt', 'zTXt', 'iTXt']
/** Length and kind of a chunk. */
const HEAD_BYTES = 8
/** A keyword and the zero behind it. */
const MOST_KEYWORD_BYTES = 80

function hasRawProfile({ kind, bytes }: Piece): boolean {
  const keyword = bytes.subarray(HEAD_BYTES, HEAD_BYTES + MOST_KEYWORD_BYTES)
  return TEXT_CHUNKS.includes(kind) && RAW_PROFILE.test(latin1(keyword))
}

function blockIn(kind: string, data: Uint8Array): Block | null {
  if (kind === 'eXIf') return { kind: 'exif', body: data }
  const flags = XMP_KEYWORD.length
  if (kind !== 'iTXt' || !sameBytes(data.subarray(0, flags), XMP_KEYWORD)) return null
  if (data[flags] !== 0)
    throw new AppError(
      'bad-file',
      'The XMP in this picture is compressed, which that of PNG must not be; write its caption beside it.',
    )
  // A language and a translated keyword, each ended by a zero; mostly both are empty.
  const language = data.indexOf(0, flags + 2)
  const keyword = language < 0 ? -1 : data.indexOf(0, language + 1)
  if (keyword < 0) throw damagedFile()
  return { kind: 'xmp', body: data.subarray(keyword + 1) }
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}
