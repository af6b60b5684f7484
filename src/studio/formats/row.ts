/** One picture's line in a table of captions, whatever the table is written as. */
import { AppError } from '../../pack/failure.ts'

export interface CaptionRow {
  /** The picture, relative to the table, with `/`. */
  file: string
  text: string
  /** What else the table says of it. Kept as it is; values of ours are `score`, `model`, `settings` and `edited`. */
  fields: Readonly<Record<string, unknown>>
}

/** Rows by file: those of `fresh` over those of `earlier`, whose other fields stay. In the order of `compare`. */
export function mergedRows(
  earlier: readonly CaptionRow[],
  fresh: readonly CaptionRow[],
  compare: (one: string, other: string) => number,
): CaptionRow[] {
  const rows = new Map(earlier.map((row) => [row.file, row]))
  for (const row of fresh) {
    const fields = { ...rows.get(row.file)?.fields, ...row.fields }
    rows.set(row.file, { ...row, fields })
  }
  return [...rows.values()].sort((a, b) => compare(a.file, b.file))
}

export function damagedTable(name: string, why: string): AppError {
  return new AppError('bad-file', `${name} cannot be read: ${why}; mend it, or move it away.`)
}

/** Text of bytes in UTF-8, without a byte order mark. Throws `bad-file` for what is no UTF-8. */
export function textOf(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw damagedTable(name, 'it is not written in UTF-8')
  }
}
