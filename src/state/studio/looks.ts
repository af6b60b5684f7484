/** What the engine has seen of the studio's pictures: the next one ahead of its turn, and those that are done no longer. */
import type { EngineAccess } from '../engine-access.ts'
import type { Room } from './room.ts'

/** What the engine saw is of no more use once a picture is settled; it is told so many at a time. */
const FORGET_AT_ONCE = 16
/** Begins the ids by which the engine knows the studio's pictures, so that all can be forgotten together. */
export const STUDIO = 'studio'

/** By which an engine knows a picture of the folder that is open. */
export function pictureIdIn(room: Room, path: string): string {
  return `${STUDIO} ${room.studio.project?.id ?? ''} ${path}`
}

export class Looks {
  readonly #room: Room
  readonly #engine: EngineAccess
  #ahead: { path: string; abort: AbortController } | null = null
  #seen: string[] = []

  constructor(room: Room, engine: EngineAccess) {
    this.#room = room
    this.#engine = engine
  }

  /** Has a picture looked at as soon as the engine has nothing else to do, once. */
  ahead(path: string): void {
    if (this.#ahead?.path === path) return
    const abort = new AbortController()
    this.#ahead = { path, abort }
    void this.#room
      .file(path)
      .then((image) =>
        this.#engine.call('look', { id: pictureIdIn(this.#room, path), image }, { signal: abort.signal }),
      )
      // The answer looks again and says what is wrong.
      .catch(() => undefined)
  }

  stop(): void {
    this.#ahead?.abort.abort()
    this.#ahead = null
  }

  /** A picture is settled. */
  noteSeen(pictureId: string): void {
    this.#seen.push(pictureId)
    if (this.#seen.length >= FORGET_AT_ONCE) this.forgetSeen()
  }

  forgetSeen(): void {
    const pictureIds = this.#seen
    this.#seen = []
    if (pictureIds.length > 0) this.#forget(pictureIds)
  }

  /** What a visit that was ended has left, too. */
  forgetAll(): void {
    this.#forget([STUDIO])
  }

  /** Without a model there is nobody who remembers. */
  #forget(pictureIds: string[]): void {
    void this.#engine.call('forget', { pictureIds }).catch(() => undefined)
  }
}
