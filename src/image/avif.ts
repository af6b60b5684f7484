/**
 * AVIF's container: what the decoder leaves to whoever shows the picture (how large it is and which way up), and a file in
 * which it finds nothing to object to that Pillow forgives (ISO/IEC 23008-12; Pillow's `_avif.c` and `AvifImagePlugin`).
 */
import { concatenated } from '../pack/bytes.ts'
import {
  propertiesOf,
  propertyTableBytes,
  readItems,
  type Association,
  type AvifItems,
  type ItemProperties,
} from './avif-items.ts'
import { ascii, u32be } from './file-bytes.ts'
import { bigEndian, bodyOf, boxBytes, boxesOf, type Box } from './iso-boxes.ts'
import { exifOrientation, orientationOf } from './orientation.ts'
import type { Orientation } from './raster.ts'

export interface PlainAvif {
  /** As stored, before it is turned; null where only the decoder can tell (sequences without a still picture). */
  size: { width: number; height: number } | null
  orientation: Orientation
  bytes: Uint8Array
}

/** Throws `bad-image` where the file ends before its description does. */
export function plainAvif(file: Uint8Array): PlainAvif {
  const meta = boxesOf(file).find(({ type }) => type === 'meta')
  if (meta === undefined) return { size: null, orientation: 1, bytes: file }
  const boxes = boxesOf(meta.body.subarray(4))
  const items = readItems(file, boxes)
  const properties = propertiesOf(items, items.primary)
  const ispe = bodyOf(properties, 'ispe')
  const turn = bodyOf(properties, 'irot')?.[0]
  const mirror = bodyOf(properties, 'imir')?.[0]
  const byBoxes = orientationOfTurns(
    turn === undefined ? 0 : turn & 3,
    mirror === undefined ? null : mirror & 1,
  )
  return {
    size: ispe === undefined ? null : { width: u32be(ispe, 4), height: u32be(ispe, 8) },
    orientation: byBoxes !== 1 ? byBoxes : writtenOrientation(items),
    bytes: forgiven(file, meta, boxes, items),
  }
}

/** EXIF has no say in AVIF (MIAF 7.3.6.7); Pillow lets XMP have one where EXIF is silent. */
function writtenOrientation(items: AvifItems): Orientation {
  const exif = metadataOf(items, 'Exif')
  // The first four bytes say where the TIFF header is.
  if (exifOrientation(exif === null ? null : exif.subarray(4 + u32be(exif, 0))) !== null) return 1
  return orientationOf(null, metadataOf(items, 'mime'))
}

/** What an item of this type says of the picture. */
function metadataOf({ primary, types, references, bytesOf }: AvifItems, wanted: string): Uint8Array | null {
  for (const [item, type] of types)
    if (type === wanted && references('cdsc', item).includes(primary)) return bytesOf(item) ?? null
  return null
}

/** Anti-clockwise quarters first, then swapped top and bottom (axis 0) or left and right (axis 1). */
function orientationOfTurns(quarters: number, axis: number | null): Orientation {
  const plain = [1, 8, 3, 6] as const
  const upsideDown = [4, 5, 2, 7] as const
  const reversed = [2, 7, 4, 5] as const
  return (axis === null ? plain : axis === 0 ? upsideDown : reversed)[quarters] ?? 1
}

/**
 * The file without crops (`clap`), which Pillow does not carry out and the decoder checks more strictly, and with the depth (`pixi`) of pictures that do not state it, as libheif wrote them up to version 1.11.
 */
function forgiven(file: Uint8Array, meta: Box, boxes: readonly Box[], items: AvifItems): Uint8Array {
  const added: Uint8Array[] = []
  const isCrop = ({ property }: Association): boolean => items.properties[property - 1]?.type === 'clap'
  const mended = ({ item, associations }: ItemProperties): ItemProperties => {
    const kept = associations.filter((one) => !isCrop(one))
    const depth = missingDepth(items, item)
    if (depth === null) return { item, associations: kept }
    added.push(depth)
    const property = items.properties.length + added.length
    return { item, associations: [...kept, { property, essential: false }] }
  }
  const tables = items.tables.map(({ head, rows }) => ({ head, rows: rows.map(mended) }))
  const rows = items.tables.flatMap((table) => table.rows)
  const isCropped = rows.some(({ associations }) => associations.some(isCrop))
  if (!isCropped && added.length === 0) return file
  const iprp = boxBytes(
    'iprp',
    boxBytes('ipco', ...items.properties.map(({ type, body }) => boxBytes(type, body)), ...added),
    ...tables.map((table) => boxBytes('ipma', propertyTableBytes(table))),
  )
  const inner = boxes.map(({ type, body }) => (type === 'iprp' ? iprp : boxBytes(type, body)))
  // Behind everything else, so that no byte to which it points is moved.
  return concatenated([closed(file, meta), boxBytes('meta', meta.body.subarray(0, 4), ...inner)])
}

/** The `pixi` that a coded picture or a grid lacks; null where it lacks none. Its numbers are those of the AV1 stream. */
function missingDepth(items: AvifItems, item: number): Uint8Array | null {
  const type = items.types.get(item) ?? ''
  if (!['av01', 'grid'].includes(type)) return null
  const own = propertiesOf(items, item)
  if (bodyOf(own, 'pixi') !== undefined) return null
  const coded = type === 'grid' ? propertiesOf(items, items.references('dimg', item)[0] ?? 0) : own
  // AV1 Codec ISO Media File Format Binding, 2.3.3: high_bitdepth, twelve_bit and monochrome.
  const flags = bodyOf(coded, 'av1C')?.[2]
  if (flags === undefined) return null
  const bits = (flags & 0x40) === 0 ? 8 : (flags & 0x20) === 0 ? 10 : 12
  const channels = (flags & 0x10) === 0 ? 3 : 1
  return boxBytes('pixi', new Uint8Array(4), Uint8Array.of(channels, ...Array<number>(channels).fill(bits)))
}

/** A copy whose `meta` counts no more, and whose last box ends where the file does. */
function closed(file: Uint8Array, meta: Box): Uint8Array {
  const copy = concatenated([file])
  copy.set(bigEndian(0x66726565, 4), meta.start + 4)
  const last = boxesOf(file).at(-1)
  if (
    last !== undefined &&
    ascii(file, last.start + 4, last.start + 8) === 'mdat' &&
    u32be(file, last.start) !== 1
  )
    copy.set(bigEndian(file.length - last.start, 4), last.start)
  return copy
}
