/**
 * AVIF's container, as far as the decoder leaves it to whoever shows the picture: how large it is and which way up
 * (ISO/IEC 23008-12; Pillow's `_avif.c` and `AvifImagePlugin`).
 */
import { ascii, u16be, u32be } from './file-bytes.ts'
import { exifOrientation, orientationOf } from './orientation.ts'
import type { Orientation } from './raster.ts'
import { cutOff } from './refusal.ts'

export interface AvifLook {
  /** As stored, before it is turned; null where only the decoder can tell (sequences without a still picture). */
  size: { width: number; height: number } | null
  orientation: Orientation
}

interface Box {
  type: string
  body: Uint8Array
}

/** Throws `bad-image` where the file ends before its description does. */
export function lookAtAvif(file: Uint8Array): AvifLook {
  const meta = boxesOf(file)
    .find(({ type }) => type === 'meta')
    ?.body.subarray(4)
  if (meta === undefined) return { size: null, orientation: 1 }
  const boxes = boxesOf(meta)
  const find = (type: string, within = boxes): Uint8Array | null =>
    within.find((box) => box.type === type)?.body ?? null
  const properties = propertiesOf(boxes, primaryItem(find('pitm')))
  const ispe = find('ispe', properties)
  const turn = find('irot', properties)?.[0]
  const mirror = find('imir', properties)?.[0]
  const byBoxes = orientationOfTurns(
    turn === undefined ? 0 : turn & 3,
    mirror === undefined ? null : mirror & 1,
  )
  return {
    size: ispe === null ? null : { width: u32be(ispe, 4), height: u32be(ispe, 8) },
    orientation: byBoxes !== 1 ? byBoxes : writtenOrientation(file, boxes),
  }
}

/** EXIF has no say in AVIF (MIAF 7.3.6.7); Pillow lets XMP have one where EXIF is silent. */
function writtenOrientation(file: Uint8Array, boxes: readonly Box[]): Orientation {
  const exif = itemOf(file, boxes, 'Exif')
  // The first four bytes say where the TIFF header is.
  if (exifOrientation(exif === null ? null : exif.subarray(4 + u32be(exif, 0))) !== null) return 1
  return orientationOf(null, itemOf(file, boxes, 'mime'))
}

/** Anti-clockwise quarters first, then swapped top and bottom (axis 0) or left and right (axis 1). */
function orientationOfTurns(quarters: number, axis: number | null): Orientation {
  const plain = [1, 8, 3, 6] as const
  const upsideDown = [4, 5, 2, 7] as const
  const reversed = [2, 7, 4, 5] as const
  return (axis === null ? plain : axis === 0 ? upsideDown : reversed)[quarters] ?? 1
}

function boxesOf(bytes: Uint8Array): Box[] {
  const boxes: Box[] = []
  for (let at = 0; at + 8 <= bytes.length;) {
    const short = u32be(bytes, at)
    const header = short === 1 ? 16 : 8
    const length =
      short === 0
        ? bytes.length - at
        : short === 1
          ? u32be(bytes, at + 8) * 2 ** 32 + u32be(bytes, at + 12)
          : short
    if (length < header) break
    const type = ascii(bytes, at + 4, at + 8)
    if (at + length > bytes.length && type !== 'mdat') throw cutOff()
    boxes.push({ type, body: bytes.subarray(at + header, at + length) })
    at += length
  }
  return boxes
}

function primaryItem(pitm: Uint8Array | null): number {
  if (pitm === null) return 1
  return pitm[0] === 0 ? u16be(pitm, 4) : u32be(pitm, 4)
}

/** The properties (`ipco`) that are said to be `item`'s (`ipma`). */
function propertiesOf(boxes: readonly Box[], item: number): Box[] {
  const iprp = boxes.find(({ type }) => type === 'iprp')
  const inner = iprp === undefined ? [] : boxesOf(iprp.body)
  const all = boxesOf(inner.find(({ type }) => type === 'ipco')?.body ?? new Uint8Array())
  const own: Box[] = []
  for (const { type, body } of inner) {
    if (type !== 'ipma') continue
    const wideIds = body[0] !== 0
    const wideIndices = ((body[3] ?? 0) & 1) === 1
    let at = 8
    for (let i = 0; i < u32be(body, 4) && at < body.length; i += 1) {
      const id = wideIds ? u32be(body, at) : u16be(body, at)
      at += wideIds ? 4 : 2
      const count = body[at] ?? 0
      at += 1
      for (let j = 0; j < count; j += 1) {
        const index = wideIndices ? u16be(body, at) & 0x7fff : (body[at] ?? 0) & 0x7f
        at += wideIndices ? 2 : 1
        const property = all[index - 1]
        if (id === item && property !== undefined) own.push(property)
      }
    }
  }
  return own
}

/** The bytes of the first item of a type (`iinf`, `iloc`); null where there is none, or it is kept in a rare way. */
function itemOf(file: Uint8Array, boxes: readonly Box[], wanted: string): Uint8Array | null {
  const iinf = boxes.find(({ type }) => type === 'iinf')?.body
  const iloc = boxes.find(({ type }) => type === 'iloc')?.body
  if (iinf === undefined || iloc === undefined) return null
  const entries = boxesOf(iinf.subarray(iinf[0] === 0 ? 6 : 8))
  const entry = entries.find(({ body }) => body[0] === 2 && ascii(body, 8, 12) === wanted)
  return entry === undefined ? null : extentOf(file, iloc, u16be(entry.body, 4))
}

function extentOf(file: Uint8Array, iloc: Uint8Array, item: number): Uint8Array | null {
  const version = iloc[0] ?? 0
  const number = (at: number, bytes: number): number =>
    bytes === 4 ? u32be(iloc, at) : bytes === 8 ? u32be(iloc, at + 4) : 0
  const [offsetBytes, lengthBytes, baseBytes] = [
    (iloc[4] ?? 0) >> 4,
    (iloc[4] ?? 0) & 15,
    (iloc[5] ?? 0) >> 4,
  ]
  if (version > 1 || (version === 1 && ((iloc[5] ?? 0) & 15) !== 0)) return null
  let at = 8
  for (let i = 0; i < u16be(iloc, 6) && at < iloc.length; i += 1) {
    const id = u16be(iloc, at)
    const inFile = version === 0 || (u16be(iloc, at + 2) & 15) === 0
    at += version === 0 ? 4 : 6
    const base = number(at, baseBytes)
    const extents = u16be(iloc, at + baseBytes)
    at += baseBytes + 2
    const offset = base + number(at, offsetBytes)
    const length = number(at + offsetBytes, lengthBytes)
    if (id === item) return extents === 1 && inFile ? file.subarray(offset, offset + length) : null
    at += extents * (offsetBytes + lengthBytes)
  }
  return null
}
