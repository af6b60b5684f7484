/**
 * The pictures of a run over a folder: several are captioned at once, and what becomes of them is logged one by one in their
 * order, each before it is done.
 */
import { basename, join } from 'node:path'
import { assertWrites } from '../pack/empty-answer.ts'
import { AppError, toFailure, throwIfCancelled } from '../pack/failure.ts'
import { inLanes } from '../pack/lanes.ts'
import { CAPTIONS_TOGETHER } from '../protocol/engine-calls.ts'
import { combined, dressed, isWanted, type Dress, type Existing } from '../studio/compose.ts'
import type { Format } from '../studio/formats/formats.ts'
import type { Failed, Outcome } from '../studio/journal.ts'
import { filledDress, filledIn, type Particulars } from '../studio/placeholders.ts'
import type { Shard } from '../studio/shard.ts'
import type { CaptionFiles } from './caption-files.ts'
import { CaptionsTogether } from './captions-together.ts'
import type { RunJournal } from './run-journal.ts'
import { sentenceOf } from './sentence.ts'
import { load, wordless, type AnswerFlags, type Run } from './talk.ts'

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

/** A picture that wants a caption, with the one that it has. */
interface Wanted {
  kind: 'wanted'
  path: string
  text: string
}

/** What the model said of a picture that wants a caption. */
interface Said {
  kind: 'said'
  path: string
  text: string
  score: number | null
}

/** So many captions at most wait for one before them to be logged; a kill costs no more than these. */
const MOST_AHEAD = 2 * CAPTIONS_TOGETHER

export class Work {
  readonly #request: BatchRequest
  readonly #run: Run
  readonly #files: CaptionFiles
  readonly #journal: RunJournal
  readonly #outcomes: Map<string, Outcome>
  /** Opened for the first picture that needs it. */
  #captions: Promise<CaptionsTogether> | null = null
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
    const due = paths.flatMap((path, i) => (this.#outcomes.has(path) ? [] : { path, number: i + 1 }))
    this.doneBefore = paths.length - due.length
    const settled: Promise<void>[] = []
    const lanes = { lanes: CAPTIONS_TOGETHER, signal: this.#run.signal }
    try {
      await inLanes(due, lanes, async ({ path, number }) => {
        const at = settled.length
        const attempt = this.#attempt(path, settled[at - MOST_AHEAD])
        const next = (settled[at - 1] ?? Promise.resolve()).then(async () => {
          const outcome = await this.#settle(await attempt)
          this.#outcomes.set(path, outcome)
          this.#tell(outcome, number, paths.length)
        })
        settled.push(next)
        // Whatever it is, the last one has it, too.
        next.catch(() => undefined)
        await attempt
      })
    } finally {
      // Whatever ended it, what is being logged is logged whole.
      await settled.at(-1)?.catch(() => undefined)
    }
    await settled.at(-1)
    throwIfCancelled(this.#run.signal)
  }

  /** Puts a failure in the place of what the log says of a picture. */
  async fail(failed: Failed): Promise<void> {
    await this.#journal.add(failed)
    this.#outcomes.set(failed.path, failed)
    this.#run.remark(sentenceOfFailed(failed))
  }

  async dispose(): Promise<void> {
    const captions = await this.#captions?.catch(() => null)
    await captions?.dispose()
  }

  /** What the model says, if it is asked at all. That it cannot be opened is no picture's fault. */
  async #attempt(path: string, after: Promise<void> = Promise.resolve()): Promise<Outcome | Said> {
    await after
    const known = await tried<Outcome | Wanted>(path, async () => {
      const before = await this.#files.existing(path)
      return { kind: this.#isWanted(before) ? 'wanted' : 'kept', path, text: before }
    })
    if (known.kind !== 'wanted') return known
    const captions = await (this.#captions ??= this.#open())
    return tried<Outcome | Said>(path, async () => {
      const { folder, flags } = this.#request
      const prompt = filledIn(flags.prompt, this.#particulars(path, known.text))
      const said = await captions.of(join(folder, path), prompt)
      if (said.text === '') throw wordless(said.tokenIds, said.finish ?? 'limit')
      return { kind: 'said', path, text: said.text, score: said.answers[0]?.score ?? null }
    })
  }

  #particulars(path: string, caption: string): Particulars {
    return { path, root: basename(this.#request.folder), caption }
  }

  #isWanted(before: string): boolean {
    return isWanted(before, this.#request.flags.existing)
  }

  async #settle(attempted: Outcome | Said): Promise<Outcome> {
    throwIfCancelled(this.#run.signal)
    if (attempted.kind !== 'said') return this.#logged(attempted)
    this.written += 1
    return this.#logged(await tried(attempted.path, () => this.#composed(attempted)))
  }

  /** With what the picture has by now: somebody may have written while the model did. */
  async #composed({ path, text, score }: Said): Promise<Outcome> {
    const { flags } = this.#request
    const before = await this.#files.existing(path)
    if (!this.#isWanted(before)) return { kind: 'kept', path, text: before }
    const dress = filledDress(flags, this.#particulars(path, before))
    const whole = combined(before, dressed(text, dress), flags.existing)
    return { kind: 'captioned', path, before, text: whole, score }
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

  async #open(): Promise<CaptionsTogether> {
    const { pack, flags } = this.#request
    const model = await load(pack, flags, this.#run)
    const captions = new CaptionsTogether(model, flags, this.#run)
    try {
      assertWrites(model.manifest)
      // A prompt that the model cannot take is no picture's fault either.
      model.talk.promptIds(flags.prompt)
    } catch (error) {
      await captions.dispose()
      throw error
    }
    this.#startedAt = performance.now()
    return captions
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
