/**
 * WebP's container: the picture, or the first frame of an animation, as a file of its own without colour profile and
 * metadata, so that every decoder of WebP reads it (WebP Container Specification).
 */
import { concatenated } from '../pack/bytes.ts'
import { ascii, u32le } from './file-bytes.ts'
import { orientationOf } from './orientation.ts'
import type { Orientation } from './raster.ts'
import { checkSize, cutOff, damaged } from './refusal.ts'

export interface PlainWebp {
  width: number
  height: number
  orientation: Orientation
  /** Where on the picture the frame lies. */
  frame: { x: number; y: number; bytes: Uint8Array<ArrayBuffer> }
}

interface Chunk {
  type: string
  body: Uint8Array
}

interface Frame {
  x: number
  y: number
  /** A picture's data ('VP8 ' or 'VP8L'), and the alpha apart from them. */
  image: Chunk
  alpha: Chunk | undefined
}

/** What the header of an extended file says to be in it; a chunk that it does not speak of does not count. */
const SAYS_ALPHA = 0x10
const SAYS_EXIF = 0x08
const SAYS_XMP = 0x04

/** Throws `bad-image` and `image-too-large`. */
export function plainWebp(file: Uint8Array): PlainWebp {
  const end = 8 + u32le(file, 4)
  if (file.length < end) throw cutOff()
  const chunks = chunksOf(file.subarray(12, end))
  const find = (type: string): Uint8Array | null => chunks.find((chunk) => chunk.type === type)?.body ?? null
  const extended = find('VP8X')
  const says = (flag: number): boolean => ((extended?.[0] ?? 0) & flag) !== 0
  const frame = frameOf(chunks, says(SAYS_ALPHA))
  const own = sizeOf(frame.image)
  const width = extended === null ? own.width : u24(extended, 4) + 1
  const height = extended === null ? own.height : u24(extended, 7) + 1
  checkSize(width, height)
  if (frame.x + own.width > width || frame.y + own.height > height) throw damaged('WebP')
  return {
    width,
    height,
    orientation: orientationOf(says(SAYS_EXIF) ? find('EXIF') : null, says(SAYS_XMP) ? find('XMP ') : null),
    frame: { x: frame.x, y: frame.y, bytes: still(frame, own.width, own.height) },
  }
}

function chunksOf(bytes: Uint8Array): Chunk[] {
  const chunks: Chunk[] = []
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = u32le(bytes, at + 4)
    if (at + 8 + length > bytes.length) throw cutOff()
    chunks.push({ type: ascii(bytes, at, at + 4), body: bytes.subarray(at + 8, at + 8 + length) })
    at += 8 + length + (length % 2)
  }
  return chunks
}

function frameOf(chunks: readonly Chunk[], isTranslucent: boolean): Frame {
  const animated = chunks.find(({ type }) => type === 'ANMF')?.body
  const own = animated === undefined ? chunks : chunksOf(animated.subarray(16))
  const image = own.find(({ type }) => type === 'VP8 ' || type === 'VP8L')
  if (image === undefined) throw damaged('WebP')
  const isApart = isTranslucent && image.type === 'VP8 '
  const alpha = isApart ? own.find(({ type }) => type === 'ALPH') : undefined
  // Places are counted in steps of two.
  return { x: animated ? u24(animated, 0) * 2 : 0, y: animated ? u24(animated, 3) * 2 : 0, image, alpha }
}

function sizeOf({ type, body }: Chunk): { width: number; height: number } {
  if (type === 'VP8L') {
    const packed = u32le(body, 1)
    return { width: (packed & 0x3fff) + 1, height: ((packed >>> 14) & 0x3fff) + 1 }
  }
  return { width: u32le(body, 6) & 0x3fff, height: (u32le(body, 6) >>> 16) & 0x3fff }
}

function still({ image, alpha }: Frame, width: number, height: number): Uint8Array<ArrayBuffer> {
  const parts = [chunkBytes(image)]
  if (alpha !== undefined) {
    const body = Uint8Array.of(SAYS_ALPHA, 0, 0, 0, ...low24(width - 1), ...low24(height - 1))
    parts.unshift(chunkBytes({ type: 'VP8X', body }), chunkBytes(alpha))
  }
  const content = concatenated([letters('WEBP'), ...parts])
  return concatenated([letters('RIFF'), low32(content.length), content])
}

function chunkBytes({ type, body }: Chunk): Uint8Array {
  return concatenated([letters(type), low32(body.length), body, new Uint8Array(body.length % 2)])
}

function letters(word: string): Uint8Array {
  return Uint8Array.from(word, (letter) => letter.charCodeAt(0))
}

function low24(value: number): number[] {
  return [value & 255, (value >> 8) & 255, (value >> 16) & 255]
}

function low32(value: number): Uint8Array {
  return Uint8Array.of(...low24(value), value >>> 24)
}

function u24(bytes: Uint8Array, at: number): number {
  return u32le(bytes, at) & 0xffffff
}
