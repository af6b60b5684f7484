/** One table of captions out of those that shares of a folder's pictures wrote. */
import { readdir } from 'node:fs/promises'
import { AppError } from '../pack/failure.ts'
import { shardOfTable, tableName, type TableFormat } from '../studio/formats/formats.ts'
import { mergedRows, type CaptionRow } from '../studio/formats/row.ts'
import { comparePaths } from '../studio/picture-files.ts'
import { WHOLE } from '../studio/shard.ts'
import { readTable, writeTable } from './caption-files.ts'
import { removeFile } from './durable.ts'
import { join } from 'node:path'

export interface Joined {
  table: string
  shards: number
  rows: number
}

/**
 * Puts the rows of all shares into the folder's table, over those that it has, and deletes the shares' tables once that
 * is on the disk. Throws `not-found` when a share is missing, and `bad-file` when shares contradict each other.
 */
export async function joinShards(
  folder: string,
  format: TableFormat,
  { bom }: { bom: boolean },
): Promise<Joined> {
  const names = await readdir(folder)
  const shards = names.flatMap((name) => shardOfTable(format, name) ?? []).sort((a, b) => a.number - b.number)
  const [first] = shards
  const table = tableName(format, WHOLE)
  if (first === undefined)
    throw new AppError(
      'not-found',
      `There are no shares of ${table} in this folder; run batch with --shard first.`,
    )
  const { of } = first
  if (shards.some((shard) => shard.of !== of))
    throw new AppError('bad-file', `The shares of ${table} are of several divisions; leave those of one.`)
  const missing = Array.from({ length: of }, (_, i) => i + 1).find(
    (number) => !shards.some((shard) => shard.number === number),
  )
  if (missing !== undefined)
    throw new AppError('not-found', `The share ${missing}/${of} of ${table} is missing; run it first.`)
  const fresh: CaptionRow[] = []
  const seen = new Set<string>()
  for (const shard of shards) {
    for (const row of await readTable(folder, format, shard)) {
      if (seen.has(row.file))
        throw new AppError('bad-file', `Two shares have a caption of ${row.file}; delete one of them.`)
      seen.add(row.file)
      fresh.push(row)
    }
  }
  const rows = mergedRows(await readTable(folder, format, WHOLE), fresh, comparePaths)
  await writeTable(folder, format, WHOLE, rows, { bom })
  for (const shard of shards) await removeFile(join(folder, tableName(format, shard)))
  return { table, shards: shards.length, rows: rows.length }
}
