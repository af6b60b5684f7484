/** The rows of a PNG's pictures, as they come out of its compressed data: unfiltered, and put where they belong. */
import { sampleAt } from './file-bytes.ts'
import { blankRaster, type Raster } from './raster.ts'
import { damaged } from './refusal.ts'

export interface PngHeader {
  width: number
  height: number
  /** Bits per sample. */
  depth: number
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  colour: number
  interlaced: boolean
  palette: Uint8Array | null
  transparency: Uint8Array | null
}

export interface PngRows {
  /** Takes unpacked data as it comes. Throws `bad-image` at a filter that does not exist. */
  push(chunk: Uint8Array): void
  complete(): boolean
  /** Whether all data up to the last row have this Adler-32; only where rows were asked to be `summed`. */
  hasChecksum(adler: number): boolean
  raster: Raster
}

/** Columns and rows of a pass: the first, and from one to the next. */
interface Pass {
  x: number
  y: number
  stepX: number
  stepY: number
}

const WHOLE: readonly Pass[] = [{ x: 0, y: 0, stepX: 1, stepY: 1 }]
const ADAM7: readonly Pass[] = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
]

const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

export function pngRows(header: PngHeader, { summed }: { summed: boolean }): PngRows {
  const { width, height, depth, colour } = header
  const bitsPerPixel = depth * (SAMPLES[colour] ?? 1)
  const raster = blankRaster(width, height, { alpha: colour >= 4 || header.transparency !== null })
  const write = rowWriter(header, raster)
  const passes = (header.interlaced ? ADAM7 : WHOLE).filter(({ x, y }) => x < width && y < height)
  const longest = Math.ceil((width * bitsPerPixel) / 8)
  // A filter's byte stands before each row.
  let row = new Uint8Array(longest + 1)
  let above = new Uint8Array(longest + 1)
  const adler = summed ? adler32() : null
  let pass = 0
  let y = passes[0]?.y ?? 0
  let filled = 0
  return {
    raster,
    complete: () => pass >= passes.length,
    hasChecksum: (sum) => adler?.is(sum) === true,
    push(chunk) {
      for (let at = 0; at < chunk.length;) {
        const current = passes[pass]
        if (current === undefined) return
        const pixels = Math.ceil((width - current.x) / current.stepX)
        const length = Math.ceil((pixels * bitsPerPixel) / 8) + 1
        const part = chunk.subarray(at, at + length - filled)
        row.set(part, filled)
        at += part.length
        filled += part.length
        if (filled < length) return
        adler?.add(row.subarray(0, length))
        unfilter(row, above, length, Math.max(1, bitsPerPixel >> 3))
        write(row.subarray(1, length), y * width + current.x, current.stepX, pixels)
        ;[row, above] = [above, row]
        filled = 0
        y += current.stepY
        if (y < height) continue
        pass += 1
        y = passes[pass]?.y ?? 0
        above.fill(0)
      }
    },
  }
}

/** Undoes a row's filter in place; both rows have their filter's byte in front. */
function unfilter(row: Uint8Array, above: Uint8Array, length: number, step: number): void {
  switch (row[0]) {
    case 0:
      return
    case 1:
      for (let i = step + 1; i < length; i += 1) row[i] = (row[i] ?? 0) + (row[i - step] ?? 0)
      return
    case 2:
      for (let i = 1; i < length; i += 1) row[i] = (row[i] ?? 0) + (above[i] ?? 0)
      return
    case 3:
      for (let i = 1; i < length; i += 1) {
        const left = i > step ? (row[i - step] ?? 0) : 0
        row[i] = (row[i] ?? 0) + ((left + (above[i] ?? 0)) >> 1)
      }
      return
    case 4:
      for (let i = 1; i < length; i += 1) {
        const left = i > step ? (row[i - step] ?? 0) : 0
        const corner = i > step ? (above[i - step] ?? 0) : 0
        row[i] = (row[i] ?? 0) + paeth(left, above[i] ?? 0, corner)
      }
      return
    default:
      throw damaged('PNG')
  }
}

function paeth(left: number, up: number, corner: number): number {
  const toLeft = Math.abs(up - corner)
  const toUp = Math.abs(left - corner)
  const toCorner = Math.abs(left + up - 2 * corner)
  if (toLeft <= toUp && toLeft <= toCorner) return left
  return toUp <= toCorner ? up : corner
}

/** Puts `pixels` pixels into the picture, from pixel `to` on, `step` pixels apart. */
type RowWriter = (row: Uint8Array, to: number, step: number, pixels: number) => void

function rowWriter(header: PngHeader, raster: Raster): RowWriter {
  if (header.colour === 3) return paletteWriter(header, raster)
  return header.colour === 0 || header.colour === 4
    ? greyWriter(header, raster)
    : colourWriter(header, raster)
}

function paletteWriter({ depth, palette, transparency }: PngHeader, { rgb, alpha }: Raster): RowWriter {
  return (row, to, step, pixels) => {
    for (let i = 0; i < pixels; i += 1, to += step) {
      const index = sampleAt(row, 0, i, depth)
      for (let c = 0; c < 3; c += 1) rgb[to * 3 + c] = palette?.[index * 3 + c] ?? 0
      if (alpha !== null) alpha[to] = transparency?.[index] ?? 255
    }
  }
}

/** Of 16 bits the upper 8 are taken, as Pillow does with 16-bit colour and every viewer with both. */
function greyWriter({ depth, colour, transparency }: PngHeader, { rgb, alpha }: Raster): RowWriter {
  const bytes = depth === 16 ? 2 : 1
  const stride = colour === 4 ? bytes * 2 : bytes
  const scale = depth < 8 ? 255 / (2 ** depth - 1) : 1
  const hidden = transparency === null ? -1 : ((transparency[0] ?? 0) << 8) | (transparency[1] ?? 0)
  return (row, to, step, pixels) => {
    for (let i = 0; i < pixels; i += 1, to += step) {
      const level = depth < 8 ? sampleAt(row, 0, i, depth) : (row[i * stride] ?? 0)
      rgb.fill(level * scale, to * 3, to * 3 + 3)
      if (alpha === null) continue
      const full = depth === 16 ? (level << 8) | (row[i * stride + 1] ?? 0) : level
      alpha[to] = colour === 4 ? (row[i * stride + bytes] ?? 255) : full === hidden ? 0 : 255
    }
  }
}

function colourWriter({ depth, colour, transparency }: PngHeader, { rgb, alpha }: Raster): RowWriter {
  const bytes = depth === 16 ? 2 : 1
  const stride = bytes * (colour === 6 ? 4 : 3)
  const hidden = transparency === null || colour === 6 ? null : wide(transparency, depth)
  return (row, to, step, pixels) => {
    if (depth === 8 && alpha === null && step === 1) {
      rgb.set(row, to * 3)
      return
    }
    for (let i = 0; i < pixels; i += 1, to += step) {
      const from = i * stride
      for (let c = 0; c < 3; c += 1) rgb[to * 3 + c] = row[from + c * bytes] ?? 0
      if (alpha === null) continue
      const isHidden = hidden?.every((byte, c) => byte === row[from + c]) === true
      alpha[to] = colour === 6 ? (row[from + 3 * bytes] ?? 255) : isHidden ? 0 : 255
    }
  }
}

/** The colour that is transparent, as its bytes stand in a row: it is always given in 16 bits a sample. */
function wide(transparency: Uint8Array, depth: number): Uint8Array {
  const six = transparency.subarray(0, 6)
  return depth === 16 ? six : six.filter((_, i) => i % 2 === 1)
}

function adler32(): { add: (bytes: Uint8Array) => void; is: (adler: number) => boolean } {
  let a = 1
  let b = 0
  return {
    add(bytes) {
      // The sums fit into 53 bits far beyond the longest row.
      for (const byte of bytes) {
        a += byte
        b += a
      }
      a %= 65521
      b %= 65521
    },
    is: (adler) => b * 0x10000 + a === adler,
  }
}
