/**
 * What EXIF says a picture shows: `ImageDescription`, or else `UserComment` (Exif 2.32, 4.6.4 and 4.6.5; TIFF 6.0). Only
 * read: other programs keep offsets into their own notes there, which no rewriting would leave whole.
 */

const IMAGE_DESCRIPTION = 0x010e
const EXIF_IFD = 0x8769
const USER_COMMENT = 0x9286
const ASCII = 2
const UNDEFINED = 7
/** UserComment says its code in eight bytes before the text. */
const CODE_BYTES = 8
/** Cameras write such things where a text would be. */
const PLACEHOLDERS =
  /^(OLYMPUS DIGITAL CAMERA|SONY DSC|MINOLTA DIGITAL CAMERA|KONICA MINOLTA DIGITAL CAMERA|DCIM\\.*|\s*)$/i

interface Field {
  type: number
  bytes: Uint8Array
}

/** The text, or '' where there is none; `tiff` begins with its byte order. What is damaged says nothing. */
export function exifDescription(tiff: Uint8Array): string {
  const order = String.fromCharCode(...tiff.subarray(0, 2))
  if (order !== 'II' && order !== 'MM') return ''
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length)
  const isLittle = order === 'II'
  try {
    if (view.getUint16(2, isLittle) !== 42) return ''
    const main = fieldsAt(view, view.getUint32(4, isLittle), isLittle)
    const description = main.get(IMAGE_DESCRIPTION)
    const said = description?.type === ASCII ? textOf(description.bytes) : ''
    if (!PLACEHOLDERS.test(said)) return said
    const pointer = main.get(EXIF_IFD)?.bytes
    if (pointer === undefined) return ''
    const at = new DataView(pointer.buffer, pointer.byteOffset, pointer.length).getUint32(0, isLittle)
    const comment = fieldsAt(view, at, isLittle).get(USER_COMMENT)
    return comment?.type === UNDEFINED ? commentOf(comment.bytes, isLittle) : ''
  } catch (error) {
    // An offset that leads out of it.
    if (error instanceof RangeError) return ''
    throw error
  }
}

/** Sizes of the types 1 to 10, in bytes (TIFF 6.0, section 2). */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8]

function fieldsAt(view: DataView, at: number, isLittle: boolean): Map<number, Field> {
  const fields = new Map<number, Field>()
  const count = view.getUint16(at, isLittle)
  for (let i = 0; i < count; i += 1) {
    const entry = at + 2 + 12 * i
    const type = view.getUint16(entry + 2, isLittle)
    const length = (TYPE_BYTES[type] ?? 0) * view.getUint32(entry + 4, isLittle)
    // Four bytes and less stand in the entry itself.
    const start = length <= 4 ? entry + 8 : view.getUint32(entry + 8, isLittle)
    if (start + length > view.byteLength) continue
    const bytes = new Uint8Array(view.buffer, view.byteOffset + start, length)
    fields.set(view.getUint16(entry, isLittle), { type, bytes })
  }
  return fields
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
