/**
 * A look at the bytes before anything is decoded: is it a picture, of what kind and how large, is it whole? What
 * cannot be used is refused here in one sentence that says what to do.
 */
import { imageSize } from 'image-size'
import { AppError } from '../pack/failure.ts'

export type ImageFormat = 'png' | 'jpeg' | 'gif' | 'webp' | 'bmp' | 'avif'

export interface ImageInfo {
  format: ImageFormat
  /** As stored, before EXIF orientation. */
  width: number
  height: number
}

/** Above this a decoded picture alone takes a gigabyte; the largest phone cameras make 200 megapixels. */
const MAX_PIXELS = 2 ** 28
/** The longest side that canvases and decoders of today's browsers take. */
const MAX_SIDE = 32_767

const FORMATS: Record<string, ImageFormat> = {
  png: 'png',
  jpg: 'jpeg',
  gif: 'gif',
  webp: 'webp',
  bmp: 'bmp',
  avif: 'avif',
}

/** Throws `bad-image` or `image-too-large`. `bytes` is the whole file. */
export function inspectImage(bytes: Uint8Array): ImageInfo {
  if (bytes.length === 0) throw bad('This file is empty; copy it again.')
  const { type, width, height } = measure(bytes)
  if (type === 'svg')
    throw bad('SVG drawings are not read, since they can hold scripts; save it as PNG first.')
  const format = FORMATS[type]
  if (format === undefined)
    throw bad(`${type.toUpperCase()} pictures cannot be read here; save it as JPEG or PNG.`)
  if (!(width >= 1 && height >= 1)) throw bad('This picture has no size; save it again as JPEG or PNG.')
  if (width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS) {
    const limit = `more than ${Math.floor(MAX_PIXELS / 1e6)} megapixels or ${MAX_SIDE} a side`
    throw new AppError(
      'image-too-large',
      `This picture is too large (${width} × ${height}: ${limit}); make it smaller.`,
    )
  }
  if (isCutOff(format, bytes)) throw bad('This picture is cut off before its end; copy or download it again.')
  return { format, width, height }
}

function measure(bytes: Uint8Array): { type: string; width: number; height: number } {
  if (
    /^\s*(<\?xml[^>]*>\s*)?(<!--[\s\S]*?-->\s*)*(<!doctype svg[^>]*>\s*)?<svg[\s>]/i.test(
      ascii(bytes, 0, 2048),
    )
  ) {
    return { type: 'svg', width: 1, height: 1 }
  }
  try {
    const { type, width, height } = imageSize(bytes)
    return { type: type ?? 'unknown', width, height }
  } catch (cause) {
    // HEIC, AVIF and their kin are containers of the same family.
    if (ascii(bytes, 4, 8) === 'ftyp')
      throw bad('HEIC pictures cannot be read here; save it as JPEG or PNG.', cause)
    const known = signatureOf(bytes)
    if (known !== null)
      throw bad(`This ${known} picture is damaged or cut off; copy or download it again.`, cause)
    throw bad('This is not a picture; choose a JPEG, PNG, WebP, GIF, BMP or AVIF file.', cause)
  }
}

function signatureOf(bytes: Uint8Array): string | null {
  if (ascii(bytes, 1, 4) === 'PNG') return 'PNG'
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 'JPEG'
  if (ascii(bytes, 0, 4) === 'GIF8') return 'GIF'
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === 'WEBP') return 'WebP'
  return null
}

/**
 * Decoders may fill what is missing with grey and say nothing, so the end marks are looked for. A JPEG may carry
 * other data behind its end (a second picture, a film), hence the search.
 */
function isCutOff(format: ImageFormat, bytes: Uint8Array): boolean {
  switch (format) {
    case 'png':
      return !endsWithin(bytes, [0x49, 0x45, 0x4e, 0x44], bytes.length)
    case 'jpeg':
      return !endsWithin(bytes, [0xff, 0xd9], bytes.length)
    case 'gif':
      return !bytes.subarray(-8).includes(0x3b)
    case 'webp':
      return bytes.length < 8 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true)
    default:
      return false
  }
}

function endsWithin(bytes: Uint8Array, mark: number[], within: number): boolean {
  for (let at = bytes.length - mark.length; at >= Math.max(0, bytes.length - within); at -= 1) {
    if (mark.every((byte, i) => bytes[at + i] === byte)) return true
  }
  return false
}

function ascii(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end))
}

function bad(message: string, cause?: unknown): AppError {
  return new AppError('bad-image', message, { cause })
}
