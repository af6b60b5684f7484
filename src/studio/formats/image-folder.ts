/**
 * The captions of Hugging Face's ImageFolder: `metadata.jsonl`, an object a line with `file_name`, relative to the file
 * that it stands in, and `text`. `metadata.csv` has the same columns: see `csv`.
 */
import { isRecord } from '../../pack/json.ts'
import { exactJson, parseExactJson } from './exact-json.ts'
import { damagedTable, fileOf, textOf, type CaptionRow } from './row.ts'

/** What Unicode, though not JSON, calls the end of a line: readers that cut by it would cut an object in two. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g

export function writeJsonLines(rows: readonly CaptionRow[]): string {
  return rows.map((row) => `${exactJson(recordOf(row)).replace(LINE_ENDS, escaped)}\n`).join('')
}

function escaped(sign: string): string {
  return `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Throws `bad-file`. Empty lines are passed over; other columns are kept. */
export function readJsonLines(bytes: Uint8Array, name: string): CaptionRow[] {
  return textOf(bytes, name)
    .split(/\r?\n/)
    .flatMap((line, i) => {
      if (line.trim() === '') return []
      return [rowOf(parsedLine(line), name, `line ${i + 1}`)]
    })
}

/** Null for what is no JSON. */
function parsedLine(line: string): unknown {
  try {
    return parseExactJson(line)
  } catch {
    return null
  }
}

/** As it stands in JSON: names of ImageFolder first, then what else there is. */
export function recordOf({ file, text, fields }: CaptionRow): Record<string, unknown> {
  return { file_name: file, text, ...fields }
}

export function rowOf(value: unknown, name: string, where: string): CaptionRow {
  if (!isRecord(value)) throw damagedTable(name, `${where} is no object`)
  const { file_name: path, text = '', ...fields } = value
  const file = typeof path === 'string' ? fileOf(path) : ''
  if (file === '') throw damagedTable(name, `${where} has no file_name`)
  if (typeof text !== 'string') throw damagedTable(name, `the text in ${where} is none`)
  return { file, text, fields }
}
