/**
 * The captions of Hugging Face's ImageFolder: `metadata.jsonl`, an object a line with `file_name`, relative to the file
 * that it stands in, and `text`. `metadata.csv` has the same columns: see `csv`.
 */
import { isRecord, parseJson } from '../../pack/json.ts'
import { damagedTable, textOf, type CaptionRow } from './row.ts'

export function writeJsonLines(rows: readonly CaptionRow[]): string {
  return rows.map((row) => `${JSON.stringify(recordOf(row))}\n`).join('')
}

/** Throws `bad-file`. Empty lines are passed over; other columns are kept. */
export function readJsonLines(bytes: Uint8Array, name: string): CaptionRow[] {
  return textOf(bytes, name)
    .split(/\r?\n/)
    .flatMap((line, i) => {
      if (line.trim() === '') return []
      return [rowOf(parseJson(line), name, `line ${i + 1}`)]
    })
}

/** As it stands in JSON: names of ImageFolder first, then what else there is. */
export function recordOf({ file, text, fields }: CaptionRow): Record<string, unknown> {
  return { file_name: file, text, ...fields }
}

export function rowOf(value: unknown, name: string, where: string): CaptionRow {
  if (!isRecord(value)) throw damagedTable(name, `${where} is no object`)
  const { file_name: file, text = '', ...fields } = value
  if (typeof file !== 'string' || file === '') throw damagedTable(name, `${where} has no file_name`)
  if (typeof text !== 'string') throw damagedTable(name, `the text in ${where} is none`)
  return { file, text, fields }
}
