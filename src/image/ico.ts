/**
 * ICO: the largest of an icon's pictures, as Pillow chooses it (of several of that size the one with the fewest colours),
 * a bitmap or a whole PNG.
 */
import { decodeBitmap, openBitmap } from './bmp.ts'
import { startsWith, u16le, u32le } from './file-bytes.ts'
import { readPng } from './png.ts'
import type { Raster } from './raster.ts'
import { checkSize, cutOff, damaged } from './refusal.ts'

interface Entry {
  area: number
  bits: number
  depth: number
  bytes: number
  at: number
}

/** Throws `bad-image` and `image-too-large`. */
export function readIco(file: Uint8Array): Raster {
  const count = u16le(file, 4)
  if (count === 0) throw damaged('ICO')
  if (file.length < 6 + count * 16) throw cutOff()
  const entries = Array.from({ length: count }, (_, i) => entryAt(file, 6 + i * 16))
  const [chosen] = entries.sort((a, b) => b.area - a.area || a.depth - b.depth)
  if (chosen === undefined) throw damaged('ICO')
  if (chosen.at >= file.length) throw cutOff()
  return startsWith(file, chosen.at, '\x89PNG')
    ? readPng(file.subarray(chosen.at)).raster
    : fromBitmap(file, chosen)
}

function entryAt(file: Uint8Array, at: number): Entry {
  const bits = u16le(file, at + 6)
  const colours = file[at + 2] ?? 0
  return {
    // 0 stands for 256.
    area: (file[at] || 256) * (file[at + 1] || 256),
    bits,
    depth: bits || (colours === 0 ? 256 : Math.ceil(Math.log2(colours)) || 256),
    bytes: u32le(file, at + 8),
    at: u32le(file, at + 12),
  }
}

/** Two pictures, one on top of the other: the colours, and a bit for each pixel that is to be seen through. */
function fromBitmap(file: Uint8Array, { at, bits, bytes }: Entry): Raster {
  const both = openBitmap(file, at, 0)
  const bitmap = { ...both, height: Math.floor(both.height / 2) }
  checkSize(bitmap.width, bitmap.height)
  const { rgb, width, height } = decodeBitmap(file, bitmap)
  const alpha = new Uint8Array(width * height)
  const maskStride = Math.ceil(width / 32) * 4
  const mask = at + bytes - maskStride * height
  // Of 32 bits the last eight are the alpha, and the mask is of no account.
  const deep = bits === 32 && bitmap.bits === 32
  if (!deep && mask + maskStride * height > file.length) throw cutOff()
  for (let y = 0; y < height; y += 1) {
    const row = height - 1 - y
    for (let x = 0; x < width; x += 1) {
      const hidden = ((file[mask + row * maskStride + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1
      alpha[y * width + x] = deep
        ? (file[bitmap.data + (row * width + x) * 4 + 3] ?? 0)
        : hidden === 1
          ? 0
          : 255
    }
  }
  return { width, height, rgb, alpha }
}
