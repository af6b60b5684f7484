/** Captions for a folder of pictures: goes on where an earlier run was ended, whatever ended it. Runs in the model's thread. */
import { join } from 'node:path'
import { assertWrites } from '../pack/empty-answer.ts'
import { AppError, toFailure, throwIfCancelled } from '../pack/failure.ts'
import type { TalkingModel } from '../runtime/models/model.ts'
import { combined, dressed, isWanted, type Dress, type Existing } from '../studio/compose.ts'
import type { Format } from '../studio/formats/formats.ts'
import type { Captioned, Failed, Outcome, RunHead, RunSoFar } from '../studio/journal.ts'
import { sameCaptionFile } from '../studio/formats/sidecar.ts'
import { stemOf } from '../studio/picture-files.ts'
import { isInShard, type Shard } from '../studio/shard.ts'
import { openCaptionFiles, sharesStems, type CaptionFiles } from './caption-files.ts'
import { decodingSettings } from './decoding-flags.ts'
import { openPackFolder } from './files.ts'
import { findPictures } from './find-pictures.ts'
import { fromHere } from './from-here.ts'
import { earlierRun, RunJournal } from './run-journal.ts'
import { sentenceOf } from './sentence.ts'
import { captionOne, load, wordless, type AnswerFlags, type Run } from './talk.ts'

export interface BatchFlags extends AnswerFlags, Dress {
  recursive?: boolean
  format: Format
  existing: Existing
  shard: Shard
  bom?: boolean
  json?: boolean
}

export interface BatchRequest {
  pack: string
  /** Whole paths. */
  folder: string
  journal: string
  flags: BatchFlags
}

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
  const head = headOf(request, await modelNameIn(request.pack))
  const found = await earlierRun(request.journal)
  const unfinished = found?.finished === false ? found : null
  const earlier = unfinished?.head.key === head.key ? unfinished : null
  const unwritten = unfinished && (await settle(unfinished, request, { goesOn: earlier !== null }))
  if (unfinished !== null && earlier === null)
    run.remark('pictalk: an earlier run with other settings was not finished; what it wrote stays.')
  // Only now: what the earlier run left may stand in them.
  const files = await openCaptionFiles(folder, head.format, { ...head, shard: flags.shard })
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
  { goesOn }: { goesOn: boolean },
): Promise<Failed | null> {
  const files = await openCaptionFiles(folder, head.format, { ...head, shard: flags.shard })
  const settled =
    last &&
    (await tried(last.path, async () => {
      if ((await files.existing(last.path)) === last.before) await files.keep(last)
      return null
    }))
  if (!goesOn && countOf(outcomes, 'captioned') > 0) await files.finish(outcomes.values())
  return settled
}

/**
 * One bad picture must not cost the others: what goes wrong is its outcome. Throws when the run was cancelled, and when
 * the disk is full, which is no picture's fault.
 */
async function tried<T>(path: string, attempt: () => Promise<T>): Promise<T | Failed> {
  try {
    return await attempt()
  } catch (error) {
    const failure = toFailure(error)
    if (failure.code === 'cancelled' || failure.code === 'no-space') throw error
    return { kind: 'failed', path, failure }
  }
}

/** A picture that is to be captioned, and the caption that it has. */
interface Wanted {
  kind: 'wanted'
  before: string
}

class Work {
  readonly #request: BatchRequest
  readonly #run: Run
  readonly #files: CaptionFiles
  readonly #journal: RunJournal
  readonly #outcomes: Map<string, Outcome>
  #model: TalkingModel | null = null
  /** Pictures that the model has captioned in this run, and since when. */
  written = 0
  doneBefore = 0
  #startedAt = performance.now()

  constructor(
    request: BatchRequest,
    run: Run,
    files: CaptionFiles,
    journal: RunJournal,
    outcomes: Map<string, Outcome>,
  ) {
    this.#request = request
    this.#run = run
    this.#files = files
    this.#journal = journal
    this.#outcomes = outcomes
  }

  get perMinute(): number {
    return (60_000 * this.written) / Math.max(1, performance.now() - this.#startedAt)
  }

  async all(paths: readonly string[]): Promise<void> {
    const owners = new Map<string, string>()
    for (const [i, path] of paths.entries()) {
      throwIfCancelled(this.#run.signal)
      const owner = owners.get(stemOf(path))
      if (owner === undefined) owners.set(stemOf(path), path)
      if (this.#outcomes.has(path)) {
        this.doneBefore += 1
        continue
      }
      const twin = sharesStems(this.#request.flags.format) ? owner : undefined
      const outcome = await this.#outcomeOf(path, twin)
      this.#outcomes.set(path, outcome)
      this.#tell(outcome, i + 1, paths.length)
    }
  }

  /** Puts a failure in the place of what the log says of a picture. */
  async fail(failed: Failed): Promise<void> {
    await this.#journal.add(failed)
    this.#outcomes.set(failed.path, failed)
    this.#run.remark(sentenceOfFailed(failed))
  }

  async dispose(): Promise<void> {
    await this.#model?.dispose()
  }

  async #outcomeOf(path: string, twin: string | undefined): Promise<Outcome> {
    const { flags } = this.#request
    const outcome = await tried<Outcome | Wanted>(path, async () => {
      if (twin !== undefined) throw sameCaptionFile(path, twin)
      const before = await this.#files.existing(path)
      return isWanted(before, flags.existing)
        ? { kind: 'wanted', before }
        : { kind: 'kept', path, text: before }
    })
    if (outcome.kind !== 'wanted') return this.#logged(outcome)
    const model = await this.#loaded()
    return this.#logged(await tried(path, () => this.#caption(model, path, outcome.before)))
  }

  async #logged(outcome: Outcome): Promise<Outcome> {
    await this.#journal.add(outcome)
    if (outcome.kind !== 'captioned') return outcome
    const kept = await tried<Outcome>(outcome.path, async () => {
      await this.#files.keep(outcome)
      return outcome
    })
    if (kept.kind === 'failed') await this.#journal.add(kept)
    return kept
  }

  /** The model is opened for the first picture that needs it; that it cannot be is no picture's fault. */
  async #loaded(): Promise<TalkingModel> {
    if (this.#model === null) {
      const { pack, flags } = this.#request
      this.#model = await load(pack, flags, this.#run)
      assertWrites(this.#model.manifest)
      // A prompt that the model cannot take is no picture's fault either.
      this.#model.talk.promptIds(flags.prompt)
      this.#startedAt = performance.now()
    }
    return this.#model
  }

  async #caption(model: TalkingModel, path: string, before: string): Promise<Captioned> {
    const { folder, flags } = this.#request
    const said = await captionOne(model, join(folder, path), flags, this.#run)
    if (said.text === '') throw wordless(said.token_ids, said.finish)
    this.written += 1
    const text = combined(before, dressed(said.text, flags), flags.existing)
    return { kind: 'captioned', path, before, text, score: said.answers[0]?.score ?? null }
  }

  #tell(outcome: Outcome, done: number, total: number): void {
    if (this.#request.flags.json === true) this.#run.print(JSON.stringify(outcome))
    const minutes = Math.ceil((total - done) / Math.max(this.perMinute, 0.01))
    const pace = this.written === 0 ? '' : `, ${Math.round(this.perMinute)} a minute, ${minutes} min left`
    const at = `[${done}/${total}${pace}]`
    if (outcome.kind === 'failed') {
      this.#run.remark(`${at} ${sentenceOfFailed(outcome)}`)
      return
    }
    const kept = outcome.kind === 'kept' ? ' (kept)' : ''
    this.#run.remark(`${at} ${outcome.path}: ${outcome.text}${kept}`)
  }
}

function sentenceOfFailed({ path, failure: { code, message } }: Failed): string {
  return sentenceOf(new AppError(code, message), path)
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
