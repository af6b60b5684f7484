/**
 * Reads ZIP files of stored entries out of a Blob: the directory at the end says where everything is, and an entry is
 * a slice of the file, so that nothing is in memory but the directory. Files come from anywhere, so every number is
 * checked before it is used.
 */
import { AppError } from '../pack/failure.ts'
import { crc32OfBlob, type Reading } from './crc32.ts'
import {
  BEYOND_16,
  BEYOND_32,
  ENCRYPTED_FLAG,
  RECORD_BYTES,
  SIGNATURE,
  STORED,
  ZIP64_EXTRA,
} from './zip-format.ts'

export interface ZipEntry {
  name: string
  bytes: number
  crc: number
  /** Of its local header in the file. */
  offset: number
}

/** A comment of up to 65,535 bytes may follow the last record (APPNOTE 4.3.16). */
const LONGEST_COMMENT = 0xffff
/** A directory entry with the longest name that is sensible. */
const LONGEST_ENTRY = 1024

/** A Blob, or whatever else has a size and gives ranges. */
export interface ZipSource {
  readonly size: number
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> }
}

/** Whether a file begins as a ZIP file with at least one entry does. */
export async function isZip(file: ZipSource): Promise<boolean> {
  return file.size >= 4 && (await viewOf(file, 0, 4)).getUint32(0, true) === SIGNATURE.localHeader
}

/**
 * The entries by name. Throws `bad-file` when the file is no whole ZIP file, has more than `mostEntries`, or holds
 * what is not read here: compressed or encrypted entries, two of one name, entries that lie upon each other.
 */
export async function readDirectory(file: ZipSource, mostEntries: number): Promise<Map<string, ZipEntry>> {
  const { entries, bytes, offset } = await findDirectory(file)
  if (entries > mostEntries) throw damaged('it holds too many files')
  if (offset + bytes > file.size || bytes > entries * LONGEST_ENTRY) throw damaged('its directory is damaged')
  const view = await viewOf(file, offset, offset + bytes)
  const found = new Map<string, ZipEntry>()
  let total = 0
  for (let at = 0, i = 0; i < entries; i += 1) {
    const { entry, next } = entryAt(view, at)
    if (found.has(entry.name)) throw damaged('two of its files have one name')
    found.set(entry.name, entry)
    total += RECORD_BYTES.localHeader + entry.bytes
    at = next
  }
  if (total > offset) throw damaged('its files lie upon each other')
  return found
}

/** The bytes of an entry as a slice of the file. Throws `bad-file` when they are not what the directory says. */
export async function readEntry(file: Blob, entry: ZipEntry, reading: Reading = {}): Promise<Blob> {
  const { name, bytes, crc } = entry
  const start = await startOfEntry(file, entry)
  const content = file.slice(start, start + bytes)
  if ((await crc32OfBlob(content, reading)) !== crc) throw damaged(`${name} has changed`)
  return content
}

/** Where the bytes of an entry begin in the file, in which they lie whole. Throws `bad-file`. */
export async function startOfEntry(file: ZipSource, { name, bytes, offset }: ZipEntry): Promise<number> {
  const header = await viewOf(file, offset, offset + RECORD_BYTES.localHeader)
  if (header.getUint32(0, true) !== SIGNATURE.localHeader) throw damaged(`${name} is not where it should be`)
  const start = offset + RECORD_BYTES.localHeader + header.getUint16(26, true) + header.getUint16(28, true)
  if (start + bytes > file.size) throw damaged(`${name} is cut off`)
  return start
}

interface Directory {
  entries: number
  bytes: number
  offset: number
}

async function findDirectory(file: ZipSource): Promise<Directory> {
  const { endOfDirectory, zip64Locator } = RECORD_BYTES
  const from = Math.max(0, file.size - endOfDirectory - LONGEST_COMMENT)
  const tail = await viewOf(file, from, file.size)
  for (let at = tail.byteLength - endOfDirectory; at >= 0; at -= 1) {
    if (tail.getUint32(at, true) !== SIGNATURE.endOfDirectory) continue
    const entries = tail.getUint16(at + 10, true)
    const bytes = tail.getUint32(at + 12, true)
    const offset = tail.getUint32(at + 16, true)
    if (entries !== BEYOND_16 && bytes !== BEYOND_32 && offset !== BEYOND_32)
      return { entries, bytes, offset }
    return zip64Directory(file, from + at - zip64Locator)
  }
  throw damaged('its end is missing')
}

async function zip64Directory(file: ZipSource, locatorAt: number): Promise<Directory> {
  const locator = await viewOf(file, locatorAt, locatorAt + RECORD_BYTES.zip64Locator)
  if (locator.getUint32(0, true) !== SIGNATURE.zip64Locator) throw damaged('its directory is damaged')
  const at = sizeAt(locator, 8)
  const end = await viewOf(file, at, at + RECORD_BYTES.zip64End)
  if (end.getUint32(0, true) !== SIGNATURE.zip64End) throw damaged('its directory is damaged')
  return { entries: sizeAt(end, 32), bytes: sizeAt(end, 40), offset: sizeAt(end, 48) }
}

function entryAt(view: DataView, at: number): { entry: ZipEntry; next: number } {
  const names = at + RECORD_BYTES.directoryEntry
  if (names > view.byteLength || view.getUint32(at, true) !== SIGNATURE.directoryEntry)
    throw damaged('its directory is damaged')
  const extras = names + view.getUint16(at + 28, true)
  const comment = extras + view.getUint16(at + 30, true)
  const next = comment + view.getUint16(at + 32, true)
  if (next > view.byteLength) throw damaged('its directory is damaged')
  const name = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + names, extras - names))
  if ((view.getUint16(at + 8, true) & ENCRYPTED_FLAG) !== 0) throw damaged(`${name} is encrypted`)
  if (view.getUint16(at + 10, true) !== STORED)
    throw damaged(`${name} is compressed, so another program has packed it anew`)
  const large = new LargeNumbers(view, extras, comment)
  const bytes = large.or(view.getUint32(at + 24, true))
  large.or(view.getUint32(at + 20, true))
  const offset = large.or(view.getUint32(at + 42, true))
  return { entry: { name, bytes, crc: view.getUint32(at + 16, true), offset }, next }
}

/** The numbers of the 64-bit extra field, in the order in which the plain fields leave them out. */
class LargeNumbers {
  readonly #view: DataView
  #at: number
  readonly #end: number

  constructor(view: DataView, start: number, end: number) {
    this.#view = view
    this.#at = end
    this.#end = end
    for (let at = start; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
      if (view.getUint16(at, true) !== ZIP64_EXTRA) continue
      this.#at = at + 4
      return
    }
  }

  /** `plain`, or the next large number where that says so. */
  or(plain: number): number {
    if (plain !== BEYOND_32) return plain
    if (this.#at + 8 > this.#end) throw damaged('its directory is damaged')
    this.#at += 8
    return sizeAt(this.#view, this.#at - 8)
  }
}

function sizeAt(view: DataView, at: number): number {
  const value = Number(view.getBigUint64(at, true))
  if (!Number.isSafeInteger(value)) throw damaged('its directory is damaged')
  return value
}

async function viewOf(file: ZipSource, start: number, end: number): Promise<DataView> {
  if (start < 0 || end > file.size) throw damaged('it is cut off')
  return new DataView(await file.slice(start, end).arrayBuffer())
}

function damaged(what: string): AppError {
  return new AppError(
    'bad-file',
    `This ZIP file cannot be read (${what}); export it again, or copy it again.`,
  )
}
