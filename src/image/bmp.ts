/**
 * BMP (Windows bitmaps of all headers, OS/2's two), with Pillow's pixels. Icons hold the same bitmaps without the file's
 * header, so they are read from here, too.
 */
import { unpackRle } from './bmp-rle.ts'
import { startsWith, sampleAt, u16le, u32le } from './file-bytes.ts'
import { blankRaster, type Raster } from './raster.ts'
import { checkSize, cutOff, damaged, refusedPicture } from './refusal.ts'

const FILE_HEADER_BYTES = 14
/** OS/2's first header; all others begin as Windows' of 40 bytes does. */
const CORE_HEADER_BYTES = 12
const INFO_HEADER_BYTES = 40
const COMPRESSION = { none: 0, rle8: 1, rle4: 2, fields: 3, fieldsWithAlpha: 6 } as const

export interface Bitmap {
  width: number
  height: number
  /** The first row of the file is the upper one. */
  topDown: boolean
  bits: number
  compression: number
  palette: Uint8Array
  /** Bytes for each colour of the palette. */
  paletteStep: 3 | 4
  /** Which bits of a pixel are red, green, blue and alpha; null where a pixel is an index. */
  masks: readonly [number, number, number, number] | null
  /** Where the pixels begin. */
  data: number
}

/** Throws `bad-image` and `image-too-large`. */
export function readBmp(file: Uint8Array): Raster {
  if (!startsWith(file, 0, 'BM')) throw damaged('BMP')
  const bitmap = openBitmap(file, FILE_HEADER_BYTES, u32le(file, 10))
  checkSize(bitmap.width, bitmap.height)
  return decodeBitmap(file, bitmap)
}

/** `offset` is where the file says that the pixels begin; 0 where that is right behind header and palette. */
export function openBitmap(file: Uint8Array, at: number, offset: number): Bitmap {
  const headerBytes = u32le(file, at)
  if (at + headerBytes > file.length) throw cutOff()
  const core = headerBytes === CORE_HEADER_BYTES
  if (!core && headerBytes < 16) throw damaged('BMP')
  const has = (end: number): boolean => headerBytes >= end
  const bits = u16le(file, at + (core ? 10 : 14))
  const compression = has(20) ? u32le(file, at + 16) : COMPRESSION.none
  const stored = core ? u16le(file, at + 6) : u32le(file, at + 8)
  const topDown = !core && stored >= 0x80000000
  const after = at + headerBytes
  const isFields = compression === COMPRESSION.fields || compression === COMPRESSION.fieldsWithAlpha
  // Behind the short header the masks stand apart.
  const apart =
    isFields && headerBytes === INFO_HEADER_BYTES ? (compression === COMPRESSION.fields ? 12 : 16) : 0
  const paletteStep = core ? 3 : 4
  const colours = bits > 8 ? 0 : (has(36) ? u32le(file, at + 32) : 0) || 2 ** bits
  if (colours > 65536) throw damaged('BMP')
  const paletteEnd = after + apart + colours * paletteStep
  // Some writers count their palette out.
  const forgotten = bits <= 8 && offset === after
  return {
    width: core ? u16le(file, at + 4) : u32le(file, at + 4),
    height: topDown ? 2 ** 32 - stored : stored,
    topDown,
    bits,
    compression,
    palette: file.subarray(after + apart, paletteEnd),
    paletteStep,
    masks: bits > 8 ? masksOf(file, { at, headerBytes, apart, bits, isFields }) : null,
    data: offset === 0 || forgotten ? paletteEnd : offset,
  }
}

function masksOf(
  file: Uint8Array,
  header: { at: number; headerBytes: number; apart: number; bits: number; isFields: boolean },
): readonly [number, number, number, number] {
  const { at, headerBytes, apart, bits, isFields } = header
  const usual = bits === 16 ? ([0x7c00, 0x3e0, 0x1f, 0] as const) : ([0xff0000, 0xff00, 0xff, 0] as const)
  if (!isFields) return usual
  const mask = (i: number): number => u32le(file, at + INFO_HEADER_BYTES + i * 4)
  const hasAlpha = apart === 16 || headerBytes >= 56
  if (apart === 0 && headerBytes < 52) throw damaged('BMP')
  const masks = [mask(0), mask(1), mask(2), hasAlpha ? mask(3) : 0] as const
  return masks.every((one) => one === 0) ? [0xff0000, 0xff00, 0xff, 0xff000000] : masks
}

/**
 * A whole JPEG or PNG as pixels (of 0 bits each), OS/2's run lengths of 24 bits; and OS/2's Huffman coding of indices,
 * whose number is that of bit fields.
 */
function isRare(bits: number, compression: number): boolean {
  const isFields = compression === COMPRESSION.fields || compression === COMPRESSION.fieldsWithAlpha
  return compression > COMPRESSION.fieldsWithAlpha || [4, 5].includes(compression) || (isFields && bits <= 8)
}

export function decodeBitmap(file: Uint8Array, bitmap: Bitmap): Raster {
  const { bits, compression, masks } = bitmap
  if (isRare(bits, compression))
    throw refusedPicture('This BMP picture is compressed in a rare way; save it as JPEG or PNG.')
  if (bits === 64) throw refusedPicture('This BMP picture has 64 bits a pixel; save it as JPEG or PNG.')
  if (![1, 2, 4, 8, 16, 24, 32].includes(bits)) throw damaged('BMP')
  if (compression === COMPRESSION.rle8 || compression === COMPRESSION.rle4) {
    if (bits !== (compression === COMPRESSION.rle4 ? 4 : 8)) throw damaged('BMP')
    const indices = unpackRle(file, bitmap)
    return fromRows(bitmap, (row) => {
      const from = row * bitmap.width
      return indexed(bitmap, (x) => indices[from + x] ?? 0)
    })
  }
  const used = Math.ceil((bitmap.width * bits) / 8)
  const stride = Math.ceil(used / 4) * 4
  if (bitmap.data + stride * (bitmap.height - 1) + used > file.length) throw cutOff()
  return fromRows(bitmap, (row) => {
    const from = bitmap.data + row * stride
    return masks === null
      ? indexed(bitmap, (x) => sampleAt(file, from, x, bits))
      : masked(file, from, bits, masks)
  })
}

/** Gives the colours of a row's pixels: [red, green, blue, alpha] written to `into`. */
type RowReader = (x: number, into: Uint8Array) => void

function fromRows(bitmap: Bitmap, rowReader: (row: number) => RowReader): Raster {
  const { width, height, topDown, masks } = bitmap
  const raster = blankRaster(width, height, { alpha: (masks?.[3] ?? 0) !== 0 })
  const pixel = new Uint8Array(4)
  for (let y = 0; y < height; y += 1) {
    const read = rowReader(topDown ? y : height - 1 - y)
    for (let x = 0; x < width; x += 1) {
      read(x, pixel)
      const to = y * width + x
      for (let c = 0; c < 3; c += 1) raster.rgb[to * 3 + c] = pixel[c] ?? 0
      if (raster.alpha !== null) raster.alpha[to] = pixel[3] ?? 255
    }
  }
  return raster
}

/** Beyond the palette's end there is black. */
function indexed({ palette, paletteStep }: Bitmap, indexAt: (x: number) => number): RowReader {
  return (x, into) => {
    const at = indexAt(x) * paletteStep
    for (let c = 0; c < 3; c += 1) into[c] = palette[at + 2 - c] ?? 0
  }
}

function masked(file: Uint8Array, from: number, bits: number, masks: readonly number[]): RowReader {
  const bytes = bits / 8
  const fields = masks.map(fieldOf)
  return (x, into) => {
    const at = from + x * bytes
    const pixel =
      bytes === 2
        ? u16le(file, at)
        : bytes === 3
          ? u16le(file, at) + (file[at + 2] ?? 0) * 0x10000
          : u32le(file, at)
    for (let c = 0; c < 4; c += 1) into[c] = levelIn(pixel, fields[c])
  }
}

interface Field {
  /** What the lowest bit is worth, and the highest value. */
  unit: number
  most: number
}

function fieldOf(mask: number): Field | null {
  if (mask === 0) return null
  const unit = 2 ** (31 - Math.clz32(mask & -mask))
  return { unit, most: mask / unit }
}

/** Rounded down, as Pillow does. A colour without bits is black. */
function levelIn(pixel: number, field: Field | null | undefined): number {
  if (field === null || field === undefined) return 0
  const value = Math.floor(pixel / field.unit) % (field.most + 1)
  return Math.floor((value * 255) / field.most)
}
