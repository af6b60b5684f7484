/**
 * IPTC-IIM as Photoshop keeps it: datasets (IIM 4.2, sections 1.5 and 6) in image resource 1028 (Adobe Photoshop file
 * formats, "Image resource blocks"). What a picture shows is `Caption/Abstract`, dataset 2:120.
 */
import { textOf } from './exif.ts'
import { latin1 } from './piece.ts'

export const IPTC_RESOURCE = 0x0404
const DATASET_MARK = 0x1c
/** Record and number. */
export const CAPTION = [2, 120] as const
export const CHARACTER_SET = [1, 90] as const
/** ISO 2022 for UTF-8. */
export const UTF8 = '\x1b%G'
/** By which resources begin; other programs of Adobe's have their own. */
const SIGNATURES = /^(8BIM|PHUT|DCSR|AgHg|MeSa)$/
/** Longer ones take another form, which no caption has. */
export const MOST_DATASET_BYTES = 0x7fff

export interface Resource {
  id: number
  /** Everything before its data's length: signature, number, name. */
  head: Uint8Array
  data: Uint8Array
}

export interface Dataset {
  id: readonly [number, number]
  bytes: Uint8Array
}

/** The text, or ''; `resources` are those blocks. */
export function iptcCaption(resources: Uint8Array): string {
  const records = resourcesIn(resources).list.find(({ id }) => id === IPTC_RESOURCE)?.data
  if (records === undefined) return ''
  const { list } = datasetsIn(records)
  const caption = list.find(({ id }) => isSame(id, CAPTION))
  if (caption === undefined) return ''
  return characterSetOf(list) === UTF8
    ? new TextDecoder().decode(caption.bytes).trim()
    : textOf(caption.bytes)
}

/** The resources, and from where on the bytes are none. */
export function resourcesIn(bytes: Uint8Array): { list: Resource[]; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const list: Resource[] = []
  let at = 0
  while (at + 12 <= bytes.length && SIGNATURES.test(latin1(bytes.subarray(at, at + 4)))) {
    // A name of Pascal's kind, made even.
    const nameBytes = (bytes[at + 6] ?? 0) + 1
    const sizeAt = at + 6 + nameBytes + (nameBytes % 2)
    if (sizeAt + 4 > bytes.length) break
    const start = sizeAt + 4
    const end = start + view.getUint32(sizeAt)
    if (end > bytes.length) break
    list.push({
      id: view.getUint16(at + 4),
      head: bytes.subarray(at, sizeAt),
      data: bytes.subarray(start, end),
    })
    at = Math.min(bytes.length, end + ((end - start) % 2))
  }
  return { list, end: at }
}

/** The datasets, and from where on the bytes are none. */
export function datasetsIn(records: Uint8Array): { list: Dataset[]; end: number } {
  const list: Dataset[] = []
  let at = 0
  while (at + 5 <= records.length && records[at] === DATASET_MARK) {
    const size = ((records[at + 3] ?? 0) << 8) | (records[at + 4] ?? 0)
    if (size > MOST_DATASET_BYTES || at + 5 + size > records.length) break
    const id = [records[at + 1] ?? 0, records[at + 2] ?? 0] as const
    list.push({ id, bytes: records.subarray(at + 5, at + 5 + size) })
    at += 5 + size
  }
  return { list, end: at }
}

/** As it stands there; undefined where nothing is said. */
export function characterSetOf(datasets: readonly Dataset[]): string | undefined {
  const set = datasets.find(({ id }) => isSame(id, CHARACTER_SET))
  return set && latin1(set.bytes)
}

export function isSame(one: readonly [number, number], other: readonly [number, number]): boolean {
  return one[0] === other[0] && one[1] === other[1]
}

export function datasetBytes({ id, bytes }: Dataset): Uint8Array {
  const whole = new Uint8Array(5 + bytes.length)
  whole.set([DATASET_MARK, ...id, bytes.length >> 8, bytes.length & 0xff])
  whole.set(bytes, 5)
  return whole
}
