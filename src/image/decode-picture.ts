/**
 * A picture file → RGB rows: one policy for page and command line (docs/decisions/023). What is asked of the platform is
 * only what differs between the two: its JPEG decoder, and where WebAssembly lies.
 */
import { plainAvif } from './avif.ts'
import { readBmp } from './bmp.ts'
import { decodeAvif, decodeWebp, type CodecSource } from './codecs.ts'
import { readGif } from './gif.ts'
import { readIco } from './ico.ts'
import { plainJpeg, type PlainJpeg } from './jpeg.ts'
import type { ImageFormat } from './kinds.ts'
import { formatOf } from './picture-format.ts'
import type { RgbRows } from './pixels.ts'
import { readPng } from './png.ts'
import { blankRaster, finishRaster, type Alpha, type Orientation, type Raster } from './raster.ts'
import { checkSize } from './refusal.ts'
import { plainWebp } from './webp.ts'

export interface Platform {
  /** Decodes and turns a plain JPEG and hands its rows to `use`; they are gone when `use` returns. */
  withJpeg<T>(jpeg: PlainJpeg, use: (rows: RgbRows) => T): Promise<T>
  codecs: CodecSource
}

/**
 * Hands the picture's rows to `use`: Pillow's pixels, turned as EXIF says, no colour profile applied, the first frame of an
 * animation. `file` is the whole file. Throws `bad-image` and `image-too-large`.
 */
export async function withPicture<T>(
  file: Uint8Array,
  alpha: Alpha,
  platform: Platform,
  use: (rows: RgbRows) => T,
): Promise<T> {
  const format = formatOf(file)
  if (format === 'jpeg') {
    const jpeg = plainJpeg(file)
    checkSize(jpeg.width, jpeg.height)
    return platform.withJpeg(jpeg, use)
  }
  const { raster, orientation } = await read(format, file, platform.codecs)
  return use(finishRaster(raster, orientation, alpha))
}

interface Read {
  raster: Raster
  orientation: Orientation
}

async function read(
  format: Exclude<ImageFormat, 'jpeg'>,
  file: Uint8Array,
  codecs: CodecSource,
): Promise<Read> {
  switch (format) {
    case 'png':
      return readPng(file)
    case 'gif':
      return { raster: readGif(file), orientation: 1 }
    case 'bmp':
      return { raster: readBmp(file), orientation: 1 }
    case 'ico':
      return { raster: readIco(file), orientation: 1 }
    case 'webp':
      return readWebp(file, codecs)
    case 'avif':
      return readAvif(file, codecs)
  }
}

async function readWebp(file: Uint8Array, codecs: CodecSource): Promise<Read> {
  const { width, height, orientation, frame } = plainWebp(file)
  const decoded = await decodeWebp(frame.bytes, codecs)
  return { raster: placed(decoded, frame, width, height), orientation }
}

async function readAvif(file: Uint8Array, codecs: CodecSource): Promise<Read> {
  const { size, orientation, bytes } = plainAvif(file)
  if (size !== null) checkSize(size.width, size.height)
  return { raster: await decodeAvif(bytes, codecs), orientation }
}

/** A frame on its picture, which is transparent black around it. */
function placed(frame: Raster, { x, y }: { x: number; y: number }, width: number, height: number): Raster {
  if (frame.width === width && frame.height === height) return frame
  const { rgb, alpha } = blankRaster(width, height, { alpha: true })
  alpha?.fill(0)
  for (let row = 0; row < frame.height; row += 1) {
    const from = row * frame.width
    const to = (y + row) * width + x
    rgb.set(frame.rgb.subarray(from * 3, (from + frame.width) * 3), to * 3)
    if (frame.alpha === null) alpha?.fill(255, to, to + frame.width)
    else alpha?.set(frame.alpha.subarray(from, from + frame.width), to)
  }
  return { width, height, rgb, alpha }
}
