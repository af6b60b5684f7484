/**
 * A run over the open folder, through the page's queue. Several pictures are captioned together where the engine can; what
 * a picture became and that the run is through with it are kept in one step, so a run that was ended anywhere goes on with
 * the pictures that it has not settled, and settles none twice.
 */
import type { Failure } from '../../pack/failure.ts'
import { CAPTIONS_TOGETHER } from '../../protocol/engine-calls.ts'
import type { CaptionRun, RunSettings } from '../../studio/project.ts'
import { wantedPaths, withFailure } from '../../studio/run.ts'
import type { Answering, OtherJob } from '../answering.ts'
import type { EngineAccess } from '../engine-access.ts'
import type { GetState } from '../store.ts'
import { Again } from './again.ts'
import { Asking } from './asking.ts'
import { Attempts } from './attempts.ts'
import { Looks, STUDIO } from './looks.ts'
import { Pace } from './pace.ts'
import type { Room } from './room.ts'
import type { StudioDependencies } from './studio-slice.ts'

export interface CaptioningDependencies {
  engine: EngineAccess
  answering: Answering
  studio: StudioDependencies
}

/** A picture that the model is asked about this moment. */
interface UnderWay {
  abort: AbortController
  /** Its words so far. */
  text: string
}

export class Captioning {
  readonly #room: Room
  readonly #answering: Answering
  readonly #dependencies: StudioDependencies
  readonly #pace = new Pace()
  readonly #looks: Looks
  readonly #asking: Asking
  readonly #again: Again
  /** Pictures that the run has still to settle, the next one first. */
  #pending: string[] = []
  readonly #underWay = new Map<string, UnderWay>()
  readonly #attempts = new Attempts()
  #settled = 0
  #stretches = 0
  #job: OtherJob | null = null
  #isBeginning = false

  constructor(get: GetState, room: Room, { engine, answering, studio }: CaptioningDependencies) {
    this.#room = room
    this.#answering = answering
    this.#dependencies = studio
    this.#looks = new Looks(room, engine)
    this.#asking = new Asking(get, room, { engine, studio, looks: this.#looks })
    this.#again = new Again(room, answering, this.#asking)
    room.onOpened = () => this.#takeUp()
    room.onClosing = () => {
      this.#again.withdrawAll()
      // A run that could not go on was not halted by anybody.
      return this.#halt('paused', { keepsStatus: room.studio.missing !== null })
    }
  }

  async begin(settings: RunSettings, paths?: readonly string[]): Promise<void> {
    const { status, pictures, run, project } = this.#room.studio
    if (status !== 'open' || project === null || run?.status === 'running' || this.#isBeginning) return
    const among = paths === undefined ? null : new Set(paths)
    const wanted = wantedPaths(pictures, settings).filter((path) => among?.has(path) !== false)
    if (wanted.length === 0) {
      this.#room.show({ failure: NOTHING_TO_DO })
      return
    }
    const { newId, now } = this.#dependencies
    const next: CaptionRun = { id: newId(), settings, paths: wanted, status: 'running', startedAt: now() }
    this.#isBeginning = true
    try {
      await this.#room.changeProject({ run: next, settings })
      this.#start(next)
    } catch {
      // It was said, and nothing has begun, at no later visit either.
      void this.#room.changeProject({ run: project.run, settings: project.settings }).catch(() => undefined)
    } finally {
      this.#isBeginning = false
    }
  }

  pause(): Promise<void> {
    return this.#halt('paused')
  }

  async resume(): Promise<void> {
    const run = this.#room.studio.project?.run
    if (run?.status !== 'paused') return
    const next: CaptionRun = { ...run, status: 'running' }
    await this.#room.changeProject({ run: next }).catch(() => undefined)
    this.#start(next)
  }

  end(): Promise<void> {
    return this.#halt('ended')
  }

  /** Of several that are under way the one that is shown. */
  skip(): void {
    const { run } = this.#room.studio
    const [path] = this.#pending
    const picture = path === undefined ? undefined : this.#room.picture(path)
    const id = this.#room.studio.project?.run?.id
    if (run?.status !== 'running' || picture === undefined || id === undefined) return
    this.#through(picture.path)
    this.#underWay.get(picture.path)?.abort.abort()
    void this.#room.put([{ ...picture, run: id }]).catch(() => this.pause())
    if (this.#pending.length === 0) this.#withdraw()
    this.#next()
  }

  again(path: string, settings: RunSettings): void {
    this.#again.begin(path, settings)
  }

  /** Goes on with a run that was under way when its folder was left, however that happened. */
  #takeUp(): void {
    const { project, missing } = this.#room.studio
    const run = project?.run
    this.#looks.forgetAll()
    if (run === undefined || run === null || run.status === 'ended') return
    if (run.status === 'running' && missing === null) this.#start(run)
    else this.#show(run, 'paused')
  }

  #start(run: CaptionRun): void {
    this.#pace.restart()
    this.#show(run, 'running')
    this.#next()
  }

  #show(run: CaptionRun, status: 'running' | 'paused'): void {
    const settled = new Set(
      this.#room.studio.pictures.flatMap((picture) => (picture.run === run.id ? [picture.path] : [])),
    )
    const there = new Set(this.#room.studio.pictures.map(({ path }) => path))
    this.#pending = run.paths.filter((path) => !settled.has(path) && there.has(path))
    this.#settled = run.paths.length - this.#pending.length
    this.#attempts.restart()
    const total = run.paths.length
    const shown = { perMinute: null, secondsLeft: null, path: null, text: '' }
    this.#room.show({ run: { status, done: this.#settled, total, ...shown } })
  }

  async #halt(status: 'paused' | 'ended', { keepsStatus = false } = {}): Promise<void> {
    const run = this.#room.studio.project?.run
    this.#withdraw()
    if (run === undefined || run === null || this.#room.studio.run === null) return
    this.#room.show({
      run: status === 'ended' ? null : { ...this.#room.studio.run, status, path: null, text: '' },
    })
    if (!keepsStatus) await this.#room.changeProject({ run: { ...run, status } }).catch(() => undefined)
  }

  #withdraw(): void {
    this.#looks.stop()
    if (this.#job !== null) this.#answering.queue.withdraw(this.#job.key)
    this.#job = null
  }

  /** Puts the next stretch of the run into the queue, or ends the run where nothing is left. */
  #next(): void {
    const { run, project } = this.#room.studio
    if (run?.status !== 'running' || project?.run == null) return
    this.#showRun()
    if (this.#job !== null) return
    if (this.#pending.length === 0) {
      this.#looks.forgetSeen()
      this.#room.announce({ key: 'studio:runEnded', values: { count: run.total } })
      void this.#halt('ended')
      return
    }
    const of = project.run
    const job: OtherJob = {
      key: `${STUDIO} ${of.id} ${(this.#stretches += 1)}`,
      run: (signal) => this.#stretch(job, of, signal),
    }
    this.#job = job
    this.#answering.queue.add(job)
  }

  /** Settles pictures until something else waits for the model. */
  async #stretch(job: OtherJob, run: CaptionRun, signal: AbortSignal): Promise<void> {
    const alone = this.#isAlone(run)
    const { queue } = this.#answering
    const lane = async (): Promise<void> => {
      for (let goesOn = true; goesOn;) {
        // A signal that has fired already tells nobody any more.
        if (signal.aborted || this.#job !== job) return
        if (queue.waiting.length > 0 || this.#isAlone(run) !== alone) return
        const path = this.#pending.find((one) => !this.#underWay.has(one))
        if (path === undefined) return
        goesOn = await this.#settle(job, path, run, { signal, alone })
      }
    }
    await Promise.all(Array.from({ length: alone ? 1 : CAPTIONS_TOGETHER }, lane))
    // It was halted, and whoever did that has seen to what comes next.
    if (this.#job !== job) return
    this.#job = null
    this.#next()
  }

  #isAlone({ settings }: CaptionRun): boolean {
    return this.#attempts.hasSuspects || !canBeRows(settings)
  }

  /** Gives false where the model went, so that nothing is asked before it is back. */
  async #settle(
    job: OtherJob,
    path: string,
    run: CaptionRun,
    { signal, alone }: { signal: AbortSignal; alone: boolean },
  ): Promise<boolean> {
    const one: UnderWay = { abort: new AbortController(), text: '' }
    const onAbort = (): void => one.abort.abort()
    signal.addEventListener('abort', onAbort)
    this.#underWay.set(path, one)
    this.#showRun()
    const onWords = (text: string): void => {
      one.text = text
      if (alone) this.#lookAtNext(path)
      // Of the others no words are shown.
      if (this.#pending[0] === path) this.#showRun()
    }
    try {
      const options = { signal: one.abort.signal, together: !alone, onWords }
      const outcome = await this.#asking.captioned(path, run, options)
      const isOurs = (): boolean => this.#job === job && this.#pending.includes(path)
      // It was skipped or halted.
      if (!isOurs()) return true
      if (this.#attempts.isTriedAgain(outcome.code, this.#underWay.keys(), { alone })) return false
      const isKept = outcome.code === undefined || (await this.#failed(path, outcome, run))
      if (!isKept) await this.#halt('paused')
      else if (isOurs()) {
        this.#through(path)
        this.#pace.tick()
      }
      return true
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#underWay.delete(path)
      this.#showRun()
    }
  }

  #through(path: string): void {
    this.#pending = this.#pending.filter((one) => one !== path)
    this.#attempts.through(path)
    this.#settled += 1
  }

  /** Gives whether the failure could be kept with its picture. */
  async #failed(path: string, failure: Failure, run: CaptionRun): Promise<boolean> {
    // That is none of the picture's.
    if (failure.code === 'no-space') return false
    const picture = this.#room.picture(path)
    if (picture === undefined) return true
    return this.#room.put([withFailure(picture, failure, run.id)]).then(
      () => true,
      () => false,
    )
  }

  /** How far the run is, and the words about the first picture that is under way. */
  #showRun(): void {
    const { run } = this.#room.studio
    if (run?.status !== 'running') return
    const [first] = this.#pending
    const one = first === undefined ? undefined : this.#underWay.get(first)
    const shown = { path: one === undefined ? null : (first ?? null), text: one?.text ?? '' }
    this.#room.show({
      run: { ...run, ...this.#pace.left(this.#pending.length), done: this.#settled, ...shown },
    })
  }

  /** Where pictures are captioned one by one the next one is got ready while words are written. */
  #lookAtNext(path: string): void {
    const [first, next] = this.#pending
    if (first === path && next !== undefined) this.#looks.ahead(next)
  }
}

/** The engine writes captions of one answer together, and everything else by itself. */
function canBeRows({ asked, decoding }: RunSettings): boolean {
  return asked.kind === 'caption' && decoding.beams === 1 && decoding.answers === 1
}

const NOTHING_TO_DO: Failure = {
  code: 'bad-usage',
  message: 'Every picture has this text already; choose what to do with texts that are there.',
}
