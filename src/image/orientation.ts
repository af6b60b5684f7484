/** Which way up a picture is, as Pillow's `exif_transpose` finds it: in EXIF, else in XMP. */
import { startsWith, u16be, u16le, u32be, u32le } from './file-bytes.ts'
import type { Orientation } from './raster.ts'

const ORIENTATION_TAG = 0x0112
/** TIFF's types of whole numbers, with their bytes: SHORT, LONG, SSHORT, SLONG. */
const WHOLE_NUMBERS: Readonly<Record<number, number>> = { 3: 2, 4: 4, 8: 2, 9: 4 }

/** `exif` may begin with `Exif\0\0`, once or (from tools that add it twice) more often; `xmp` is the packet's bytes. */
export function orientationOf(exif: Uint8Array | null, xmp: Uint8Array | null): Orientation {
  return exifOrientation(exif) ?? xmpOrientation(xmp) ?? 1
}

/** Null where EXIF says nothing about it. Broken EXIF says nothing: it must not cost the picture. */
export function exifOrientation(exif: Uint8Array | null): Orientation | null {
  if (exif === null) return null
  let tiff = exif
  while (startsWith(tiff, 0, 'Exif\0\0')) tiff = tiff.subarray(6)
  const little = startsWith(tiff, 0, 'II')
  if (!little && !startsWith(tiff, 0, 'MM')) return null
  const u16 = little ? u16le : u16be
  const u32 = little ? u32le : u32be
  const directory = u32(tiff, 4)
  const count = u16(tiff, directory)
  for (let i = 0; i < count; i += 1) {
    const at = directory + 2 + i * 12
    if (at + 12 > tiff.length) return null
    if (u16(tiff, at) !== ORIENTATION_TAG) continue
    const bytes = WHOLE_NUMBERS[u16(tiff, at + 2)]
    if (bytes === undefined || u32(tiff, at + 4) !== 1) return null
    return asOrientation(bytes === 2 ? u16(tiff, at + 8) : u32(tiff, at + 8))
  }
  return null
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
