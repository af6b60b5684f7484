/**
 * A caption in EXIF's `ImageDescription`. What is there stays where it lies, byte for byte: makers' notes hold places
 * that nobody else knows. The text goes behind it all; where the first directory has no entry for it, a copy of that
 * directory with one entry more does, too.
 */
import { concatenated, sameBytes } from '../../pack/bytes.ts'
import { AppError } from '../../pack/failure.ts'
import { ASCII, IMAGE_DESCRIPTION } from './exif.ts'
import { ENTRY_BYTES, entriesAt, INLINE_BYTES, openTiff, type Entry, type Tiff } from './tiff.ts'

/** Where the place of the first directory stands. */
const FIRST_AT = 4
/** A block of nothing: big-endian, and a first directory without entries right behind the header. */
const EMPTY = Uint8Array.of(0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0)
const HEADER_BYTES = 8

/** The block with this description; null stands for none. Throws `bad-file` for one that is damaged. */
export function withExifDescription(block: Uint8Array | null, text: string): Uint8Array {
  const value = new TextEncoder().encode(`${text}\0`)
  if (block === null) return blockOf(value)
  const tiff = sound(block)
  const [known] = descriptionsIn(tiff)
  if (known?.type === ASCII && known.value !== null && sameBytes(known.value, value)) return block
  // Values lie at even places.
  const textAt = even(block.length)
  const entry = entryFor(tiff, value, textAt)
  const longer = concatenated([block, new Uint8Array(textAt - block.length), behind(value)])
  if (known !== undefined) {
    longer.set(entry, known.at)
    return longer
  }
  const directoryAt = even(longer.length)
  const directory = directoryWith(tiff, entry)
  const whole = concatenated([longer, new Uint8Array(directoryAt - longer.length), directory])
  new DataView(whole.buffer).setUint32(FIRST_AT, directoryAt, tiff.isLittle)
  return whole
}

function blockOf(value: Uint8Array): Uint8Array {
  const tiff = sound(EMPTY)
  const entry = entryFor(tiff, value, EMPTY.length + ENTRY_BYTES)
  return concatenated([EMPTY.subarray(0, HEADER_BYTES), directoryWith(tiff, entry), behind(value)])
}

/** Whether `after` says `text`, and differs from `before` in nothing else that a reader could find. */
export function isExifButDescription(before: Uint8Array | null, after: Uint8Array, text: string): boolean {
  const other = sound(after)
  const said = descriptionsIn(other)
  const value = new TextEncoder().encode(`${text}\0`)
  if (said.length !== 1 || !said.every((entry) => entry.value !== null && sameBytes(entry.value, value)))
    return false
  if (before === null) return sameBytes(after, blockOf(value))
  const one = sound(before)
  const known = descriptionsIn(one)[0]?.at
  const mayDiffer = (at: number): boolean =>
    known === undefined ? at >= FIRST_AT && at < HEADER_BYTES : at >= known && at < known + ENTRY_BYTES
  return (
    sameBytes(withoutDescription(one), withoutDescription(other)) &&
    before.every((byte, at) => byte === after[at] || mayDiffer(at))
  )
}

/** The first directory as it stands there, but for the entry of the description. */
function withoutDescription(tiff: Tiff): Uint8Array {
  const entries = entriesAt(tiff, tiff.first)
  const others = entries.filter(({ tag }) => tag !== IMAGE_DESCRIPTION)
  return concatenated([
    ...others.map(({ at }) => tiff.bytes.subarray(at, at + ENTRY_BYTES)),
    nextOf(tiff, entries.length),
  ])
}

function descriptionsIn(tiff: Tiff): Entry[] {
  return entriesAt(tiff, tiff.first).filter(({ tag }) => tag === IMAGE_DESCRIPTION)
}

/** What does not stand in the entry itself. */
function behind(value: Uint8Array): Uint8Array {
  return value.length <= INLINE_BYTES ? new Uint8Array() : value
}

/** Throws `bad-file` where the first directory cannot be told. */
function sound(block: Uint8Array): Tiff {
  const tiff = openTiff(block)
  try {
    if (tiff !== null) {
      // Where it leads out of the block both throw.
      nextOf(tiff, entriesAt(tiff, tiff.first).length)
      if (descriptionsIn(tiff).length < 2) return tiff
    }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
  }
  throw new AppError(
    'bad-file',
    'The EXIF in this picture is damaged, so nothing is put into it; write its caption beside it.',
  )
}

/** The place of the next directory, a thumbnail's mostly, as it stands behind the first one. */
function nextOf({ bytes, first }: Tiff, entries: number): Uint8Array {
  const at = first + 2 + ENTRY_BYTES * entries
  if (at + 4 > bytes.length) throw new RangeError('The first directory is cut off.')
  return bytes.subarray(at, at + 4)
}

function entryFor({ isLittle }: Tiff, value: Uint8Array, textAt: number): Uint8Array {
  const entry = new Uint8Array(ENTRY_BYTES)
  const view = new DataView(entry.buffer)
  view.setUint16(0, IMAGE_DESCRIPTION, isLittle)
  view.setUint16(2, ASCII, isLittle)
  view.setUint32(4, value.length, isLittle)
  if (value.length <= INLINE_BYTES) entry.set(value, 8)
  else view.setUint32(8, textAt, isLittle)
  return entry
}

/** The first directory with one entry more; entries stand in the order of their tags. */
function directoryWith(tiff: Tiff, entry: Uint8Array): Uint8Array {
  const entries = entriesAt(tiff, tiff.first)
  const larger = entries.findIndex(({ tag }) => tag > IMAGE_DESCRIPTION)
  const place = larger < 0 ? entries.length : larger
  const copies = entries.map(({ at }) => tiff.bytes.subarray(at, at + ENTRY_BYTES))
  const count = new Uint8Array(2)
  new DataView(count.buffer).setUint16(0, entries.length + 1, tiff.isLittle)
  return concatenated([
    count,
    ...copies.slice(0, place),
    entry,
    ...copies.slice(place),
    nextOf(tiff, entries.length),
  ])
}

function even(at: number): number {
  return at + (at % 2)
}
