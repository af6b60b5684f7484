import type { Discussion } from '../runtime/talk/discussion.ts'

/** KV caches are large, so only the pictures talked about last keep theirs; the others' are run again when needed. */
const MOST_DISCUSSIONS = 2

/** The latest discussions of a loaded model, by picture. */
export class Discussions {
  readonly #byPicture = new Map<string, Discussion>()

  has(pictureId: string): boolean {
    return this.#byPicture.has(pictureId)
  }

  /** The discussion of a picture, which `begin` makes if there is none, becomes the latest; the oldest beyond the limit ends. */
  latest(pictureId: string, begin: () => Discussion): Discussion {
    const discussion = this.#byPicture.get(pictureId) ?? begin()
    this.#byPicture.delete(pictureId)
    this.#byPicture.set(pictureId, discussion)
    const [oldest] = this.#byPicture.keys()
    if (this.#byPicture.size > MOST_DISCUSSIONS && oldest !== undefined) this.end(oldest)
    return discussion
  }

  end(pictureId: string): void {
    this.#byPicture.get(pictureId)?.dispose()
    this.#byPicture.delete(pictureId)
  }

  endAll(): void {
    for (const pictureId of [...this.#byPicture.keys()]) this.end(pictureId)
  }
}
