/**
 * The engine: one loaded model, the discussions about its pictures, and what was seen in them. Any number of calls may
 * be under way; what must not overlap takes turns. Everything from outside is handed in.
 */
import type { MemoryReport, Provider } from '../pack/device-report.ts'
import {
  AppError,
  fromFailure,
  orCancelled,
  throwIfCancelled,
  toFailure,
  type Failure,
} from '../pack/failure.ts'
import type { LaterCheck } from '../pack/manifest.ts'
import type { TowerStates } from '../pack/tower-states.ts'
import type {
  Answered,
  AnswerProgress,
  AnswerRequest,
  BadWeights,
  EngineCalls,
  LoadedModel,
  LoadProgress,
  Looked,
  LookProgress,
  PictureSource,
  ProbedDevice,
} from '../protocol/engine-calls.ts'
import type { Handlers } from '../protocol/rpc.ts'
import type { Compute } from '../runtime/device/compute.ts'
import { lossOf } from '../runtime/device/loss.ts'
import { outsideOfCaption } from '../runtime/limits/limits.ts'
import type { SeenImage } from '../runtime/models/look.ts'
import type { TalkingModel } from '../runtime/models/model.ts'
import type { Judgements } from '../runtime/models/open-parts.ts'
import type { Discussion } from '../runtime/talk/discussion.ts'
import { describeDevice } from './describe-device.ts'
import { checkWeights } from './check-weights.ts'
import { Discussions } from './discussions.ts'
import { lookedOf, Looking, type LookingParts, type SeenBy } from './looking.ts'
import { ModelLoader, type LoaderParts } from './model-loader.ts'
import { Progress, type OutsideOf } from './progress.ts'
import { TogetherTurns } from './together.ts'
import { WorkTurns } from './work-turns.ts'

export interface EngineParts extends LookingParts, LoaderParts {
  /** See `probeDevices`. */
  probeDevices: (prefer: Provider | null) => Promise<ProbedDevice[]>
  judgements?: (Judgements & { forget(): Promise<void> }) | undefined
}

export class Engine implements Handlers<EngineCalls> {
  readonly #parts: EngineParts
  readonly #loader: ModelLoader
  readonly #turns = new WorkTurns()
  readonly #together = new TogetherTurns(this.#turns)
  /** Looks for captions written together, one after the other. */
  #lookedLast: Promise<void> = Promise.resolve()
  readonly #looking: Looking
  readonly #discussions = new Discussions()
  #loaded: { model: TalkingModel; compute: Compute } | null = null
  /** Fires when the loaded model has answered. */
  #answered = new AbortController()
  #steps = unknownSteps()
  #checked: Promise<BadWeights | null> = Promise.resolve(null)
  /** Why the engine let go of a model by itself; null while there is one, or nobody asked for any. */
  #takenBack: Failure | null = null

  constructor(parts: EngineParts) {
    this.#parts = parts
    this.#loader = new ModelLoader(parts)
    this.#looking = new Looking(parts, () => this.#current().model)
  }

  load(
    input: EngineCalls['load']['in'],
    report: (event: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<LoadedModel> {
    return this.#turns.take(() => this.#load(input, report, signal), { signal })
  }

  speed({ prefer }: EngineCalls['speed']['in']): Promise<ProbedDevice[]> {
    // Two at once would measure each other.
    return this.#turns.take(() => this.#parts.probeDevices(prefer), { canWait: true })
  }

  changeMemory({ memory }: EngineCalls['changeMemory']['in']): Promise<MemoryReport> {
    return this.#turns.take(async () => {
      const { model } = this.#current()
      return model.changeMemory(memory)
    })
  }

  async untilLost(): Promise<Failure | null> {
    const device = this.#loaded?.compute.device
    // On the processor there is nothing to lose, and a call that never ends would stay for good.
    if (device === null || device === undefined) return null
    return toFailure(await lossOf(device).catch((error: unknown) => error))
  }

  untilChecked(): Promise<BadWeights | null> {
    return this.#checked
  }

  untilStepsKnown(): Promise<boolean | null> {
    return this.#steps.known
  }

  /** Looks ahead: whatever answers need comes before it. */
  async look(
    picture: PictureSource,
    report: (event: LookProgress) => void,
    signal: AbortSignal,
  ): Promise<Looked> {
    const look = this.#looking.at(picture)
    const seen = look.join(report, { urgent: false, signal })
    void this.#turns.take(() => look.begin(), { canWait: true })
    return lookedOf(await seen)
  }

  async answer(
    request: AnswerRequest,
    report: (event: AnswerProgress) => void,
    signal: AbortSignal,
  ): Promise<Answered> {
    const { picture } = request
    this.#looking.giveWayTo(picture)
    const look = this.#looking.at(picture)
    const seen = look.join(report, { urgent: true, signal })
    // It is waited for when the turn has come, which may be never.
    seen.catch(() => undefined)
    const progress = new Progress(report)
    const turn = async (): Promise<void> => {
      await look.begin()
      await this.#answer(request, await seen, progress, report, signal)
    }
    const row = async (): Promise<void> => {
      throwIfCancelled(signal)
      const looked = this.#lookedLast.then(() => look.begin())
      this.#lookedLast = looked
      try {
        await this.#answerTogether(request, seen, progress, report, signal)
      } finally {
        // A look that was given up is under way until it hears of it, and the turn lasts as long.
        await looked
      }
    }
    const isRow = request.together === true && request.asked.kind === 'caption'
    try {
      // A step that is being run is not waited for, but what comes next is kept from overlapping it.
      const answered = isRow ? this.#together.take(row) : this.#turns.take(turn, { signal })
      await orCancelled(answered, signal)
    } catch (error) {
      // Stopping keeps what was written.
      if (!signal.aborted || toFailure(error).code !== 'cancelled') throw error
    }
    this.#answered.abort()
    this.#noteSteps()
    return progress.answered
  }

  towerStates({ pictureId }: EngineCalls['towerStates']['in']): Promise<TowerStates | null> {
    return this.#looking.towerStates(pictureId)
  }

  async forget({ pictureIds }: EngineCalls['forget']['in']): Promise<null> {
    // At once, since the page may be about to close; and again behind looks that are under way.
    await this.#looking.forget(pictureIds)
    return this.#turns.take(async () => {
      for (const id of pictureIds) this.#discussions.end(id)
      await this.#looking.forget(pictureIds)
      return null
    })
  }

  ping(): Promise<null> {
    return Promise.resolve(null)
  }

  unload(): Promise<null> {
    return this.#turns.take(async () => {
      await this.#unload()
      return null
    })
  }

  async #load(
    input: EngineCalls['load']['in'],
    report: (event: LoadProgress) => void,
    signal: AbortSignal,
  ): Promise<LoadedModel> {
    await this.#unload()
    const { model, compute, later, loadMs } = await this.#loader.load(input, { report, signal })
    this.#begin({ model, compute }, later)
    return { device: describeDevice(compute, model), manifest: model.manifest, loadMs }
  }

  #begin(loaded: { model: TalkingModel; compute: Compute }, later: LaterCheck | undefined): void {
    this.#loaded = loaded
    this.#looking.beginAnew()
    this.#answered = new AbortController()
    this.#steps = unknownSteps()
    this.#noteSteps()
    this.#checked =
      later === undefined
        ? Promise.resolve(null)
        : checkWeights(later, this.#turns, {
            answered: this.#answered.signal,
            isLoaded: () => this.#loaded === loaded,
            stop: (why) => this.#takeBack(why),
          })
    this.#checked.catch(() => undefined)
  }

  /** The first step of one token shows whether they are recorded; a warm-up may have had one, an answer not. */
  #noteSteps(): void {
    const records = this.#loaded?.model.talk.recordsSteps ?? null
    if (records !== null) this.#steps.tell(records)
  }

  /** Lets go of the model and of what it saw and judged: its weights were bad. */
  async #takeBack(why: Failure): Promise<void> {
    // What cannot be let go of in order is gone all the same, and what it left behind must go, too.
    await this.#unload().catch(() => undefined)
    this.#takenBack = why
    await this.#looking.forgetOwn()
    await this.#parts.judgements?.forget()
  }

  async #unload(): Promise<void> {
    const loaded = this.#loaded
    this.#loaded = null
    this.#takenBack = null
    this.#steps.tell(null)
    this.#discussions.endAll()
    this.#looking.letGo()
    try {
      await loaded?.model.dispose()
    } finally {
      loaded?.compute.device?.destroy()
    }
  }

  #current(): { model: TalkingModel; compute: Compute } {
    if (this.#takenBack !== null) throw fromFailure(this.#takenBack)
    if (this.#loaded === null) throw new AppError('bug', 'No model is loaded.')
    return this.#loaded
  }

  async #answer(
    { picture, asked, settings }: AnswerRequest,
    joined: SeenBy,
    progress: Progress,
    report: (event: AnswerProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { model } = this.#current()
    // Another model may have been loaded since that look.
    const seen = joined.model === model ? joined : await this.#looking.see(picture, report, signal)
    const discussion = this.#discussions.latest(picture.id, () => discuss(model, seen))
    progress.begin(lookedOf(seen), outsideOf(seen, asked, settings))
    const steps =
      asked.kind === 'caption'
        ? discussion.answer(asked.prompt, { settings, signal })
        : discussion.ask(asked.earlier, asked.question, { settings, signal, template: asked.template })
    for await (const soFar of steps) {
      throwIfCancelled(signal)
      progress.note(soFar)
    }
  }

  /** A caption as one row of those that are under way. */
  async #answerTogether(
    { picture, asked, settings }: AnswerRequest,
    joined: Promise<SeenBy>,
    progress: Progress,
    report: (event: AnswerProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    if (asked.kind !== 'caption') throw new AppError('bug', 'Only captions are written together.')
    const { model } = this.#current()
    const seen = async (): Promise<SeenImage> => {
      const first = await joined
      const by = first.model === model ? first : await this.#looking.see(picture, report, signal)
      progress.begin(lookedOf(by), outsideOf(by, asked, settings))
      return model.look.seenBefore(by.embeddings)
    }
    const queries = seen()
    try {
      await model.talk.answerTogether(queries, asked.prompt, {
        settings,
        signal,
        report: (soFar) => {
          if (!signal.aborted) progress.note(soFar)
        },
      })
    } finally {
      await queries.catch(() => undefined)
    }
  }
}

function discuss(model: TalkingModel, { embeddings }: SeenBy): Discussion {
  return model.talk.discuss(model.look.seenBefore(embeddings))
}

/** Whether a model's steps are recorded, for who waits to hear of it. */
function unknownSteps(): { known: Promise<boolean | null>; tell: (records: boolean | null) => void } {
  let tell: (records: boolean | null) => void = () => undefined
  const known = new Promise<boolean | null>((resolve) => (tell = resolve))
  return { known, tell }
}

/** How far an answer lies outside; a question goes by the picture alone. */
function outsideOf(
  { model, outside }: SeenBy,
  asked: AnswerRequest['asked'],
  settings: AnswerRequest['settings'],
): OutsideOf {
  return (best) =>
    asked.kind === 'question'
      ? outside
      : outsideOfCaption(model.manifest, outside, best, { prompt: asked.prompt, settings })
}
