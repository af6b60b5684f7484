/**
 * Captions as CSV by RFC 4180: quoted where there is a comma, a quotation mark or a line end, lines ended by CR LF, a
 * header. Its first columns are those of ImageFolder, so that `metadata.csv` is read by both.
 */
import Papa from 'papaparse'
import { damagedTable, fileOf, textOf, type CaptionRow } from './row.ts'

const OURS = ['file_name', 'text', 'score', 'model', 'settings', 'edited']

/** With `bom`, spreadsheets take it for UTF-8; other programs may take the mark for a part of the first column's name. */
export function writeCsv(rows: readonly CaptionRow[], { bom = false } = {}): string {
  const others = new Set(
    rows.flatMap(({ fields }) => Object.keys(fields)).filter((key) => !OURS.includes(key)),
  )
  const columns = [...OURS, ...others]
  const lines = rows.map(({ file, text, fields }) => [
    file,
    text,
    ...columns.slice(2).map((column) => cellOf(fields[column])),
  ])
  return `${bom ? '\ufeff' : ''}${Papa.unparse([columns, ...lines], { newline: '\r\n' })}\r\n`
}

/** Throws `bad-file`. Every column but the first two becomes a field; empty cells do not. */
export function readCsv(bytes: Uint8Array, name: string): CaptionRow[] {
  const { data, errors } = Papa.parse<string[]>(textOf(bytes, name), { skipEmptyLines: true, delimiter: ',' })
  const [error] = errors
  if (error !== undefined) throw damagedTable(name, `line ${(error.row ?? 0) + 1} is no CSV`)
  const [header = [], ...lines] = data
  const [fileAt, textAt] = [header.indexOf('file_name'), header.indexOf('text')]
  if (fileAt < 0) throw damagedTable(name, 'it has no column file_name')
  return lines.map((cells, i) => {
    const file = fileOf(cells[fileAt] ?? '')
    if (file === '') throw damagedTable(name, `line ${i + 2} has no file_name`)
    const fields = header.flatMap((column, at) =>
      at === fileAt || at === textAt || (cells[at] ?? '') === '' ? [] : [[column, cells[at]] as const],
    )
    return { file, text: textAt < 0 ? '' : (cells[textAt] ?? ''), fields: Object.fromEntries(fields) }
  })
}

function cellOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
