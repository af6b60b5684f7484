/**
 * What a picture's own file says of it, texts and when it was taken, read from its head: a folder has thousands of
 * pictures, and none is read whole for what stands in its first kilobytes. What cannot be read there is no failure; it
 * only says nothing.
 */
import { sameBytes } from '../../pack/bytes.ts'
import { textOf } from '../formats/row.ts'
import { readXmp } from '../formats/xmp.ts'
import { exifDescription, exifTaken } from './exif.ts'
import { iptcCaption } from './iptc.ts'
import { JPEG, segmentBlock } from './jpeg.ts'
import { XMP_KEYWORD } from './png.ts'
import { exifOfChunk } from './webp.ts'

export interface TextsInFile {
  description: string
  altText: string
  longDescription: string
  /** Who wrote them, as the XMP says. */
  writer: string
}

interface Blocks {
  xmp: Uint8Array | null
  /** From its byte order on. */
  exif: Uint8Array | null
  /** Photoshop's image resources. */
  resources: Uint8Array | null
}

/** Metadata stands before the pixels, in segments of at most 64 kB of which there are a few. */
const HEAD_BYTES = 2 ** 19

/** What the file says of itself: XMP before IPTC before EXIF, as the Metadata Working Group has it. '' for what it does not. */
export async function textsInFile(file: Blob): Promise<TextsInFile> {
  const { xmp, exif, resources } = await blocksOf(file)
  const texts = xmpTexts(xmp)
  const captions = [
    () => texts.description,
    () => (resources === null ? '' : iptcCaption(resources)),
    () => (exif === null ? '' : exifDescription(exif)),
  ]
  for (const caption of captions) {
    const description = caption()
    if (description !== '') return { ...texts, description }
  }
  return texts
}

/** When a picture was taken, as `exifTaken` has it. */
export async function takenInFile(file: Blob): Promise<string | null> {
  const { exif } = await blocksOf(file)
  return exif === null ? null : exifTaken(exif)
}

function xmpTexts(packet: Uint8Array | null): TextsInFile {
  const nothing = { description: '', altText: '', longDescription: '', writer: '' }
  if (packet === null) return nothing
  try {
    return readXmp(textOf(packet, 'The XMP'))
  } catch {
    return nothing
  }
}

async function blocksOf(file: Blob): Promise<Blocks> {
  const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer())
  if (head[0] === 0xff && head[1] === 0xd8) return blocksOfJpeg(head)
  if (latin1(head, 1, 4) === 'PNG') return blocksOfPng(head)
  if (latin1(head, 0, 4) === 'RIFF' && latin1(head, 8, 12) === 'WEBP') return blocksOfWebp(head, file)
  return { xmp: null, exif: null, resources: null }
}

function blocksOfJpeg(head: Uint8Array): Blocks {
  const blocks: Blocks = { xmp: null, exif: null, resources: null }
  for (let at = 2; head[at] === 0xff && head[at + 1] !== 0xda;) {
    const marker = head[at + 1] ?? 0
    if (marker === 0xff) {
      at += 1
      continue
    }
    const end = at + 2 + ((head[at + 2] ?? 0) << 8) + (head[at + 3] ?? 0)
    if (end < at + 4 || end > head.length) break
    const segment = head.subarray(at, end)
    for (const kind of JPEG.holds) blocks[kind] ??= segmentBlock(segment, marker, kind)?.body ?? null
    at = end
  }
  return blocks
}

function blocksOfPng(head: Uint8Array): Blocks {
  const blocks: Blocks = { xmp: null, exif: null, resources: null }
  const view = new DataView(head.buffer, head.byteOffset, head.length)
  for (let at = 8; at + 12 <= head.length;) {
    const end = at + 12 + view.getUint32(at)
    if (end > head.length) break
    const kind = latin1(head, at + 4, at + 8)
    const data = head.subarray(at + 8, end - 4)
    if (kind === 'eXIf') blocks.exif ??= data
    // Two flags, then two names that are mostly empty, each ended by a zero; what is compressed is passed over.
    const flags = XMP_KEYWORD.length
    if (kind === 'iTXt' && sameBytes(data.subarray(0, flags), XMP_KEYWORD) && data[flags] === 0) {
      const language = data.indexOf(0, flags + 2)
      const keyword = language < 0 ? -1 : data.indexOf(0, language + 1)
      if (keyword >= 0) blocks.xmp ??= data.subarray(keyword + 1)
    }
    at = end
  }
  return blocks
}

/** In WebP metadata stands behind the pixels, so chunks are walked along by their headers. */
async function blocksOfWebp(head: Uint8Array, file: Blob): Promise<Blocks> {
  const blocks: Blocks = { xmp: null, exif: null, resources: null }
  // Only this form has any.
  if (latin1(head, 12, 16) !== 'VP8X') return blocks
  for (let at = 12, chunks = 0; at + 8 <= file.size && chunks < MOST_CHUNKS; chunks += 1) {
    const header = new Uint8Array(await file.slice(at, at + 8).arrayBuffer())
    const length = new DataView(header.buffer).getUint32(4, true)
    const kind = latin1(header, 0, 4)
    if ((kind === 'EXIF' || kind === 'XMP ') && length < HEAD_BYTES) {
      const body = new Uint8Array(await file.slice(at + 8, at + 8 + length).arrayBuffer())
      if (kind === 'XMP ') blocks.xmp ??= body
      // Some writers put JPEG's name before it.
      else blocks.exif ??= exifOfChunk(body)
    }
    at += 8 + length + (length % 2)
  }
  return blocks
}

/** Frames of an animation are chunks, too. */
const MOST_CHUNKS = 200

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to))
}
