/** The run lengths of compressed bitmaps (BI_RLE8, BI_RLE4), read as Pillow reads them. */
import { cutOff } from './refusal.ts'

const END_OF_LINE = 0
const END_OF_BITMAP = 1
const DELTA = 2

interface Source {
  width: number
  height: number
  bits: number
  data: number
}

/** Palette indices, row-major, in the file's order of rows. Pixels that are passed over have index 0. */
export function unpackRle(file: Uint8Array, { width, height, bits, data }: Source): Uint8Array {
  const out = new Uint8Array(width * height)
  const four = bits === 4
  let at = data
  let to = 0
  // How far the row is by its runs.
  let x = 0
  const put = (index: number): void => {
    if (to < out.length) out[to] = index
    to += 1
  }
  while (to < out.length) {
    if (at + 2 > file.length) throw cutOff()
    const count = file[at] ?? 0
    const value = file[at + 1] ?? 0
    at += 2
    if (count > 0) {
      const fitting = Math.max(0, Math.min(count, width - x))
      for (let i = 0; i < fitting; i += 1) put(!four ? value : i % 2 === 0 ? value >> 4 : value & 15)
      x += fitting
    } else if (value === END_OF_LINE) {
      to = Math.ceil(to / width) * width
      x = 0
    } else if (value === END_OF_BITMAP) {
      return out
    } else if (value === DELTA) {
      if (at + 2 > file.length) throw cutOff()
      to += (file[at] ?? 0) + (file[at + 1] ?? 0) * width
      x = to % width
      at += 2
    } else {
      const bytes = four ? Math.ceil(value / 2) : value
      if (at + bytes > file.length) throw cutOff()
      for (let i = 0; i < value; i += 1) {
        const byte = file[at + (four ? i >> 1 : i)] ?? 0
        put(!four ? byte : i % 2 === 0 ? byte >> 4 : byte & 15)
      }
      x += value
      // Runs begin at even places.
      at += bytes + (bytes % 2)
    }
  }
  return out
}
