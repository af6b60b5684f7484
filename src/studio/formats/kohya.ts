/**
 * kohya's `meta_cap.json`: an object from each picture's key to what is known of it, its caption among that. A key is
 * the picture's path below the folder without its ending (`merge_captions_to_metadata.py`, without `--full_path`).
 */
import { isRecord } from '../../pack/json.ts'
import { exactJson } from './exact-json.ts'
import { parsedJson } from './json.ts'
import { damagedTable, type CaptionRow } from './row.ts'

/** Rows under their keys. Of each only its caption is written, and what the file itself had (`tags`, `train_resolution`). */
export function writeKohya(rows: readonly CaptionRow[]): string {
  const entries = rows.map(({ file, text, fields }) => [file, { ...fields, caption: text }] as const)
  return `${exactJson(Object.fromEntries(entries), 2)}\n`
}

/** Rows under their keys: a key does not say how the picture's name ends. Throws `bad-file`. */
export function readKohya(bytes: Uint8Array, name: string): CaptionRow[] {
  const value = parsedJson(bytes, name)
  if (!isRecord(value)) throw damagedTable(name, 'it is no object')
  return Object.entries(value).map(([key, entry]) => {
    if (!isRecord(entry)) throw damagedTable(name, `"${key}" is no object`)
    const { caption = '', ...fields } = entry
    if (typeof caption !== 'string') throw damagedTable(name, `the caption of "${key}" is no text`)
    return { file: key, text: caption, fields }
  })
}
