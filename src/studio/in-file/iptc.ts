/**
 * What IPTC-IIM says a picture shows: `Caption/Abstract`, dataset 2:120 (IIM 4.2, section 6), in Photoshop's image
 * resource 1028 (Adobe Photoshop file formats, "Image resource blocks").
 */
import { textOf } from './exif.ts'

const RESOURCE = 0x0404
const DATASET_MARK = 0x1c
/** Record and number. */
const CAPTION = [2, 120] as const
const CHARACTER_SET = [1, 90] as const
/** ISO 2022 for UTF-8. */
const UTF8 = '\x1b%G'

/** The text, or ''; `resources` are those blocks, each of which begins with `8BIM`. */
export function iptcCaption(resources: Uint8Array): string {
  const records = iptcIn(resources)
  if (records === null) return ''
  const found = datasets(records)
  const caption = found.find(({ id }) => isSame(id, CAPTION))
  if (caption === undefined) return ''
  const set = found.find(({ id }) => isSame(id, CHARACTER_SET))
  const isUtf8 = set !== undefined && String.fromCharCode(...set.bytes) === UTF8
  return isUtf8 ? new TextDecoder().decode(caption.bytes).trim() : textOf(caption.bytes)
}

function iptcIn(resources: Uint8Array): Uint8Array | null {
  const view = new DataView(resources.buffer, resources.byteOffset, resources.length)
  for (let at = 0; at + 12 <= resources.length;) {
    if (String.fromCharCode(...resources.subarray(at, at + 4)) !== '8BIM') return null
    // A name of Pascal's kind, made even.
    const nameBytes = (resources[at + 6] ?? 0) + 1
    const sizeAt = at + 6 + nameBytes + (nameBytes % 2)
    if (sizeAt + 4 > resources.length) return null
    const size = view.getUint32(sizeAt)
    const start = sizeAt + 4
    if (start + size > resources.length) return null
    if (view.getUint16(at + 4) === RESOURCE) return resources.subarray(start, start + size)
    at = start + size + (size % 2)
  }
  return null
}

interface Dataset {
  id: readonly [number, number]
  bytes: Uint8Array
}

function datasets(records: Uint8Array): Dataset[] {
  const found: Dataset[] = []
  for (let at = 0; at + 5 <= records.length && records[at] === DATASET_MARK;) {
    const size = ((records[at + 3] ?? 0) << 8) | (records[at + 4] ?? 0)
    // Longer than 32 kB takes another form, which no caption has.
    if (size > 0x7fff || at + 5 + size > records.length) break
    const id = [records[at + 1] ?? 0, records[at + 2] ?? 0] as const
    found.push({ id, bytes: records.subarray(at + 5, at + 5 + size) })
    at += 5 + size
  }
  return found
}

function isSame(one: readonly [number, number], other: readonly [number, number]): boolean {
  return one[0] === other[0] && one[1] === other[1]
}
