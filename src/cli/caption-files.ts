/** Where a run's captions are read from and written to: a sidecar beside each picture, or one table for the folder. */
import { join } from 'node:path'
import {
  isTable,
  rowName,
  tableName,
  TABLES,
  type Format,
  type TableFormat,
} from '../studio/formats/formats.ts'
import { firstTexts, mergedRows, type CaptionRow } from '../studio/formats/row.ts'
import { readSidecar, sameCaptionFile, writeSidecar, type SidecarEnding } from '../studio/formats/sidecar.ts'
import { MACHINE_MADE, readXmp, writeXmp } from '../studio/formats/xmp.ts'
import type { Captioned, Outcome } from '../studio/journal.ts'
import { comparePaths } from '../studio/picture-files.ts'
import { WHOLE, type Shard } from '../studio/shard.ts'
import type { SidecarNames } from '../studio/sidecar-names.ts'
import { replaceFile } from './durable.ts'
import { readIfThere } from './files.ts'

export interface CaptionFiles {
  /** The caption that a picture has; '' for none. Throws `bad-file`. */
  existing(path: string): Promise<string>
  /** Puts a caption where it belongs, if it has a file of its own. */
  keep(captioned: Captioned): Promise<void>
  /** Puts all captions of a run where they belong, if they have one file together. */
  finish(outcomes: Iterable<Outcome>): Promise<void>
}

export interface TableOptions {
  /** Of all pictures of the folder. */
  names: SidecarNames
  shard: Shard
  bom: boolean
  /** What stands beside each caption of this run, by the names of columns. */
  columns: Readonly<Record<string, string>>
}

export async function openCaptionFiles(
  folder: string,
  format: Format,
  options: TableOptions,
): Promise<CaptionFiles> {
  return isTable(format) ? openTable(folder, format, options) : sidecars(folder, format, options.names)
}

function sidecars(folder: string, ending: SidecarEnding, names: SidecarNames): CaptionFiles {
  const found = async (path: string): Promise<{ name: string; text: string }> => {
    const [own, ...others] = names.of(path).map((name) => `${name}.${ending}`)
    if (own === undefined) throw sameCaptionFile(path, names.ownerOf(path))
    for (const name of [own, ...others]) {
      const bytes = await readIfThere(join(folder, name))
      if (bytes !== undefined) return { name, text: readSidecar(bytes, name) }
    }
    return { name: own, text: '' }
  }
  return {
    async existing(path) {
      const { text } = await found(path)
      return ending === 'xmp' && text !== '' ? readXmp(text).description : text
    },
    async keep({ path, text }) {
      const there = await found(path)
      const content =
        ending === 'xmp'
          ? writeXmp({ description: text, writer: MACHINE_MADE }, there.text || undefined)
          : writeSidecar(text)
      await replaceFile(join(folder, there.name), new TextEncoder().encode(content))
    },
    finish: () => Promise.resolve(),
  }
}

async function openTable(
  folder: string,
  format: TableFormat,
  { names, shard, bom, columns }: TableOptions,
): Promise<CaptionFiles> {
  const own = await readTable(folder, format, shard)
  // A share has a table of its own; captions from before may stand in that of the whole folder.
  const whole = shard.of === 1 ? [] : await readTable(folder, format, WHOLE)
  const texts = firstTexts([...own, ...whole])
  return {
    existing(path) {
      const owner = names.ownerOf(path)
      if (format === 'kohya' && owner !== path) return Promise.reject(sameCaptionFile(path, owner))
      return Promise.resolve((texts.get(rowName(format, path)) ?? '').trim())
    },
    keep: () => Promise.resolve(),
    async finish(outcomes) {
      const fresh: CaptionRow[] = []
      for (const outcome of outcomes)
        if (outcome.kind === 'captioned')
          fresh.push({
            file: rowName(format, outcome.path),
            text: outcome.text,
            fields: fieldsOf(format, outcome, columns),
          })
      await writeTable(folder, format, shard, mergedRows(own, fresh, comparePaths), { bom })
    },
  }
}

/** Only tables of ours say more than the caption: those of others have columns that mean something to who reads them. */
function fieldsOf(
  format: TableFormat,
  { score, text, before }: Captioned,
  columns: TableOptions['columns'],
): Record<string, unknown> {
  if (format === 'jsonl' || format === 'kohya') return {}
  // A person's words that are still in it were edited as the table says; a model's own were not.
  const isAllNew = before === '' || !text.includes(before)
  return { score, ...columns, ...(isAllNew && { edited: false }) }
}

export async function readTable(folder: string, format: TableFormat, shard: Shard): Promise<CaptionRow[]> {
  const name = tableName(format, shard)
  const bytes = await readIfThere(join(folder, name))
  return bytes === undefined ? [] : TABLES[format].read(bytes, name)
}

export async function writeTable(
  folder: string,
  format: TableFormat,
  shard: Shard,
  rows: readonly CaptionRow[],
  { bom }: { bom: boolean },
): Promise<void> {
  const text = TABLES[format].write(rows, { bom })
  await replaceFile(join(folder, tableName(format, shard)), new TextEncoder().encode(text))
}
