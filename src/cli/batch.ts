/** Captions for a folder of pictures: goes on where an earlier run was ended, whatever ended it. Runs in the model's thread. */
import { join } from 'node:path'
import { assertWrites } from '../pack/empty-answer.ts'
import { AppError, toFailure, throwIfCancelled } from '../pack/failure.ts'
import type { TalkingModel } from '../runtime/models/model.ts'
import { combined, dressed, isWanted, type Dress, type Existing } from '../studio/compose.ts'
import type { Format } from '../studio/formats/formats.ts'
import type { Captioned, Failed, Outcome, RunSoFar } from '../studio/journal.ts'
import { stemOf } from '../studio/picture-files.ts'
import { isInShard, type Shard } from '../studio/shard.ts'
import { openCaptionFiles, sharesStems, type CaptionFiles } from './caption-files.ts'
import { decodingSettings } from './decoding-flags.ts'
import { findPictures } from './find-pictures.ts'
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

export interface BatchSummary {
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
  const files = await openCaptionFiles(folder, flags.format, {
    shard: flags.shard,
    bom: flags.bom ?? false,
    columns: { model: request.pack, settings: JSON.stringify(decodingSettings(flags)) },
  })
  const key = keyOf(request)
  const found = await earlierRun(request.journal)
  const earlier = found?.finished === false && found.head.key === key ? found : null
  if (found !== null && !found.finished) {
    if (found.last !== null) await settle(found.last, files)
    if (earlier === null) {
      await leaveBehind(found, files)
      run.remark('pictalk: an earlier run with other settings was not finished; what it wrote stays.')
    }
  }
  const journal = await RunJournal.open(request.journal, key, earlier)
  const outcomes = new Map(earlier?.outcomes)
  const work = new Work(request, run, files, journal, outcomes)
  try {
    await work.all(paths.filter((path) => isInShard(path, flags.shard)))
    await files.finish(outcomes.values())
    await journal.finish()
  } catch (error) {
    // What was done so far is whole and stands in the log; a table shows it, too.
    await files.finish(outcomes.values())
    throw error
  } finally {
    await work.dispose()
    await journal.close()
  }
  return summarise(outcomes, leftAside, work, request, run)
}

/** What decides what is written, as one text. */
function keyOf({ pack, flags }: BatchRequest): string {
  const { prompt, alpha, format, existing, trigger, prefix, suffix, shard, recursive = false } = flags
  const dress = { trigger, prefix, suffix }
  const settings = decodingSettings(flags)
  return JSON.stringify({ pack, prompt, alpha, settings, format, existing, dress, shard, recursive })
}

/**
 * Looks after the last caption of a run that was ended: its line was written before its sidecar. One that is neither what
 * was there nor what was to be has been changed by somebody since, and stays.
 */
async function settle(last: Captioned, files: CaptionFiles): Promise<void> {
  if ((await files.existing(last.path)) === last.before) await files.keep(last)
}

async function leaveBehind({ outcomes }: RunSoFar, files: CaptionFiles): Promise<void> {
  await files.finish(outcomes.values())
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

  async dispose(): Promise<void> {
    await this.#model?.dispose()
  }

  async #outcomeOf(path: string, twin: string | undefined): Promise<Outcome> {
    const { flags } = this.#request
    const outcome = await this.#tried<Outcome | Wanted>(path, async () => {
      if (twin !== undefined) throw sameCaptionFile(path, twin)
      const before = await this.#files.existing(path)
      return isWanted(before, flags.existing)
        ? { kind: 'wanted', before }
        : { kind: 'kept', path, text: before }
    })
    if (outcome.kind !== 'wanted') return this.#logged(outcome)
    const model = await this.#loaded()
    return this.#logged(await this.#tried(path, () => this.#caption(model, path, outcome.before)))
  }

  /** One bad picture must not cost the others: what goes wrong is its outcome. */
  async #tried<T>(path: string, attempt: () => Promise<T>): Promise<T | Failed> {
    try {
      return await attempt()
    } catch (error) {
      const failure = toFailure(error)
      if (failure.code === 'cancelled') throw error
      return { kind: 'failed', path, failure }
    }
  }

  async #logged(outcome: Outcome): Promise<Outcome> {
    await this.#journal.add(outcome)
    if (outcome.kind === 'captioned') await this.#files.keep(outcome)
    return outcome
  }

  /** The model is opened for the first picture that needs it; that it cannot be is no picture's fault. */
  async #loaded(): Promise<TalkingModel> {
    if (this.#model === null) {
      const { pack, flags } = this.#request
      this.#model = await load(pack, this.#run)
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
      this.#run.remark(
        `${at} ${sentenceOf(new AppError(outcome.failure.code, outcome.failure.message), outcome.path)}`,
      )
      return
    }
    const kept = outcome.kind === 'kept' ? ' (kept)' : ''
    this.#run.remark(`${at} ${outcome.path}: ${outcome.text}${kept}`)
  }
}

function sameCaptionFile(path: string, twin: string): AppError {
  return new AppError(
    'bad-usage',
    `Its caption would take the place of that of ${twin} (both are ${stemOf(path)}); rename one of the two.`,
  )
}

function summarise(
  outcomes: ReadonlyMap<string, Outcome>,
  leftAside: number,
  work: Work,
  { flags }: BatchRequest,
  run: Run,
): number {
  const count = (kind: Outcome['kind']): number =>
    [...outcomes.values()].filter((outcome) => outcome.kind === kind).length
  const summary: BatchSummary = {
    captioned: count('captioned'),
    kept: count('kept'),
    failed: count('failed'),
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
