/**
 * JPEG: checked and written anew for whoever decodes it. Decoders differ only in what stands around the picture (fill
 * bytes, broken metadata, colour profiles, what follows the end), so all of them are given the same plain file: tables,
 * frame, scans, what tells colours apart, and which way is up (ITU-T T.81, annex B).
 */
import { concatenated } from '../pack/bytes.ts'
import { startsWith, u16be } from './file-bytes.ts'
import { orientationOf } from './orientation.ts'
import type { Orientation } from './raster.ts'
import { cutOff, damaged, refusedPicture } from './refusal.ts'

export interface PlainJpeg {
  /** As stored, before it is turned. */
  width: number
  height: number
  /** 1 (grey), 3 (colour) or 4 (CMYK; always marked as Adobe's, so inverted, as Pillow takes it). */
  components: number
  bytes: Uint8Array<ArrayBuffer>
}

const SOI = 0xd8
const EOI = 0xd9
const SOS = 0xda
const DNL = 0xdc
const APP0 = 0xe0
const APP1 = 0xe1
const APP14 = 0xee
const COM = 0xfe
const DQT = 0xdb
/** Quantisation and Huffman tables, and the restart interval: what frames and scans need. */
const TABLES = [DQT, 0xc4, 0xdd]

/** Processes that decoders of today do not have. The Huffman-coded DCT ones (C0, C1, C2) are read. */
const UNREAD_FRAMES: Readonly<Record<number, string>> = {
  0xc3: 'lossless JPEG',
  0xc5: 'hierarchical JPEG',
  0xc6: 'hierarchical JPEG',
  0xc7: 'hierarchical JPEG',
  0xc9: 'arithmetic-coded JPEG',
  0xca: 'arithmetic-coded JPEG',
  0xcb: 'arithmetic-coded JPEG',
  0xcd: 'arithmetic-coded JPEG',
  0xce: 'arithmetic-coded JPEG',
  0xcf: 'arithmetic-coded JPEG',
  0xf7: 'JPEG-LS',
}

interface Frame {
  progressive: boolean
  width: number
  height: number
  components: number
  /** Numbers of the quantisation tables that its components use. */
  tables: number[]
}

interface Parsed {
  frame: Frame | null
  /** Numbers of the quantisation tables that are there. */
  tables: Set<number>
  parts: Uint8Array[]
  jfif: Uint8Array | null
  adobe: Uint8Array | null
  exif: Uint8Array[]
  xmp: Uint8Array | null
}

/** Throws `bad-image`. */
export function plainJpeg(file: Uint8Array): PlainJpeg {
  const parsed: Parsed = {
    frame: null,
    tables: new Set(),
    parts: [],
    jfif: null,
    adobe: null,
    exif: [],
    xmp: null,
  }
  let at = 2
  for (;;) {
    const marker = nextMarker(file, at)
    at = marker.end
    if (marker.code === EOI) break
    // One that marks no segment: a restart between scans.
    if (marker.code === 0x01 || (marker.code >= 0xd0 && marker.code <= 0xd7)) continue
    if (marker.code === SOI) throw parsed.parts.length > 0 ? cutOff() : damaged('JPEG')
    // A length counts itself; metadata of a length below that is empty (libjpeg's skip_variable).
    const end = at + Math.max(2, u16be(file, at))
    if (end > file.length) throw cutOff()
    takeSegment(parsed, marker.code, file.subarray(at + 2, end))
    at = end
    if (marker.code !== SOS) continue
    const scan = endOfScan(file, at)
    parsed.parts.push(file.subarray(at, scan))
    at = scan
    if (parsed.frame !== null && isWholePicture(file, at, parsed.frame, parsed.parts)) break
  }
  return assembled(parsed)
}

/** The next marker at or behind `at`; whatever is none is passed over, as every decoder does. */
function nextMarker(file: Uint8Array, at: number): { code: number; end: number } {
  for (let i = at; i + 1 < file.length; i += 1) {
    const code = file[i + 1] ?? 0
    if (file[i] === 0xff && code !== 0xff && code !== 0) return { code, end: i + 2 }
  }
  throw cutOff()
}

/** Where the coded data that begins at `at` ends: at the next marker that is no restart. */
function endOfScan(file: Uint8Array, at: number): number {
  for (let i = file.indexOf(0xff, at); i >= 0 && i + 1 < file.length; i = file.indexOf(0xff, i + 1)) {
    const code = file[i + 1] ?? 0
    if (code !== 0 && code !== 0xff && !(code >= 0xd0 && code <= 0xd7)) return i
  }
  throw cutOff()
}

/**
 * A sequential picture in one scan is done with that scan, whatever follows: decoders read no further. Another picture
 * that begins there says that this one was cut off.
 */
function isWholePicture(file: Uint8Array, at: number, frame: Frame, parts: readonly Uint8Array[]): boolean {
  if (file[at + 1] === SOI) throw cutOff()
  const header = parts.at(-2)
  return !frame.progressive && header !== undefined && header[4] === frame.components
}

function takeSegment(parsed: Parsed, code: number, body: Uint8Array): void {
  if (TABLES.includes(code)) {
    parsed.parts.push(segment(code, body))
    if (code === DQT) for (const number of tablesIn(body)) parsed.tables.add(number)
  } else if (code === SOS) {
    if (parsed.frame === null) throw damaged('JPEG')
    parsed.parts.push(segment(code, body))
  } else if (code in UNREAD_FRAMES) {
    throw refusedPicture(
      `This is a picture of a rare kind (${UNREAD_FRAMES[code] ?? ''}); save it as plain JPEG or PNG.`,
    )
  } else if (code >= 0xc0 && code <= 0xc2) {
    if (parsed.frame !== null) throw damaged('JPEG')
    parsed.frame = readFrame(code, body)
    parsed.parts.push(segment(code, body))
  } else if (code >= APP0 && code <= 0xef) takeMetadata(parsed, code, body)
  else if (code !== COM && code !== DNL) throw damaged('JPEG')
}

/** Each has its precision and its number in a byte, and 64 values of 8 or 16 bits behind it. */
function* tablesIn(body: Uint8Array): Generator<number> {
  for (let at = 0; at < body.length;) {
    const head = body[at] ?? 0
    yield head & 15
    at += 1 + (head >> 4 === 0 ? 64 : 128)
  }
}

function readFrame(code: number, body: Uint8Array): Frame {
  if (body[0] !== 8)
    throw refusedPicture(
      `This is a JPEG picture of ${body[0] ?? 0} bits a colour; save it as plain JPEG or PNG.`,
    )
  const components = body[5] ?? 0
  if (![1, 3, 4].includes(components) || body.length < 6 + 3 * components) throw damaged('JPEG')
  const tables = Array.from({ length: components }, (_, i) => body[8 + 3 * i] ?? 0)
  return { progressive: code === 0xc2, width: u16be(body, 3), height: u16be(body, 1), components, tables }
}

function takeMetadata(parsed: Parsed, code: number, body: Uint8Array): void {
  const xmp = 'http://ns.adobe.com/xap/1.0/\0'
  if (code === APP0 && startsWith(body, 0, 'JFIF\0') && body.length >= 12) parsed.jfif ??= body
  else if (code === APP14 && startsWith(body, 0, 'Adobe') && body.length >= 12) parsed.adobe = body
  else if (code === APP1 && startsWith(body, 0, 'Exif\0\0')) parsed.exif.push(body.subarray(6))
  else if (code === APP1 && startsWith(body, 0, xmp)) parsed.xmp = body.subarray(xmp.length)
}

function assembled({ frame, tables, parts, jfif, adobe, exif, xmp }: Parsed): PlainJpeg {
  if (frame === null || !parts.some((part) => part[1] === SOS)) throw damaged('JPEG')
  // WebKit would show a grey picture.
  if (!frame.tables.every((number) => tables.has(number))) throw damaged('JPEG')
  const { width, height, components } = frame
  const orientation = orientationOf(exif.length > 0 ? concatenated(exif) : null, xmp)
  const head: Uint8Array[] = [Uint8Array.of(0xff, SOI)]
  // Whether three colours are RGB or YCbCr, four CMYK or YCCK, stands in these two.
  if (jfif !== null && components !== 4) head.push(segment(APP0, jfif.subarray(0, 12), Uint8Array.of(0, 0)))
  if (orientation !== 1) head.push(segment(APP1, orientationExif(orientation)))
  if (adobe !== null) head.push(segment(APP14, adobe.subarray(0, 12)))
  else if (components === 4)
    head.push(segment(APP14, Uint8Array.of(0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, 0)))
  return { width, height, components, bytes: concatenated([...head, ...parts, Uint8Array.of(0xff, EOI)]) }
}

function segment(code: number, ...bodies: readonly Uint8Array[]): Uint8Array {
  const body = concatenated(bodies)
  const length = body.length + 2
  return concatenated([Uint8Array.of(0xff, code, length >> 8, length & 0xff), body])
}

/** EXIF that says nothing else: a little-endian TIFF header and one entry. */
function orientationExif(orientation: Orientation): Uint8Array {
  const words = [0x4949, 0x002a, 8, 0, 1, 0x0112, 3, 1, 0, orientation, 0, 0, 0]
  return Uint8Array.from([0x45, 0x78, 0x69, 0x66, 0, 0, ...words.flatMap((word) => [word & 0xff, word >> 8])])
}
