/**
 * What EXIF says a picture shows: `ImageDescription`, or else `UserComment`; and when it was taken (Exif 2.32, 4.6.4 and
 * 4.6.5; TIFF 6.0).
 */
import { entriesAt, openTiff, type Entry, type Tiff } from './tiff.ts'

export const IMAGE_DESCRIPTION = 0x010e
const EXIF_IFD = 0x8769
const USER_COMMENT = 0x9286
/** When it was taken; when it was digitised, which is the same for a camera. The date of TIFF is that of the last change. */
const DATES = [0x9003, 0x9004]
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
  const said = readExif(bytes, (tiff, main) => {
    const description = found(main, IMAGE_DESCRIPTION)
    const isText = description?.type === ASCII || description?.type === UTF8
    const text = isText && description.value !== null ? textOf(description.value) : ''
    return PLACEHOLDERS.test(text) ? commentBelow(tiff, main) : text
  })
  return said ?? ''
}

/**
 * When the picture was taken, by the clock of its camera: `2026-11-27T10:11:12`. Null where EXIF does not say it; `bytes`
 * begin with their byte order.
 */
export function exifTaken(bytes: Uint8Array): string | null {
  return readExif(bytes, (tiff, main) => {
    const below = entriesBelow(tiff, main)
    for (const tag of DATES) {
      const entry = found(below, tag)
      const moment = entry?.type === ASCII && entry.value !== null ? momentOf(textOf(entry.value)) : null
      if (moment !== null) return moment
    }
    return null
  })
}

/** `2026:11:27 10:11:12` as ISO 8601 has it; null for what is no moment. Cameras without a clock write zeros or blanks. */
function momentOf(text: string): string | null {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)/.exec(text) ?? []
  if (second === undefined) return null
  const moment = `${year}-${month}-${day}T${hour}:${minute}:${second}`
  const date = new Date(`${moment}Z`)
  // The thirtieth of February is taken for a day of March.
  return Number.isNaN(date.getTime()) || date.toISOString().slice(0, moment.length) !== moment ? null : moment
}

/** What `read` finds in the first directory; null for what is no EXIF, or damaged. */
function readExif<T>(bytes: Uint8Array, read: (tiff: Tiff, main: readonly Entry[]) => T): T | null {
  const tiff = openTiff(bytes)
  if (tiff === null) return null
  try {
    return read(tiff, entriesAt(tiff, tiff.first))
  } catch (error) {
    // An offset that leads out of it.
    if (error instanceof RangeError) return null
    throw error
  }
}

function found(entries: readonly Entry[], tag: number): Entry | undefined {
  return entries.findLast((entry) => entry.tag === tag && entry.value !== null)
}

/** Of EXIF's own directory; none where there is no such. */
function entriesBelow(tiff: Tiff, main: readonly Entry[]): readonly Entry[] {
  const pointer = found(main, EXIF_IFD)
  if (pointer === undefined) return []
  return entriesAt(tiff, tiff.view.getUint32(pointer.at + 8, tiff.isLittle))
}

function commentBelow(tiff: Tiff, main: readonly Entry[]): string {
  const comment = found(entriesBelow(tiff, main), USER_COMMENT)
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
