/** Asks the model about a picture of the folder, and keeps what it says in one step with that it was said. */
import { assertWrites } from '../../pack/empty-answer.ts'
import { AppError, throwIfCancelled, toFailure, type Failure } from '../../pack/failure.ts'
import type { AnswerRequest } from '../../protocol/engine-calls.ts'
import type { RunSettings } from '../../studio/project.ts'
import { filledIn } from '../../studio/placeholders.ts'
import { targetText, withSaid, type Settling } from '../../studio/run.ts'
import type { EngineAccess } from '../engine-access.ts'
import { modelName } from '../model-slice.ts'
import type { GetState } from '../store.ts'
import { pictureIdIn, type Looks } from './looks.ts'
import type { Room } from './room.ts'
import type { StudioDependencies } from './studio-slice.ts'

export interface AskingOptions {
  signal: AbortSignal
  /** Whether others are asked about at the same time: as rows of one batch. */
  together?: boolean
  onWords?: (text: string) => void
}

export class Asking {
  readonly #get: GetState
  readonly #room: Room
  readonly #engine: EngineAccess
  readonly #dependencies: StudioDependencies
  readonly #looks: Looks
  #seeds = 0

  constructor(
    get: GetState,
    room: Room,
    { engine, studio, looks }: { engine: EngineAccess; studio: StudioDependencies; looks: Looks },
  ) {
    this.#get = get
    this.#room = room
    this.#engine = engine
    this.#dependencies = studio
    this.#looks = looks
  }

  /** Captions a picture and keeps that; gives why not, where it did not. Never rejects. */
  async captioned(
    path: string,
    run: Settling,
    { signal, together, onWords }: AskingOptions,
  ): Promise<Failure | { code?: undefined }> {
    try {
      const { model } = this.#get()
      const request = await this.#requestFor(path, run.settings)
      // Meanwhile the model may have gone.
      throwIfCancelled(signal)
      if (model.status === 'ready') assertWrites(model.loaded.manifest)
      // By the end another one may be there.
      const name = modelName(model) ?? ''
      const onEvent = (progress: { stage: string; text?: string }): void => {
        if (progress.stage === 'writing') onWords?.(progress.text ?? '')
      }
      const said = await this.#engine.call('answer', { ...request, together }, { signal, onEvent })
      if (signal.aborted || said.finish === 'stopped') throw new AppError('cancelled', 'Stopped.')
      const picture = this.#room.picture(path)
      if (picture === undefined) return {}
      const by = { model: name, at: this.#dependencies.now(), root: this.#rootName }
      await this.#room.put([withSaid(picture, said, run, by)])
      this.#get().answerFinished()
      this.#looks.noteSeen(request.picture.id)
      return {}
    } catch (error) {
      return toFailure(error)
    }
  }

  get #rootName(): string {
    return this.#room.studio.project?.name ?? ''
  }

  async #requestFor(path: string, { asked, decoding, target }: RunSettings): Promise<AnswerRequest> {
    const { sampling } = decoding
    const picture = this.#room.picture(path)
    const caption = picture === undefined ? '' : targetText(picture, target)
    const filled = (text: string): string => filledIn(text, { path, root: this.#rootName, caption })
    return {
      picture: { id: pictureIdIn(this.#room, path), image: await this.#room.file(path) },
      asked:
        asked.kind === 'caption'
          ? { ...asked, prompt: filled(asked.prompt) }
          : { ...asked, question: filled(asked.question), earlier: [] },
      settings: sampling === null ? decoding : { ...decoding, sampling: { ...sampling, seed: this.#seed() } },
    }
  }

  /** Each picture has its own, and the same one gives the same picture another caption when it is asked again. */
  #seed(): number {
    return (this.#dependencies.now() + (this.#seeds += 1)) % 2 ** 32
  }
}
