/** How well captions fit their pictures, by a model that was trained to tell. */
import { throwIfCancelled, toFailure } from '../../pack/failure.ts'
import { captionOf, type CaptionedPicture } from '../../studio/caption.ts'
import type { Comparing } from '../search/comparing.ts'
import { pictureIdIn } from './looks.ts'
import type { Room } from './room.ts'

/** Scores that are kept in one step: a lost one is only looked up again. */
const KEPT_AT_ONCE = 16

export class Matching {
  readonly #room: Room
  readonly #comparing: Pick<Comparing, 'call'>

  constructor(room: Room, comparing: Pick<Comparing, 'call'>) {
    this.#room = room
    this.#comparing = comparing
  }

  /** Scores every caption that has no score yet. A picture that cannot be compared is passed over. */
  async matchAll(): Promise<void> {
    if (this.#room.studio.matching !== null) return
    const signal = this.#room.begin('matching')
    const due = this.#room.studio.pictures.filter(
      (picture) => captionOf(picture) !== '' && picture.match === null && picture.failure === null,
    )
    const scored: CaptionedPicture[] = []
    try {
      for (const [done, { path }] of due.entries()) {
        throwIfCancelled(signal)
        this.#room.show({ matching: { done, total: due.length } })
        const picture = await this.#scored(path, signal)
        if (picture !== null) scored.push(picture)
        if (scored.length >= KEPT_AT_ONCE)
          await this.#room.put(scored.splice(0).flatMap((one) => this.#present(one)))
      }
    } catch (error) {
      this.#room.fail(error)
    } finally {
      // Another folder may be open by now.
      if (this.#room.isOfThis('matching', signal)) {
        this.#room.show({ matching: null })
        await this.#room.put(scored.flatMap((one) => this.#present(one))).catch(() => undefined)
      }
    }
  }

  async #scored(path: string, signal: AbortSignal): Promise<CaptionedPicture | null> {
    const picture = this.#room.picture(path)
    if (picture === undefined) return null
    try {
      const image = await this.#room.file(path)
      const source = { id: pictureIdIn(this.#room, path), image }
      const [found] = await this.#comparing.call(
        'match',
        { picture: source, texts: [captionOf(picture)] },
        { signal },
      )
      return found === undefined ? null : { ...picture, match: found.itm }
    } catch (error) {
      if (isOfPicture(error)) return null
      throw error
    }
  }

  /** The score on the picture as it is now; none where its caption was changed since. */
  #present(scored: CaptionedPicture): CaptionedPicture[] {
    const now = this.#room.picture(scored.path)
    return now !== undefined && captionOf(now) === captionOf(scored) ? [{ ...now, match: scored.match }] : []
  }
}

/** What is wrong with one picture or its caption costs no other its score. */
function isOfPicture(error: unknown): boolean {
  return ['bad-image', 'image-too-large', 'prompt-too-long', 'not-found'].includes(toFailure(error).code)
}
