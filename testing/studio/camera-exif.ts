/** EXIF as a camera writes it: a maker's note that holds a place of its own, a thumbnail, and fields around. */
import { concatenated } from '../../src/pack/bytes.ts'

const ASCII = 2
const SHORT = 3
const LONG = 4
const UNDEFINED = 7

/** What the maker's note says: Canon's `CanonImageType`, by a place counted from where EXIF begins. */
export const IMAGE_TYPE = 'IMG:EOS made-up JPEG'

export interface CameraExif {
  isLittle: boolean
  description?: string
  /** A JPEG file. */
  thumbnail: Uint8Array
  /** A place that the maker's note holds besides, which may lie behind the whole file. */
  preview?: number
}

/** From its byte order on. */
export function cameraExif({ isLittle, description, thumbnail, preview = 0 }: CameraExif): Uint8Array {
  const bytes = new Uint8Array(1000 + thumbnail.length)
  const view = new DataView(bytes.buffer)
  let free = 300
  const put = (value: Uint8Array): number => {
    const at = free
    bytes.set(value, at)
    free += value.length + (value.length % 2)
    return at
  }
  const text = (tag: number, words: string): Field => {
    const value = new TextEncoder().encode(`${words}\0`)
    return { tag, type: ASCII, count: value.length, value: put(value) }
  }
  const directory = (at: number, fields: readonly Field[], next = 0): void => {
    view.setUint16(at, fields.length, isLittle)
    for (const [i, { tag, type, count, value }] of fields.entries()) {
      const entry = at + 2 + 12 * i
      view.setUint16(entry, tag, isLittle)
      view.setUint16(entry + 2, type, isLittle)
      view.setUint32(entry + 4, count, isLittle)
      if (type === SHORT) view.setUint16(entry + 8, value, isLittle)
      else view.setUint32(entry + 8, value, isLittle)
    }
    view.setUint32(at + 2 + 12 * fields.length, next, isLittle)
  }
  bytes.set(new TextEncoder().encode(isLittle ? 'II' : 'MM'))
  view.setUint16(2, 42, isLittle)
  view.setUint32(4, 8, isLittle)
  const [exif, note, second] = [100, 150, 220]
  directory(
    8,
    [
      ...(description === undefined ? [] : [text(0x010e, description)]),
      text(0x010f, 'Canon'),
      text(0x0110, 'Canon EOS made-up'),
      { tag: 0x8769, type: LONG, count: 1, value: exif },
    ],
    second,
  )
  directory(exif, [
    text(0x9003, '2024:07:01 12:00:00'),
    { tag: 0x927c, type: UNDEFINED, count: 42, value: note },
  ])
  directory(note, [text(0x0006, IMAGE_TYPE), { tag: 0x00b6, type: LONG, count: 1, value: preview }])
  directory(second, [
    { tag: 0x0103, type: SHORT, count: 1, value: 6 },
    { tag: 0x0201, type: LONG, count: 1, value: put(thumbnail) },
    { tag: 0x0202, type: LONG, count: 1, value: thumbnail.length },
  ])
  return bytes.subarray(0, free)
}

interface Field {
  tag: number
  type: number
  count: number
  /** Or where it lies. */
  value: number
}

/** The JPEG file with a segment more, right behind its first two bytes. */
export function withSegment(jpeg: Uint8Array, marker: number, name: string, body: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(name)
  const length = 2 + head.length + body.length
  const segment = [Uint8Array.of(0xff, marker, length >> 8, length & 0xff), head, body]
  return concatenated([jpeg.subarray(0, 2), ...segment, jpeg.subarray(2)])
}
