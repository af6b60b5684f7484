/** Captions as one JSON text: a list of objects, fields named as in the other tables. */
import { exactJson, parseExactJson } from './exact-json.ts'
import { recordOf, rowOf } from './image-folder.ts'
import { damagedTable, textOf, type CaptionRow } from './row.ts'

export function writeJson(rows: readonly CaptionRow[]): string {
  return `${exactJson(rows.map(recordOf), 1)}\n`
}

/** Throws `bad-file`. */
export function readJson(bytes: Uint8Array, name: string): CaptionRow[] {
  const value = parsedJson(bytes, name)
  if (!Array.isArray(value)) throw damagedTable(name, 'it is no list')
  return value.map((entry, i) => rowOf(entry, name, `entry ${i + 1}`))
}

/** Throws `bad-file` for what is no JSON. */
export function parsedJson(bytes: Uint8Array, name: string): unknown {
  const text = textOf(bytes, name)
  try {
    return parseExactJson(text)
  } catch {
    throw damagedTable(name, 'it is no JSON')
  }
}
