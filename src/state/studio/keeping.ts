/** Writes down what becomes of the folder that is open, in the order in which it came. */
import type { CaptionedPicture } from '../../studio/caption.ts'
import type { History } from '../../studio/history.ts'
import type { StudioLibrary } from '../../studio/library.ts'
import type { Project } from '../../studio/project.ts'
import { AGAIN_MS } from '../patience.ts'

export class Keeping {
  readonly #library: StudioLibrary
  readonly #fail: (error: unknown) => void
  #saving: Promise<void> = Promise.resolve()
  /** Pictures that could not be kept, by path: they go along with the next that are. */
  #unkept: ReadonlyMap<string, CaptionedPicture> = new Map()
  /** What is to be kept of the folder itself, as it is now, until it is. */
  readonly #due = new Map<'project' | 'history', () => Promise<void>>()
  #later: ReturnType<typeof setTimeout> | undefined

  /** `fail` hears of everything that could not be kept; the call that wanted it rejects, too. */
  constructor(library: StudioLibrary, fail: (error: unknown) => void) {
    this.#library = library
    this.#fail = fail
  }

  pictures(projectId: string, pictures: readonly CaptionedPicture[]): Promise<void> {
    return this.#inOrder(projectId, async () => {
      // That it could not be kept was said; if it still cannot, pictures have to be all the same.
      await this.#keepDue().catch(() => undefined)
      await this.#keepPictures(projectId, pictures)
    })
  }

  project(project: Project): Promise<void> {
    return this.#latest(project.id, 'project', () => this.#library.keepProject(project))
  }

  history(projectId: string, history: History): Promise<void> {
    return this.#latest(projectId, 'history', () => this.#library.keepHistory(projectId, history))
  }

  /** Resolves when all is over that was to be kept; what could not be is let go of. */
  async end(): Promise<void> {
    await this.#saving
    clearTimeout(this.#later)
    this.#unkept = new Map()
    this.#due.clear()
  }

  async #keepPictures(projectId: string, pictures: readonly CaptionedPicture[]): Promise<void> {
    const due = new Map(this.#unkept)
    for (const picture of pictures) due.set(picture.path, picture)
    if (due.size === 0) return
    this.#unkept = due
    await this.#library.keepPictures(projectId, [...due.values()])
    this.#unkept = new Map()
  }

  #latest(projectId: string, what: 'project' | 'history', save: () => Promise<void>): Promise<void> {
    return this.#inOrder(projectId, () => {
      this.#due.set(what, save)
      return this.#keepDue()
    })
  }

  async #keepDue(): Promise<void> {
    for (const [what, save] of this.#due) {
      await save()
      this.#due.delete(what)
    }
  }

  #inOrder(projectId: string, save: () => Promise<void>): Promise<void> {
    const saved = this.#saving.then(save)
    this.#saving = saved.catch((error: unknown) => {
      this.#fail(error)
      this.#tryLater(projectId)
    })
    return saved
  }

  /** Until it works, without a word about it. */
  #tryLater(projectId: string): void {
    clearTimeout(this.#later)
    this.#later = setTimeout(() => {
      this.#saving = this.#saving
        .then(() => this.#keepDue())
        .then(() => this.#keepPictures(projectId, []))
        .catch(() => this.#tryLater(projectId))
    }, AGAIN_MS)
  }
}
