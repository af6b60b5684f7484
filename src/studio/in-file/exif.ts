/** What EXIF says a picture shows: `ImageDescription`, or else `UserComment` (Exif 2.32, 4.6.4 and 4.6.5; TIFF 6.0). */
import { entriesAt, openTiff, type Entry, type Tiff } from './tiff.ts'

export const IMAGE_DESCRIPTION = 0x010e
const EXIF_IFD = 0x8769
const USER_COMMENT = 0x9286
export const ASCII = 2
const UNDEFINED = 7
/** Exif 3.0 has a type of its own for what everybody writes as ASCII. */
const UTF8 = 129
/** UserComment says its code in eight bytes before the text. */
const CODE_BYTES = 8
/** Cameras write such things where a text would be. */
const PLACEHOLDERS =
  /^(OLYMPUS DIGITAL CAMERA|SONY DSC|MINOLTA DIGITAL CAMERA|KONICA MINOLTA DIGITAL CAMERA|DCIM\\.*|\s*)$/i

/** The text, or '' where there is none; `bytes` begin with their byte order. What is damaged says nothing. */
export function exifDescription(bytes: Uint8Array): string {
  const tiff = openTiff(bytes)
  if (tiff === null) return ''
  try {
    const main = entriesAt(tiff, tiff.first)
    const description = found(main, IMAGE_DESCRIPTION)
    const isText = description?.type === ASCII || description?.type === UTF8
    const said = isText && description.value !== null ? textOf(description.value) : ''
    return PLACEHOLDERS.test(said) ? commentBelow(tiff, main) : said
  } catch (error) {
    // An offset that leads out of it.
    if (error instanceof RangeError) return ''
    throw error
  }
}

function found(entries: readonly Entry[], tag: number): Entry | undefined {
  return entries.findLast((entry) => entry.tag === tag && entry.value !== null)
}

function commentBelow(tiff: Tiff, main: readonly Entry[]): string {
  const pointer = found(main, EXIF_IFD)
  if (pointer === undefined) return ''
  const at = tiff.view.getUint32(pointer.at + 8, tiff.isLittle)
  const comment = found(entriesAt(tiff, at), USER_COMMENT)
  return comment?.type === UNDEFINED && comment.value !== null ? commentOf(comment.value, tiff.isLittle) : ''
}

/** By the standard it is ASCII; what is written there is UTF-8, or the code page of somebody's system. */
export function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  const text = end < 0 ? bytes : bytes.subarray(0, end)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(text).trim()
  } catch {
    return new TextDecoder('windows-1252').decode(text).trim()
  }
}

function commentOf(bytes: Uint8Array, isLittle: boolean): string {
  const code = String.fromCharCode(...bytes.subarray(0, CODE_BYTES)).replace(/\0+$/, '')
  const body = bytes.subarray(CODE_BYTES)
  if (code !== 'UNICODE') return code === 'ASCII' || code === '' ? textOf(body) : ''
  const text = new TextDecoder(isLittle ? 'utf-16le' : 'utf-16be').decode(body)
  return text.replace(/\0[\s\S]*$/, '').trim()
}
