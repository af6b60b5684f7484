/** Which formats captions are written in beside pictures, and what the file of each is called. */
import { stemOf } from '../picture-files.ts'
import { shardName, type Shard } from '../shard.ts'
import { readCsv, writeCsv } from './csv.ts'
import { readJsonLines, writeJsonLines } from './image-folder.ts'
import { readJson, writeJson } from './json.ts'
import { readKohya, writeKohya } from './kohya.ts'
import type { CaptionRow } from './row.ts'
import type { SidecarEnding } from './sidecar.ts'

/** One file for all pictures of a folder. */
export const TABLES = {
  jsonl: { name: 'metadata', ending: 'jsonl', read: readJsonLines, write: writeJsonLines },
  csv: { name: 'metadata', ending: 'csv', read: readCsv, write: writeCsv },
  json: { name: 'captions', ending: 'json', read: readJson, write: writeJson },
  kohya: { name: 'meta_cap', ending: 'json', read: readKohya, write: writeKohya },
} as const satisfies Record<
  string,
  {
    name: string
    ending: string
    read: (bytes: Uint8Array, name: string) => CaptionRow[]
    write: (rows: readonly CaptionRow[], options?: { bom?: boolean }) => string
  }
>

export type TableFormat = keyof typeof TABLES
export const FORMATS = ['txt', 'caption', 'xmp', 'jsonl', 'csv', 'json', 'kohya'] as const
export type Format = SidecarEnding | TableFormat

export function isTable(format: Format): format is TableFormat {
  return Object.hasOwn(TABLES, format)
}

/** What a table calls a picture. */
export function rowName(format: TableFormat, path: string): string {
  return format === 'kohya' ? stemOf(path) : path
}

/** `metadata.jsonl`; of a share of the pictures `metadata.3-of-16.jsonl`. */
export function tableName(format: TableFormat, shard: Shard): string {
  const { name, ending } = TABLES[format]
  return [name, shardName(shard), ending].filter((part) => part !== '').join('.')
}

/** The share of which `name` is the table; null for other files. */
export function shardOfTable(format: TableFormat, name: string): Shard | null {
  const { name: base, ending } = TABLES[format]
  const [, number, of] = new RegExp(`^${base}\\.(\\d{1,6})-of-(\\d{1,6})\\.${ending}$`).exec(name) ?? []
  return number === undefined ? null : { number: Number(number), of: Number(of) }
}
