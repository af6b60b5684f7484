/** The pictures of a run over a folder, one after the other: what becomes of each, and that it is logged before it is done. */
import { join } from 'node:path'
import { assertWrites } from '../pack/empty-answer.ts'
import { AppError, toFailure, throwIfCancelled } from '../pack/failure.ts'
import type { TalkingModel } from '../runtime/models/model.ts'
import { combined, dressed, isWanted, type Dress, type Existing } from '../studio/compose.ts'
import type { Format } from '../studio/formats/formats.ts'
import type { Captioned, Failed, Outcome } from '../studio/journal.ts'
import type { Shard } from '../studio/shard.ts'
import type { CaptionFiles } from './caption-files.ts'
import type { RunJournal } from './run-journal.ts'
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

/**
 * One bad picture must not cost the others: what goes wrong is its outcome. Throws when the run was cancelled, and when
 * the disk is full, which is no picture's fault.
 */
export async function tried<T>(path: string, attempt: () => Promise<T>): Promise<T | Failed> {
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

export class Work {
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
    for (const [i, path] of paths.entries()) {
      throwIfCancelled(this.#run.signal)
      if (this.#outcomes.has(path)) {
        this.doneBefore += 1
        continue
      }
      const outcome = await this.#outcomeOf(path)
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

  async #outcomeOf(path: string): Promise<Outcome> {
    const { flags } = this.#request
    const outcome = await tried<Outcome | Wanted>(path, async () => {
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
