/** Directories of fields as TIFF has them (TIFF 6.0, section 2), which EXIF is made of. */

/** Four bytes and less stand in the entry itself. */
export const INLINE_BYTES = 4
export const ENTRY_BYTES = 12
/** Sizes of the types 1 to 10 and of Exif 3.0's UTF-8, in bytes; 0 for what is none. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8]
const UTF8 = 129

export interface Tiff {
  bytes: Uint8Array
  view: DataView
  isLittle: boolean
  /** Where the first directory lies. */
  first: number
}

export interface Entry {
  tag: number
  type: number
  /** Where the entry itself lies. */
  at: number
  /** Its value; null where that would lie outside. */
  value: Uint8Array | null
}

/** The block, or null for what is none; it begins with its byte order. */
export function openTiff(bytes: Uint8Array): Tiff | null {
  const order = String.fromCharCode(...bytes.subarray(0, 2))
  if ((order !== 'II' && order !== 'MM') || bytes.length < 8) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const isLittle = order === 'II'
  if (view.getUint16(2, isLittle) !== 42) return null
  return { bytes, view, isLittle, first: view.getUint32(4, isLittle) }
}

/** The entries of the directory at `at`, in its order. Throws `RangeError` where it leads out of the block. */
export function entriesAt({ bytes, view, isLittle }: Tiff, at: number): Entry[] {
  const count = view.getUint16(at, isLittle)
  return Array.from({ length: count }, (_, i) => {
    const entry = at + 2 + ENTRY_BYTES * i
    const type = view.getUint16(entry + 2, isLittle)
    const length = (type === UTF8 ? 1 : (TYPE_BYTES[type] ?? 0)) * view.getUint32(entry + 4, isLittle)
    const start = length <= INLINE_BYTES ? entry + 8 : view.getUint32(entry + 8, isLittle)
    const value = start + length > bytes.length ? null : bytes.subarray(start, start + length)
    return { tag: view.getUint16(entry, isLittle), type, at: entry, value }
  })
}
