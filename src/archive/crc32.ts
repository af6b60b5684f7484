/** CRC-32 as ZIP has it (ISO 3309, the reflected polynomial 0xEDB88320), eight bytes at a time. */
import { BlobReader } from '../pack/blob-reader.ts'
import { throwIfCancelled } from '../pack/failure.ts'

/** Of a Blob at most so many bytes are in memory. */
const PIECE_BYTES = 2 ** 20

/** Table `t` holds what a byte makes of the checksum when `t` further bytes follow it: 8 tables of 256 entries. */
const TABLES = tables()

function tables(): Int32Array {
  const all = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1
    all[byte] = crc
  }
  for (let at = 256; at < all.length; at += 1) {
    const before = entry(all, at - 256)
    all[at] = entry(all, before & 0xff) ^ (before >>> 8)
  }
  return all
}

function entry(list: Int32Array | Uint8Array, index: number): number {
  return list[index] ?? 0
}

/** The checksum of `bytes` that follow what `before` is the checksum of (0: nothing). Unsigned 32 bits. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  const eights = bytes.length & ~7
  let i = 0
  for (; i < eights; i += 8) {
    crc ^=
      entry(bytes, i) | (entry(bytes, i + 1) << 8) | (entry(bytes, i + 2) << 16) | (entry(bytes, i + 3) << 24)
    crc =
      entry(TABLES, 1792 + (crc & 0xff)) ^
      entry(TABLES, 1536 + ((crc >>> 8) & 0xff)) ^
      entry(TABLES, 1280 + ((crc >>> 16) & 0xff)) ^
      entry(TABLES, 1024 + (crc >>> 24)) ^
      entry(TABLES, 768 + entry(bytes, i + 4)) ^
      entry(TABLES, 512 + entry(bytes, i + 5)) ^
      entry(TABLES, 256 + entry(bytes, i + 6)) ^
      entry(TABLES, entry(bytes, i + 7))
  }
  for (; i < bytes.length; i += 1) crc = entry(TABLES, (crc ^ entry(bytes, i)) & 0xff) ^ (crc >>> 8)
  return ~crc >>> 0
}

export interface Reading {
  signal?: AbortSignal | undefined
  /** Called with the number of bytes that were just read. */
  onBytes?: ((bytes: number) => void) | undefined
}

/** The checksum of a Blob of any size. Rejects `cancelled`, or when the browser has lost what lies behind the Blob. */
export async function crc32OfBlob(blob: Blob, { signal, onBytes }: Reading = {}): Promise<number> {
  const reader = new BlobReader()
  let crc = 0
  for (let at = 0; at < blob.size; at += PIECE_BYTES) {
    throwIfCancelled(signal)
    const piece = await reader.read(blob.slice(at, at + PIECE_BYTES))
    crc = crc32(piece, crc)
    onBytes?.(piece.length)
  }
  return crc
}
