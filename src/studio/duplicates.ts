/** Pictures that are the same, and captions that are. */
import { captionOf, type CaptionedPicture } from './caption.ts'

/** Groups of at least two pictures with one caption; capitals, spaces and signs at its end do not tell captions apart. */
export function sameCaptions(pictures: readonly CaptionedPicture[]): CaptionedPicture[][] {
  const key = (picture: CaptionedPicture): string =>
    captionOf(picture)
      .toLocaleLowerCase()
      .replace(/\s+/g, ' ')
      .replace(/[\s.!?]+$/, '')
      .trim()
  return groupsOf(pictures, key).filter(([first]) => first !== undefined && key(first) !== '')
}

/** RGB rows, as pictures are decoded to. */
export interface Rows {
  width: number
  height: number
  data: Uint8Array | Uint8ClampedArray
}

const [ACROSS, DOWN] = [9, 8]
/** Bits of 64 in which two prints of one picture may differ: scaled, recompressed, a little brighter. */
const SAME_PICTURE_BITS = 8

/**
 * A print of 64 bits of what a picture shows: whether each of 8 × 8 fields is darker than the one on its right (dHash,
 * Krawetz 2013), as 16 hexadecimal digits. It stays what it is when a picture is scaled or compressed anew.
 */
export function pictureHash({ width, height, data }: Rows): string {
  const fields = Array.from({ length: DOWN }, (_, y) =>
    Array.from({ length: ACROSS }, (_, x) => meanLight(data, width, height, x, y)),
  )
  let bits = 0n
  for (const row of fields)
    for (let x = 0; x + 1 < ACROSS; x += 1)
      bits = (bits << 1n) | ((row[x] ?? 0) < (row[x + 1] ?? 0) ? 1n : 0n)
  return bits.toString(16).padStart(16, '0')
}

/** Mean luma (ITU-R BT.601) of one field. */
function meanLight(data: Rows['data'], width: number, height: number, x: number, y: number): number {
  const [left, top] = [Math.floor((x * width) / ACROSS), Math.floor((y * height) / DOWN)]
  const right = Math.max(left + 1, Math.floor(((x + 1) * width) / ACROSS))
  const bottom = Math.max(top + 1, Math.floor(((y + 1) * height) / DOWN))
  let sum = 0
  for (let row = top; row < bottom; row += 1)
    for (let column = left; column < right; column += 1) {
      const at = 3 * (row * width + column)
      sum += 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0)
    }
  return sum / ((right - left) * (bottom - top))
}

/** Groups of at least two pictures whose prints differ in a few bits at most, each picture in one of them. */
export function samePictures(prints: ReadonlyMap<string, string>): string[][] {
  const found: { high: number; low: number; paths: string[] }[] = []
  for (const [path, hash] of prints) {
    const [high, low] = [parseInt(hash.slice(0, 8), 16), parseInt(hash.slice(8), 16)]
    const group = found.find((one) => bitsIn(one.high ^ high) + bitsIn(one.low ^ low) <= SAME_PICTURE_BITS)
    if (group === undefined) found.push({ high, low, paths: [path] })
    else group.paths.push(path)
  }
  return found.map(({ paths }) => paths).filter((paths) => paths.length > 1)
}

/** Ones among 32 bits: every print is compared with every group, so no loop over bits (Warren, Hacker's Delight, 5-1). */
function bitsIn(value: number): number {
  const pairs = value - ((value >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

function groupsOf<T>(values: readonly T[], key: (value: T) => string): T[][] {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const name = key(value)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [value])
    else group.push(value)
  }
  return [...groups.values()].filter((group) => group.length > 1)
}
