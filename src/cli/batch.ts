/** Captions for a folder of pictures: goes on where an earlier run was ended, whatever ended it. Runs in the model's thread. */
import { isInShard } from '../studio/shard.ts'
import { sidecarNames, type SidecarNames } from '../studio/sidecar-names.ts'
import { isTable } from '../studio/formats/formats.ts'
import type { Failed, Outcome, RunHead, RunSoFar } from '../studio/journal.ts'
import { tried, Work, type BatchRequest } from './batch-work.ts'
import { openCaptionFiles } from './caption-files.ts'
import { decodingSettings } from './decoding-flags.ts'
import { openPackFolder } from './files.ts'
import { findPictures } from './find-pictures.ts'
import { fromHere } from './from-here.ts'
import { earlierRun, RunJournal } from './run-journal.ts'
import type { Run } from './talk.ts'

interface BatchSummary {
  captioned: number
  /** Had a caption, which stayed. */
  kept: number
  failed: number
  left_aside: number
  /** Done by the earlier run that this one went on with, among the above. */
  done_before: number
  pictures_per_minute: number
}

/** Gives how many pictures have no caption because something failed, those of the run that it goes on with included. */
export async function batch(request: BatchRequest, run: Run): Promise<number> {
  const { folder, flags } = request
  const { paths, leftAside } = await findPictures(folder, { recursive: flags.recursive ?? false })
  const names = sidecarNames(paths)
  const head = headOf(request, await modelNameIn(request.pack))
  const found = await earlierRun(request.journal)
  const unfinished = found?.finished === false ? found : null
  const earlier = unfinished?.head.key === head.key ? unfinished : null
  const unwritten = unfinished && (await settle(unfinished, request, { goesOn: earlier !== null, names }))
  if (unfinished !== null && earlier === null)
    run.remark('pictalk: an earlier run with other settings was not finished; what it wrote stays.')
  // Only now: what the earlier run left may stand in them.
  const files = await openCaptionFiles(folder, head.format, { ...head, names, shard: flags.shard })
  if (names.twins > 0 && !isTable(head.format))
    run.remark(
      `pictalk: ${names.twins} pictures are called as another one but for the ending; theirs are called photo.png.${head.format}, by the whole name.`,
    )
  const journal = await RunJournal.open(request.journal, head, earlier)
  const outcomes = new Map(earlier?.outcomes)
  const work = new Work(request, run, files, journal, outcomes)
  try {
    if (earlier !== null && unwritten !== null) await work.fail(unwritten)
    await work.all(paths.filter((path) => isInShard(path, flags.shard))).catch(async (error: unknown) => {
      // What was done so far is whole and stands in the log; a table shows it, too.
      if (countOf(outcomes, 'captioned') > 0) await files.finish(outcomes.values())
      throw error
    })
    await files.finish(outcomes.values())
    await journal.finish()
  } finally {
    await work.dispose()
    await journal.close()
  }
  return summarise(outcomes, leftAside, work, request, run)
}

/** What tables call the model: its name and precision, or where it lies if it cannot be opened, which is said when it is needed. */
async function modelNameIn(pack: string): Promise<string> {
  try {
    const { name, precision } = (await openPackFolder(fromHere(pack))).manifest
    return `${name}, ${precision}`
  } catch {
    return pack
  }
}

function headOf({ pack, flags }: BatchRequest, model: string): RunHead {
  const { prompt, alpha, format, existing, trigger, prefix, suffix, shard, recursive = false } = flags
  const dress = { trigger, prefix, suffix }
  const settings = decodingSettings(flags)
  return {
    key: JSON.stringify({ pack, prompt, alpha, settings, format, existing, dress, shard, recursive }),
    startedAt: Date.now(),
    format,
    bom: flags.bom ?? false,
    columns: { model, settings: JSON.stringify(settings) },
  }
}

/**
 * Looks after what a run that was ended has left, in its own files: the last caption, whose line was written before its
 * sidecar, and, where nobody goes on with it, its table. A caption that is neither what was there nor what was to be has
 * been changed by somebody since, and stays. Gives the failure where the last caption cannot be written now either.
 */
async function settle(
  { head, last, outcomes }: RunSoFar,
  { folder, flags }: BatchRequest,
  { goesOn, names }: { goesOn: boolean; names: SidecarNames },
): Promise<Failed | null> {
  const files = await openCaptionFiles(folder, head.format, { ...head, names, shard: flags.shard })
  const settled =
    last &&
    (await tried(last.path, async () => {
      if ((await files.existing(last.path)) === last.before) await files.keep(last)
      return null
    }))
  if (!goesOn && countOf(outcomes, 'captioned') > 0) await files.finish(outcomes.values())
  return settled
}

function countOf(outcomes: ReadonlyMap<string, Outcome>, kind: Outcome['kind']): number {
  return [...outcomes.values()].filter((outcome) => outcome.kind === kind).length
}

function summarise(
  outcomes: ReadonlyMap<string, Outcome>,
  leftAside: number,
  work: Work,
  { flags }: BatchRequest,
  run: Run,
): number {
  const summary: BatchSummary = {
    captioned: countOf(outcomes, 'captioned'),
    kept: countOf(outcomes, 'kept'),
    failed: countOf(outcomes, 'failed'),
    left_aside: leftAside,
    done_before: work.doneBefore,
    pictures_per_minute: Math.round(work.perMinute),
  }
  if (flags.json === true) run.print(JSON.stringify({ summary }))
  const { captioned, kept, failed, done_before: before, pictures_per_minute: pace } = summary
  run.remark(
    `pictalk: ${captioned} captioned (${before} pictures were done by an earlier run), ${kept} kept as they were, ${failed} failed; ${leftAside} other files left aside; ${pace} pictures a minute.`,
  )
  return failed
}
