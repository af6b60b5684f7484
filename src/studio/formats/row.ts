/** One picture's line in a table of captions, whatever the table is written as. */
import { AppError } from '../../pack/failure.ts'

export interface CaptionRow {
  /** The picture, relative to the table, with `/`. */
  file: string
  text: string
  /** What else the table says of it. Kept as it is; values of ours are `score`, `model`, `settings` and `edited`. */
  fields: Readonly<Record<string, unknown>>
}

/**
 * Rows by file, in the order of `compare`: those of `fresh`, one a file, over those of `earlier`, whose other fields stay.
 * Where there are several of a file the first one is its caption, and the others stay as they are.
 */
export function mergedRows(
  earlier: readonly CaptionRow[],
  fresh: readonly CaptionRow[],
  compare: (one: string, other: string) => number,
): CaptionRow[] {
  const news = new Map(fresh.map((row) => [row.file, row]))
  const rows = earlier.map((row) => {
    const next = news.get(row.file)
    if (next === undefined) return row
    news.delete(row.file)
    return { ...next, fields: { ...row.fields, ...next.fields } }
  })
  return [...rows, ...news.values()].sort((a, b) => compare(a.file, b.file))
}

/** Captions by file; of several of a file the first one. */
export function firstTexts(rows: readonly CaptionRow[]): Map<string, string> {
  const texts = new Map<string, string>()
  for (const { file, text } of rows) if (!texts.has(file)) texts.set(file, text)
  return texts
}

/** How a table calls a picture, as we call it: `./a.png` is `a.png`. */
export function fileOf(name: string): string {
  return name.replace(/^(\.\/+)+/, '')
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
