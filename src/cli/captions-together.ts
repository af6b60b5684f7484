/** Captions of many pictures as rows of one batch: pictures are looked at one after the other while words of others are written. */
import { isOfTheModel, throwIfCancelled, toFailure } from '../pack/failure.ts'
import type { AnswerSoFar } from '../runtime/talk/discussion.ts'
import type { SeenImage } from '../runtime/models/look.ts'
import type { TalkingModel } from '../runtime/models/model.ts'
import { decodingSettings } from './decoding-flags.ts'
import { readPixels } from './read-pixels.ts'
import type { AnswerFlags, Run } from './talk.ts'

export class CaptionsTogether {
  readonly #model: TalkingModel
  readonly #flags: AnswerFlags
  readonly #signal: AbortSignal
  #looked: Promise<unknown> = Promise.resolve()
  readonly #underWay = new Set<Promise<unknown>>()
  /** The last that is captioned by itself. */
  #alone: Promise<unknown> = Promise.resolve()

  constructor(model: TalkingModel, flags: AnswerFlags, { signal }: Run) {
    this.#model = model
    this.#flags = flags
    this.#signal = signal
  }

  /**
   * What the model says of a picture by itself behind a prompt of its own, however many others are under way. Takes the
   * picture's whole path. A model fails all rows for the sake of one: what it failed at is tried once more, with nothing
   * beside it.
   */
  async of(image: string, prompt: string): Promise<AnswerSoFar> {
    await this.#untilNoneIsAlone()
    const answer = this.#written(image, prompt)
    this.#underWay.add(answer)
    try {
      return await answer
    } catch (error) {
      if (!isOfTheModel(toFailure(error).code)) throw error
    } finally {
      this.#underWay.delete(answer)
    }
    const again = this.#alone
      .then(() => Promise.allSettled(this.#underWay))
      .then(() => this.#written(image, prompt))
    this.#alone = again.catch(() => undefined)
    return again
  }

  /** More may come while it waits. */
  async #untilNoneIsAlone(): Promise<void> {
    for (let last: Promise<unknown> | null = null; last !== this.#alone;) {
      last = this.#alone
      await last
    }
  }

  #written(image: string, prompt: string): Promise<AnswerSoFar> {
    const seen = this.#looked.then(() => this.#look(image))
    this.#looked = seen.catch(() => undefined)
    const options = { settings: decodingSettings(this.#flags), signal: this.#signal }
    return this.#model.talk.answerTogether(seen, prompt, options)
  }

  /** Lets go of the model, once nothing looks any more. */
  async dispose(): Promise<void> {
    await this.#looked
    await this.#model.dispose()
  }

  async #look(image: string): Promise<SeenImage> {
    throwIfCancelled(this.#signal)
    const pixels = await readPixels(image, this.#model.manifest.preprocessing, this.#flags.alpha)
    return this.#model.look.see(pixels)
  }
}
