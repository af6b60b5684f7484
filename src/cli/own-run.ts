/**
 * Who writes captions into a folder. A run over all of it has one owner, and so has each share of it; shares of one
 * division may be at work at once, since no picture and no table is of two, but no other run beside them.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../pack/failure.ts'
import { shardName, type Shard } from '../studio/shard.ts'
import { removeEmpty, removeFile } from './durable.ts'
import { owningFolder } from './folder-lock.ts'
import { statFolder } from './stat-folder.ts'

/** Hidden, and gone once a run is through. */
const RUNS = '.pictalk'
const ALL = 'all'

/**
 * Runs `work` as the only one who writes this share of the captions. Gives it the path of the run's log, which is deleted
 * when the work is done, and stays when it failed. Throws `busy`, and `bad-usage` for what is no folder.
 */
export async function owningRun<T>(
  folder: string,
  shard: Shard,
  work: (journal: string) => Promise<T>,
): Promise<T> {
  await statFolder(folder)
  const runs = join(folder, RUNS)
  const name = shardName(shard)
  const own = join(runs, name === '' ? ALL : name)
  try {
    return await owningFolder(own, async () => {
      await refuseOthers(runs, shard)
      const journal = join(own, 'journal.jsonl')
      const result = await work(journal)
      await removeFile(journal)
      return result
    })
  } finally {
    await removeEmpty([runs, own])
  }
}

/** We have put down our claim already, so of two that come at once at least one sees the other. */
async function refuseOthers(runs: string, shard: Shard): Promise<void> {
  const sameDivision = new RegExp(`^\\d+-of-${shard.of}$`)
  for (const entry of await readdir(runs, { withFileTypes: true })) {
    const beside = shard.of === 1 ? entry.name === ALL : sameDivision.test(entry.name)
    if (beside || !entry.isDirectory()) continue
    await owningFolder(join(runs, entry.name), async () => {
      const left = await readdir(join(runs, entry.name))
      if (!left.includes('journal.jsonl')) return
      const which = entry.name === ALL ? 'all pictures' : `the share ${entry.name.replace('-of-', '/')}`
      throw new AppError(
        'busy',
        `A run over ${which} of this folder was not finished; finish it first, or delete ${join(runs, entry.name)}.`,
      )
    })
  }
}
