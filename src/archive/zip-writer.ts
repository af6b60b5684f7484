/**
 * A ZIP file as a Blob that is made of Blobs: what is added is read once for its checksum and then only referred to,
 * so that an archive takes neither memory nor a second copy on disk, however large it is. Entries are stored, not
 * compressed. Sizes and counts beyond 32 and 16 bits are written in the 64-bit form.
 */
import { crc32OfBlob, type Reading } from './crc32.ts'
import {
  BEYOND_16,
  BEYOND_32,
  RECORD_BYTES,
  SIGNATURE,
  STORED,
  UTF8_FLAG,
  ZIP64_EXTRA,
} from './zip-format.ts'

/** "Version needed": 2.0 for plain entries, 4.5 for 64-bit ones (APPNOTE 4.4.3.2). */
const VERSION = 20
const VERSION_ZIP64 = 45

export class ZipWriter {
  readonly #pieces: BlobPart[] = []
  readonly #directory: BlobPart[] = []
  readonly #time: number
  #bytes = 0
  #directoryBytes = 0
  #entries = 0

  /** `modified` is what every entry says of its age. */
  constructor(modified: Date) {
    this.#time = dosTime(modified)
  }

  /** Adds one entry. `name` uses `/` and is not taken yet. Rejects when `content` cannot be read, or `cancelled`. */
  async add(name: string, content: Blob, reading: Reading = {}): Promise<void> {
    const crc = await crc32OfBlob(content, reading)
    const entry = { name: new TextEncoder().encode(name), crc, bytes: content.size, offset: this.#bytes }
    const header = localHeader(entry, this.#time)
    this.#pieces.push(header, content)
    this.#bytes += header.length + content.size
    const listed = directoryEntry(entry, this.#time)
    this.#directory.push(listed)
    this.#directoryBytes += listed.length
    this.#entries += 1
  }

  /** The whole file. Nothing can be added afterwards. */
  finish(): Blob {
    const end = endOfDirectory(this.#entries, this.#directoryBytes, this.#bytes)
    return new Blob([...this.#pieces, ...this.#directory, end], { type: 'application/zip' })
  }
}

interface Entry {
  name: Uint8Array
  crc: number
  bytes: number
  /** Of the local header. */
  offset: number
}

function localHeader({ name, crc, bytes }: Entry, time: number): Uint8Array<ArrayBuffer> {
  const extra = bytes >= BEYOND_32 ? zip64Extra([bytes, bytes]) : NOTHING
  const record = new RecordWriter(RECORD_BYTES.localHeader + name.length + extra.length)
  record.uint32(SIGNATURE.localHeader).uint16(extra.length > 0 ? VERSION_ZIP64 : VERSION)
  record.uint16(UTF8_FLAG).uint16(STORED).uint32(time).uint32(crc)
  record.uint32(Math.min(bytes, BEYOND_32)).uint32(Math.min(bytes, BEYOND_32))
  return record.uint16(name.length).uint16(extra.length).bytes(name).bytes(extra).done
}

function directoryEntry({ name, crc, bytes, offset }: Entry, time: number): Uint8Array<ArrayBuffer> {
  // Only the numbers that do not fit, in this order.
  const large = [bytes, bytes, offset].filter((number) => number >= BEYOND_32)
  const extra = large.length > 0 ? zip64Extra(large) : NOTHING
  const version = extra.length > 0 ? VERSION_ZIP64 : VERSION
  const record = new RecordWriter(RECORD_BYTES.directoryEntry + name.length + extra.length)
  record.uint32(SIGNATURE.directoryEntry).uint16(version).uint16(version)
  record.uint16(UTF8_FLAG).uint16(STORED).uint32(time).uint32(crc)
  record.uint32(Math.min(bytes, BEYOND_32)).uint32(Math.min(bytes, BEYOND_32))
  record.uint16(name.length).uint16(extra.length)
  // No comment, first disk, no attributes.
  record.uint16(0).uint16(0).uint16(0).uint32(0).uint32(Math.min(offset, BEYOND_32))
  return record.bytes(name).bytes(extra).done
}

function endOfDirectory(entries: number, bytes: number, offset: number): Uint8Array<ArrayBuffer> {
  const large = entries >= BEYOND_16 || bytes >= BEYOND_32 || offset >= BEYOND_32
  const { zip64End, zip64Locator, endOfDirectory: end } = RECORD_BYTES
  const record = new RecordWriter((large ? zip64End + zip64Locator : 0) + end)
  if (large) {
    record.uint32(SIGNATURE.zip64End).uint64(zip64End - 12)
    record.uint16(VERSION_ZIP64).uint16(VERSION_ZIP64).uint32(0).uint32(0)
    record.uint64(entries).uint64(entries).uint64(bytes).uint64(offset)
    record
      .uint32(SIGNATURE.zip64Locator)
      .uint32(0)
      .uint64(offset + bytes)
      .uint32(1)
  }
  const count = Math.min(entries, BEYOND_16)
  record.uint32(SIGNATURE.endOfDirectory).uint16(0).uint16(0).uint16(count).uint16(count)
  return record.uint32(Math.min(bytes, BEYOND_32)).uint32(Math.min(offset, BEYOND_32)).uint16(0).done
}

const NOTHING = new Uint8Array(0)

function zip64Extra(numbers: readonly number[]): Uint8Array<ArrayBuffer> {
  const record = new RecordWriter(4 + 8 * numbers.length)
  record.uint16(ZIP64_EXTRA).uint16(8 * numbers.length)
  for (const number of numbers) record.uint64(number)
  return record.done
}

/** Date and time of MS-DOS: the time in the lower 16 bits, two seconds a step, years from 1980 to 2107. */
function dosTime(date: Date): number {
  const year = Math.min(Math.max(date.getFullYear() - 1980, 0), 127)
  const day = (year << 9) | ((date.getMonth() + 1) << 5) | date.getDate()
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1)
  return ((day << 16) | time) >>> 0
}

/** Fills a record of known length, little-endian. */
class RecordWriter {
  readonly done: Uint8Array<ArrayBuffer>
  readonly #view: DataView
  #at = 0

  constructor(length: number) {
    this.done = new Uint8Array(length)
    this.#view = new DataView(this.done.buffer)
  }

  uint16(value: number): this {
    this.#view.setUint16(this.#at, value, true)
    this.#at += 2
    return this
  }

  uint32(value: number): this {
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
    return this
  }

  uint64(value: number): this {
    this.#view.setBigUint64(this.#at, BigInt(value), true)
    this.#at += 8
    return this
  }

  bytes(value: Uint8Array): this {
    this.done.set(value, this.#at)
    this.#at += value.length
    return this
  }
}
