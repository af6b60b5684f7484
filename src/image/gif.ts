/**
 * GIF (87a, 89a): the first frame, with Pillow's pixels. What the frame does not cover has the transparent colour, or
 * colour 0; the colours of transparent pixels are those of the palette. What follows the frame is of no interest.
 */
import { startsWith, u16le } from './file-bytes.ts'
import { blankRaster, type Raster } from './raster.ts'
import { checkSize, cutOff, damaged } from './refusal.ts'
import { unpackLzw } from './gif-lzw.ts'

interface Frame {
  x: number
  y: number
  width: number
  height: number
  interlaced: boolean
  palette: Uint8Array | null
  /** Palette index of what is transparent, or -1. */
  transparent: number
  /** Where the compressed data begin, with the length of their codes. */
  data: number
}

/** Throws `bad-image` and `image-too-large`. */
export function readGif(file: Uint8Array): Raster {
  if (!startsWith(file, 0, 'GIF87a') && !startsWith(file, 0, 'GIF89a')) throw damaged('GIF')
  if (file.length < 13) throw cutOff()
  const flags = file[10] ?? 0
  const [palette, begin] = colourTable(file, 13, flags)
  const frame = firstFrame(file, begin, palette)
  // Frames that reach beyond the screen widen it.
  const width = Math.max(u16le(file, 6), frame.x + frame.width)
  const height = Math.max(u16le(file, 8), frame.y + frame.height)
  checkSize(width, height)
  if (frame.width === 0 || frame.height === 0) throw damaged('GIF')
  const indices = unpackLzw(file, frame.data, frame.width * frame.height)
  return painted(frame, indices, width, height)
}

/** The table (null where there is none), and where what follows it begins. */
function colourTable(file: Uint8Array, at: number, flags: number): [Uint8Array | null, number] {
  if ((flags & 0x80) === 0) return [null, at]
  const end = at + (6 << (flags & 7))
  if (end > file.length) throw cutOff()
  return [file.subarray(at, end), end]
}

function firstFrame(file: Uint8Array, begin: number, global: Uint8Array | null): Frame {
  let transparent = -1
  for (let at = begin; at < file.length;) {
    const introducer = file[at]
    at += 1
    if (introducer === 0x3b) throw damaged('GIF')
    if (introducer === 0x21) {
      const isControl = file[at] === 0xf9 && (file[at + 1] ?? 0) >= 4
      if (isControl && ((file[at + 2] ?? 0) & 1) === 1) transparent = file[at + 5] ?? -1
      at = afterBlocks(file, at + 1)
    } else if (introducer === 0x2c) {
      if (at + 10 > file.length) throw cutOff()
      const flags = file[at + 8] ?? 0
      const [local, data] = colourTable(file, at + 9, flags)
      return {
        x: u16le(file, at),
        y: u16le(file, at + 2),
        width: u16le(file, at + 4),
        height: u16le(file, at + 6),
        interlaced: (flags & 0x40) !== 0,
        palette: shades(local ?? global),
        transparent,
        data,
      }
    }
    // Anything else between blocks is passed over.
  }
  throw cutOff()
}

/** A palette in which each index is its own grey is none, so that it has no end either (Pillow's mode L). */
function shades(palette: Uint8Array | null): Uint8Array | null {
  return palette?.every((value, i) => value === Math.floor(i / 3)) === true ? null : palette
}

function afterBlocks(file: Uint8Array, begin: number): number {
  let at = begin
  while (at < file.length && file[at] !== 0) at += (file[at] ?? 0) + 1
  return at + 1
}

function painted(frame: Frame, indices: Uint8Array, width: number, height: number): Raster {
  const raster = blankRaster(width, height, { alpha: frame.transparent >= 0 })
  const covers = frame.x === 0 && frame.y === 0 && frame.width === width && frame.height === height
  if (!covers)
    for (let i = 0; i < width * height; i += 1) paint(raster, i, Math.max(0, frame.transparent), frame)
  let from = 0
  for (const row of rowOrder(frame.height, frame.interlaced)) {
    const to = (frame.y + row) * width + frame.x
    for (let x = 0; x < frame.width; x += 1) paint(raster, to + x, indices[from + x] ?? 0, frame)
    from += frame.width
  }
  return raster
}

/** Without a palette the index is a grey; beyond a palette's end there is black. */
function paint({ rgb, alpha }: Raster, to: number, index: number, { palette, transparent }: Frame): void {
  for (let c = 0; c < 3; c += 1) rgb[to * 3 + c] = palette === null ? index : (palette[index * 3 + c] ?? 0)
  if (alpha !== null) alpha[to] = index === transparent ? 0 : 255
}

function* rowOrder(height: number, interlaced: boolean): Generator<number> {
  const passes = interlaced
    ? [
        [0, 8],
        [4, 8],
        [2, 4],
        [1, 2],
      ]
    : [[0, 1]]
  for (const [first = 0, step = 1] of passes) for (let y = first; y < height; y += step) yield y
}
