/** The records of a ZIP file that are written and read here (PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3). */

export const SIGNATURE = {
  localHeader: 0x04034b50,
  directoryEntry: 0x02014b50,
  endOfDirectory: 0x06054b50,
  zip64End: 0x06064b50,
  zip64Locator: 0x07064b50,
} as const

/** Bytes of each record before its names and extra fields. */
export const RECORD_BYTES = {
  localHeader: 30,
  directoryEntry: 46,
  endOfDirectory: 22,
  zip64End: 56,
  zip64Locator: 20,
} as const

/** In the place of a number that does not fit: the number itself is in the 64-bit record. */
export const BEYOND_32 = 0xffff_ffff
export const BEYOND_16 = 0xffff

/** Id of the extra field with 64-bit sizes and offset. */
export const ZIP64_EXTRA = 0x0001

/** As they are: pictures are compressed already. */
export const STORED = 0

/** General purpose bit 0: encrypted. Bit 11: the name is UTF-8. */
export const ENCRYPTED_FLAG = 1
export const UTF8_FLAG = 1 << 11
