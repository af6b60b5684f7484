/** Writes the answers that wait: which these are follows from the conversations alone; the queue has a job for each. */
import {
  earlierTurns,
  isGuess,
  type AnswerState,
  type Conversation,
  type Picture,
  type SettledAnswer,
  type Turn,
} from '../conversation/conversation.ts'
import {
  attemptOf,
  isOpen,
  toShown,
  withAnswer,
  withPhotograph,
  type AnswerPlace,
  type KeptConversation,
} from '../conversation/kept.ts'
import type { Saying } from '../messages/note.ts'
import { assertWrites } from '../pack/empty-answer.ts'
import { AppError, toFailure } from '../pack/failure.ts'
import type { AnswerProgress, AnswerRequest } from '../protocol/engine-calls.ts'
import { decodedFor, decodingKey } from './another.ts'
import { done, emptyAnswerNote, NOTHING, signed } from './answered.ts'
import { failureNote } from './failure-note.ts'
import type { ConversationDependencies, Shelf } from './shelf.ts'
import type { LookAhead } from './look-ahead.ts'
import { modelName, tunedPrompt } from './model-slice.ts'
import { photographsAmong } from './photographs.ts'
import { JobQueue, type Job, type StopReason } from './queue.ts'
import { withSetting } from './remedy.ts'
import { decodingOf } from './settings-slice.ts'
import type { EngineAccess } from './engine-access.ts'
import type { GetState, SetState } from './store.ts'
import { answerKey, AnswersUnderWay, type UnderWay } from './under-way.ts'

export interface AnsweringSlice {
  /** This page's id among those of the same site. */
  tab: string
  /** By `answerKey`. */
  underWay: Record<string, UnderWay>
  /** What a screen reader should hear next: finished answers and failures only, never single tokens. */
  announcement: Saying
  /** Goes on with the answers that wait, once a model is ready. */
  answerWaiting: () => void
  /** Ends the answer being written on this page, and no other; what is there stays. */
  stop: () => void
  /** Ends whatever the model is at, because the model goes. */
  stopAll: () => void
}

/** One answer to write. */
export interface AnswerJob extends Job, AnswerPlace {
  conversationId: string
}

/**
 * Work on the model that is no answer in a conversation. It brings its doing along, and comes behind all answers. When it
 * is stopped because the model goes, it has itself put back if it is to wait for the next one.
 */
export interface OtherJob extends Job {
  /** As `JobQueueOptions.run`. */
  run: (signal: AbortSignal) => Promise<void>
}

/** How many answers a page has to write, the one that it writes included. */
export function waitingOf(conversations: readonly Conversation[], tab: string): number {
  const isMine = (answer: AnswerState): boolean => answer.status === 'waiting' && answer.tab === tab
  let waiting = 0
  for (const { turns } of conversations)
    for (const { answers } of turns) waiting += Object.values(answers).filter(isMine).length
  return waiting
}

export interface AnsweringDependencies {
  engine: EngineAccess
  shelf: Shelf
  lookAhead: LookAhead
  conversations: ConversationDependencies
}

export class Answering {
  readonly #set: SetState
  readonly #get: GetState
  readonly #engine: EngineAccess
  readonly #shelf: Shelf
  readonly #lookAhead: LookAhead
  readonly #dependencies: ConversationDependencies
  readonly #underWay: AnswersUnderWay
  /** The page's one queue: whatever the model is to do waits here. */
  readonly queue: JobQueue<AnswerJob | OtherJob>

  constructor(
    set: SetState,
    get: GetState,
    { engine, shelf, lookAhead, conversations }: AnsweringDependencies,
  ) {
    this.#set = set
    this.#get = get
    this.#engine = engine
    this.#shelf = shelf
    this.#lookAhead = lookAhead
    this.#dependencies = conversations
    this.#underWay = new AnswersUnderWay(set, get, conversations)
    this.queue = new JobQueue({
      ready: () => get().model.status === 'ready',
      // What people look at comes first.
      rank: (job) => (isOther(job) ? 2 : job.conversationId === get().currentId ? 0 : 1),
      run: (job, signal) => (isOther(job) ? job.run(signal) : this.#run(job, signal)),
    })
    shelf.onChange = (kept) => this.#follow(kept)
    shelf.onTabGone = (tab) => this.#underWay.tabGone(tab)
  }

  /** Ends the answer that is written on this page, and nothing else. */
  stop(): void {
    if (this.#running !== null) this.queue.stop()
  }

  /** Ends what is written on this page of one turn. */
  stopTurn(turnId: string): void {
    if (this.#running?.turnId === turnId) this.queue.stop()
  }

  get #running(): AnswerJob | null {
    const { running } = this.queue
    return running === null || isOther(running) ? null : running
  }

  /** Has the queue hold what waits for this page in a conversation, and nothing else of it. */
  #follow(kept: KeptConversation): void {
    const jobs = this.#jobsOf(kept)
    const wanted = new Set(jobs.map(({ key }) => key))
    for (const job of this.queue.waiting)
      if (!isOther(job) && job.conversationId === kept.id && !wanted.has(job.key))
        this.queue.withdraw(job.key)
    const running = this.#running
    if (running?.conversationId === kept.id && !isAnswerable(kept, running)) this.queue.withdraw(running.key)
    for (const job of jobs) this.queue.add(job)
  }

  #jobsOf(kept: KeptConversation): AnswerJob[] {
    const { tab } = this.#get()
    const jobs: AnswerJob[] = []
    const { pictures, turns } = toShown(kept) ?? { pictures: [], turns: [] }
    for (const { id: turnId, answers } of turns) {
      for (const { id: pictureId } of pictures) {
        const answer = answers[pictureId]
        if (answer?.status !== 'waiting' || answer.tab !== tab) continue
        const attempt = attemptOf(answer)
        const key = `${answerKey(turnId, pictureId)} ${attempt}`
        jobs.push({ key, conversationId: kept.id, turnId, pictureId, attempt, tab })
      }
    }
    return jobs
  }

  async #run(job: AnswerJob, signal: AbortSignal): Promise<void> {
    const conversation = this.#shelf.find(job.conversationId)
    const turn = conversation?.turns.find(({ id }) => id === job.turnId)
    const picture = conversation?.pictures.find(({ id }) => id === job.pictureId)
    if (conversation === undefined || turn === undefined || picture === undefined) return
    const by = modelName(this.#get().model)
    this.#underWay.report(job, { stage: 'reading' })
    const answer = await this.#write(job, turn, picture, signal)
    if (answer !== null) {
      this.#shelf.change(job.conversationId, (kept) =>
        withAnswer(kept, job, by === null ? answer : signed(answer, by)),
      )
      this.#announce(answer, { turn, picture, conversationId: job.conversationId })
    }
    this.#underWay.report(job, null)
  }

  /** Null when nothing came of it because it was withdrawn: should it come back, it waits as before. */
  async #write(
    job: AnswerJob,
    turn: Turn,
    picture: Picture,
    signal: AbortSignal,
  ): Promise<SettledAnswer | null> {
    let written = ''
    const startedAt = this.#dependencies.now()
    const tookMs = (): number => this.#dependencies.now() - startedAt
    const onEvent = (progress: AnswerProgress): void => {
      if (progress.stage === 'writing') written = progress.text
      this.#underWay.report(job, progress)
    }
    try {
      const { request, varied } = await this.#requestFor(job, turn, picture)
      const decoding = decodingKey(request.settings)
      const answered = await this.#engine.call('answer', request, { onEvent, signal })
      const { look } = answered
      if (look !== null) {
        this.#lookAhead.noteSeen(picture.id)
        this.#shelf.change(job.conversationId, (kept) => withPhotograph(kept, picture.id, look.photograph))
      }
      if (answered.finish === 'stopped' && answered.text === '' && reasonOf(signal) === 'withdrawn')
        return null
      if (answered.finish !== 'stopped') this.#get().answerFinished()
      return done(answered, { tookMs: tookMs(), decoding, ...(varied && { varied }) })
    } catch (error) {
      const failure = withSetting(toFailure(error))
      if (failure.code !== 'cancelled') return { status: 'failed', text: written, failure }
      return written === '' && reasonOf(signal) === 'withdrawn'
        ? null
        : done({ ...NOTHING, text: written }, { tookMs: tookMs() })
    }
  }

  async #requestFor(
    { conversationId }: AnswerJob,
    turn: Turn,
    picture: Picture,
  ): Promise<{ request: AnswerRequest; varied: boolean }> {
    const image =
      this.#get().images[picture.id] ?? (await this.#dependencies.library.picture(picture.id))?.image
    if (image === undefined)
      throw new AppError('not-found', 'This picture is no longer stored here; drop it again.')
    const { settings, model } = this.#get()
    // It would be looked at and written for a long time, and nothing could be read.
    if (model.status === 'ready') assertWrites(model.loaded.manifest)
    const { question } = turn
    const conversation = this.#shelf.find(conversationId)
    const earlier = conversation === undefined ? [] : earlierTurns(conversation, turn, picture.id)
    const seed = this.#dependencies.now() % 2 ** 32
    const wanted = decodingOf(settings, seed)
    const decoded =
      conversation === undefined
        ? { settings: wanted, varied: false }
        : decodedFor({ conversation, turn, pictureId: picture.id }, wanted, { model: modelName(model), seed })
    return {
      request: {
        picture: { id: picture.id, image },
        asked:
          question === null
            ? { kind: 'caption', prompt: settings.prompt || (tunedPrompt(model) ?? '') }
            : { kind: 'question', question, earlier, template: settings.template },
        settings: decoded.settings,
      },
      varied: decoded.varied,
    }
  }

  #announce(
    answer: SettledAnswer,
    { turn, picture, conversationId }: { turn: Turn; picture: Picture; conversationId: string },
  ): void {
    if (answer.status === 'failed') {
      this.#set({ announcement: [`${picture.name}:`, failureNote(answer.failure)] })
      return
    }
    if (answer.facts.finish === 'stopped') return
    const { text, tokenIds, facts } = answer
    if (text === '') {
      const empty = emptyAnswerNote({ tokens: tokenIds.length, finish: facts.finish })
      this.#set({ announcement: [`${picture.name}:`, empty] })
      return
    }
    const said = `${picture.name}: ${text}`
    const { settings } = this.#get()
    // As it is now: only the answer made known whether it is a photograph.
    const now = this.#shelf.find(conversationId)?.pictures.filter(({ id }) => id === picture.id) ?? []
    const beyond = turn.question === null && photographsAmong(now, settings).length > 0
    if (beyond) this.#set({ announcement: [`${said}.`, ...PHOTOGRAPH] })
    else this.#set({ announcement: isGuess(facts) ? [`${said}.`, GUESS] : said })
  }
}

/** Whether an answer is still to be written: its turn stands, and nobody else has settled it or writes it. */
function isAnswerable(kept: KeptConversation, job: AnswerJob): boolean {
  const answer = toShown(kept)?.turns.find(({ id }) => id === job.turnId)?.answers[job.pictureId]
  return answer !== undefined && isOpen(answer, job)
}

function isOther(job: AnswerJob | OtherJob): job is OtherJob {
  return 'run' in job
}

function reasonOf(signal: AbortSignal): StopReason | null {
  return signal.aborted ? (signal.reason as StopReason) : null
}

const GUESS = { key: 'limits:announced' } as const
const PHOTOGRAPH = [{ key: 'talk:photograph.only' }, { key: 'talk:photograph.text' }] as const

export function answeringSlice(answering: Answering, tab: string): AnsweringSlice {
  return {
    tab,
    underWay: {},
    announcement: '',
    answerWaiting: () => answering.queue.advance(),
    stop: () => answering.stop(),
    stopAll: () => answering.queue.stop(),
  }
}
