/** Which way up a picture is, as Pillow's `exif_transpose` finds it: in EXIF, else in XMP. */
import { startsWith, u16be, u16le, u32be, u32le } from './file-bytes.ts'
import type { Orientation } from './raster.ts'

const ORIENTATION_TAG = 0x0112
/** How a TIFF header begins; Pillow takes the mark in either order. */
const HEADERS = ['II*\0', 'II\0*', 'MM\0*', 'MM*\0']

type ReadNumber = (view: DataView, at: number, little: boolean) => number

const readRational =
  (read: ReadNumber): ReadNumber =>
  (view, at, little) =>
    read(view, at, little) / read(view, at + 4, little)
const readU32: ReadNumber = (view, at, little) => view.getUint32(at, little)
const readI32: ReadNumber = (view, at, little) => view.getInt32(at, little)

/** TIFF's types by their numbers: how many bytes one has, and how it is read. Bytes and texts are no numbers to Pillow. */
const TYPES: Readonly<Record<number, readonly [bytes: number, read: ReadNumber]>> = {
  1: [1, () => NaN],
  2: [1, () => NaN],
  3: [2, (view, at, little) => view.getUint16(at, little)],
  4: [4, readU32],
  5: [8, readRational(readU32)],
  6: [1, (view, at) => view.getInt8(at)],
  7: [1, () => NaN],
  8: [2, (view, at, little) => view.getInt16(at, little)],
  9: [4, readI32],
  10: [8, readRational(readI32)],
  11: [4, (view, at, little) => view.getFloat32(at, little)],
  12: [8, (view, at, little) => view.getFloat64(at, little)],
  13: [4, readU32],
  16: [8, (view, at, little) => Number(view.getBigUint64(at, little))],
}

/** `exif` may begin with `Exif\0\0`, once or (from tools that add it twice) more often; `xmp` is the packet's bytes. */
export function orientationOf(exif: Uint8Array | null, xmp: Uint8Array | null): Orientation {
  return exifOrientation(exif) ?? xmpOrientation(xmp) ?? 1
}

/** Null where EXIF says nothing about it. Broken EXIF says nothing: it must not cost the picture. */
export function exifOrientation(exif: Uint8Array | null): Orientation | null {
  if (exif === null) return null
  let tiff = exif
  while (startsWith(tiff, 0, 'Exif\0\0')) tiff = tiff.subarray(6)
  if (!HEADERS.some((header) => startsWith(tiff, 0, header))) return null
  const little = startsWith(tiff, 0, 'II')
  const u16 = little ? u16le : u16be
  const directory = (little ? u32le : u32be)(tiff, 4)
  const count = u16(tiff, directory)
  let found: Orientation | null = null
  for (let i = 0; i < count; i += 1) {
    const at = directory + 2 + i * 12
    if (at + 12 > tiff.length) break
    // Of several the last one counts.
    if (u16(tiff, at) === ORIENTATION_TAG) found = entryOrientation(tiff, at, little) ?? found
  }
  return found
}

/** The first of an entry's values. Null where its type is unknown, or its values are not there. */
function entryOrientation(tiff: Uint8Array, at: number, little: boolean): Orientation | null {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength)
  const [bytes, read] = TYPES[view.getUint16(at + 2, little)] ?? [0, () => NaN]
  const length = bytes * view.getUint32(at + 4, little)
  // What is longer than four bytes lies elsewhere.
  const begin = length > 4 ? view.getUint32(at + 8, little) : at + 8
  if (length === 0 || begin + length > tiff.length) return null
  return asOrientation(read(view, begin, little))
}

function xmpOrientation(xmp: Uint8Array | null): Orientation | null {
  if (xmp === null) return null
  const found = /tiff:Orientation(?:="|>)([0-9])/.exec(new TextDecoder('latin1').decode(xmp))
  return found === null ? null : asOrientation(Number(found[1]))
}

/** What is none of the eight means that nothing is turned. */
function asOrientation(value: number): Orientation {
  return ([1, 2, 3, 4, 5, 6, 7, 8] as const).find((known) => known === value) ?? 1
}
