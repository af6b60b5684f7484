/**
 * A run over the open folder, one picture at a time through the page's queue. What a picture became and that the run is
 * through with it are kept in one step; so a run that was ended anywhere goes on with the first picture that it has not
 * settled, and settles none twice.
 */
import { assertWrites } from '../../pack/empty-answer.ts'
import { AppError, toFailure, type Failure, type FailureCode } from '../../pack/failure.ts'
import type { AnswerRequest } from '../../protocol/engine-calls.ts'
import type { CaptionRun, RunSettings } from '../../studio/project.ts'
import { wantedPaths, withFailure, withSaid, type Settling } from '../../studio/run.ts'
import type { Answering, OtherJob } from '../answering.ts'
import type { EngineAccess } from '../engine-access.ts'
import { modelName } from '../model-slice.ts'
import type { GetState } from '../store.ts'
import { Looks, pictureIdIn, STUDIO } from './looks.ts'
import { Pace } from './pace.ts'
import type { Room } from './room.ts'
import type { StudioSources } from './studio-slice.ts'

export interface CaptioningRooms {
  engine: EngineAccess
  answering: Answering
  sources: StudioSources
}

/** Not the picture's fault: it is tried once more, when a model is there again. */
const OF_THE_MODEL: readonly FailureCode[] = ['device-lost', 'unresponsive', 'out-of-memory']
const MOST_ATTEMPTS = 2
export class Captioning {
  readonly #get: GetState
  readonly #room: Room
  readonly #engine: EngineAccess
  readonly #answering: Answering
  readonly #sources: StudioSources
  readonly #pace = new Pace()
  readonly #looks: Looks
  /** Pictures that the run has still to settle, the next one first. */
  #pending: string[] = []
  #settled = 0
  #attempts = 0
  #seeds = 0
  #job: OtherJob | null = null
  #isBeginning = false
  /** Pictures that are captioned by themselves: keys of their jobs. */
  readonly #again = new Set<string>()

  constructor(get: GetState, room: Room, { engine, answering, sources }: CaptioningRooms) {
    this.#get = get
    this.#room = room
    this.#engine = engine
    this.#answering = answering
    this.#sources = sources
    this.#looks = new Looks(room, engine)
    room.onOpened = () => this.#takeUp()
    room.onClosing = () => {
      for (const key of this.#again) this.#answering.queue.withdraw(key)
      this.#again.clear()
      // A run that could not go on was not halted by anybody.
      return this.#halt('paused', { keepsStatus: room.studio.missing !== null })
    }
  }

  async begin(settings: RunSettings, paths?: readonly string[]): Promise<void> {
    const { status, pictures, run } = this.#room.studio
    if (status !== 'open' || run?.status === 'running' || this.#isBeginning) return
    const among = paths === undefined ? null : new Set(paths)
    const wanted = wantedPaths(pictures, settings).filter((path) => among?.has(path) !== false)
    if (wanted.length === 0) {
      this.#room.show({ failure: NOTHING_TO_DO })
      return
    }
    const { newId, now } = this.#sources
    const next: CaptionRun = { id: newId(), settings, paths: wanted, status: 'running', startedAt: now() }
    this.#isBeginning = true
    try {
      await this.#room.changeProject({ run: next, settings })
      this.#start(next)
    } catch {
      // It was said, and nothing has begun.
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

  skip(): void {
    const { run } = this.#room.studio
    const [path] = this.#pending
    const picture = path === undefined ? undefined : this.#room.picture(path)
    const id = this.#room.studio.project?.run?.id
    if (run?.status !== 'running' || picture === undefined || id === undefined) return
    this.#pending.shift()
    this.#settled += 1
    this.#attempts = 0
    this.#withdraw()
    void this.#room.put([{ ...picture, run: id }]).then(
      () => this.#next(),
      () => this.pause(),
    )
  }

  again(path: string, settings: RunSettings): void {
    const one: Settling = {
      id: this.#room.picture(path)?.run ?? null,
      settings: { ...settings, existing: 'overwrite' },
    }
    const job: OtherJob = {
      key: `${STUDIO} again ${path}`,
      run: async (signal) => {
        const outcome = await this.#captioned(path, one, signal)
        // It was withdrawn.
        if (!this.#again.has(job.key)) return
        // Its model went, and it waits for the next.
        if (outcome.code === 'cancelled') this.#answering.queue.add(job)
        else {
          this.#again.delete(job.key)
          if (outcome.code !== undefined) this.#room.show({ failure: outcome })
        }
      },
    }
    this.#again.add(job.key)
    this.#answering.queue.add(job)
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
    this.#attempts = 0
    this.#room.show({
      run: {
        status,
        done: this.#settled,
        total: run.paths.length,
        perMinute: null,
        secondsLeft: null,
        path: null,
        text: '',
      },
    })
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

  /** Puts the next picture into the queue, or ends the run where there is none. */
  #next(): void {
    const { run, project } = this.#room.studio
    if (run?.status !== 'running' || project?.run == null) return
    const [path] = this.#pending
    // A picture that was skipped has been kept, and the run went on before that.
    if (this.#job !== null) {
      this.#room.show({ run: { ...run, done: this.#settled } })
      return
    }
    this.#room.show({
      run: { ...run, ...this.#pace.left(this.#pending.length), done: this.#settled, path: null, text: '' },
    })
    if (path === undefined) {
      this.#looks.forgetSeen()
      this.#room.announce({ key: 'studio:runEnded', values: { count: run.total } })
      void this.#halt('ended')
      return
    }
    const of = project.run
    const job: OtherJob = {
      key: `${STUDIO} ${of.id} ${path} ${this.#attempts}`,
      run: (signal) => this.#settle(job, path, of, signal),
    }
    this.#job = job
    this.#answering.queue.add(job)
  }

  async #settle(job: OtherJob, path: string, run: CaptionRun, signal: AbortSignal): Promise<void> {
    const { studio } = this.#room
    if (studio.run !== null) this.#room.show({ run: { ...studio.run, path } })
    const outcome = await this.#captioned(path, run, signal)
    // It was skipped or halted, and whoever did that has seen to what comes next.
    if (this.#job !== job) return
    if (outcome.code === 'no-space') return this.#halt('paused')
    if (!this.#isTriedAgain(outcome.code)) {
      if (outcome.code !== undefined && !(await this.#failed(path, outcome, run))) return this.#halt('paused')
      if (this.#job !== job) return
      this.#pending.shift()
      this.#settled += 1
      this.#attempts = 0
      this.#pace.tick()
    }
    this.#job = null
    this.#next()
  }

  #isTriedAgain(code: FailureCode | undefined): boolean {
    // Its model went while it was at it: that was no attempt.
    if (code === 'cancelled') return true
    this.#attempts += 1
    return code !== undefined && OF_THE_MODEL.includes(code) && this.#attempts < MOST_ATTEMPTS
  }

  async #failed(path: string, failure: Failure, run: CaptionRun): Promise<boolean> {
    const picture = this.#room.picture(path)
    if (picture === undefined) return true
    return this.#room.put([withFailure(picture, failure, run.id)]).then(
      () => true,
      () => false,
    )
  }

  /** Captions a picture and keeps that; gives why not, where it did not. Never rejects. */
  async #captioned(
    path: string,
    run: Settling,
    signal: AbortSignal,
  ): Promise<Failure | { code?: undefined }> {
    try {
      const { model } = this.#get()
      const request = await this.#requestFor(path, run.settings)
      if (model.status === 'ready') assertWrites(model.loaded.manifest)
      // By the end another one may be there.
      const name = modelName(model) ?? ''
      const said = await this.#engine.call('answer', request, {
        signal,
        onEvent: (progress) => {
          if (progress.stage !== 'writing') return
          this.#lookAtNext(path)
          const { run: shown } = this.#room.studio
          if (shown?.path === path) this.#room.show({ run: { ...shown, text: progress.text } })
        },
      })
      if (signal.aborted || said.finish === 'stopped') throw new AppError('cancelled', 'Stopped.')
      const picture = this.#room.picture(path)
      if (picture === undefined) return {}
      const by = { model: name, at: this.#sources.now() }
      await this.#room.put([withSaid(picture, said, run, by)])
      this.#get().answerFinished()
      this.#looks.noteSeen(request.picture.id)
      return {}
    } catch (error) {
      return toFailure(error)
    }
  }

  async #requestFor(path: string, { asked, decoding }: RunSettings): Promise<AnswerRequest> {
    const { sampling } = decoding
    return {
      picture: { id: pictureIdIn(this.#room, path), image: await this.#room.file(path) },
      asked: asked.kind === 'caption' ? asked : { ...asked, earlier: [] },
      settings: sampling === null ? decoding : { ...decoding, sampling: { ...sampling, seed: this.#seed() } },
    }
  }

  /** Each picture has its own, and the same one gives the same picture another caption when it is asked again. */
  #seed(): number {
    return (this.#sources.now() + (this.#seeds += 1)) % 2 ** 32
  }

  /** While the words about one picture are written the next one is got ready. */
  #lookAtNext(path: string): void {
    const [first, next] = this.#pending
    if (first === path && next !== undefined) this.#looks.ahead(next)
  }
}

const NOTHING_TO_DO: Failure = {
  code: 'bad-usage',
  message: 'Every picture has this text already; choose what to do with texts that are there.',
}
