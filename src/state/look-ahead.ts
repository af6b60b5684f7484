/** Has pictures looked at while a question about them is typed, so that its answer need not wait. Never fails. */
import type { Conversation } from '../conversation/conversation.ts'
import { withPhotograph } from '../conversation/kept.ts'
import type { LoadedModel } from '../protocol/engine-calls.ts'
import type { Shelf } from './shelf.ts'
import type { EngineAccess } from './engine-access.ts'
import type { GetState } from './store.ts'

export class LookAhead {
  readonly #get: GetState
  readonly #engine: EngineAccess
  readonly #shelf: Shelf
  /** Ids of the pictures that need no look ahead by this model: it has been had, or tried. */
  readonly #tried = new WeakMap<LoadedModel, Set<string>>()
  #looking = false

  constructor(get: GetState, engine: EngineAccess, shelf: Shelf) {
    this.#get = get
    this.#engine = engine
    this.#shelf = shelf
  }

  /** Looks at the pictures one after the other while nothing else is to be done; `isIdle` tells. */
  async look({ id, pictures }: Conversation, isIdle: () => boolean): Promise<void> {
    const { model } = this.#get()
    if (this.#looking || model.status !== 'ready') return
    const tried = this.#triedBy(model.loaded)
    this.#looking = true
    try {
      for (const picture of pictures) {
        const image = this.#get().images[picture.id]
        if (image === undefined || tried.has(picture.id)) continue
        if (!isIdle() || this.#get().model !== model) return
        tried.add(picture.id)
        const { photograph } = await this.#engine.call('look', { id: picture.id, image })
        this.#shelf.change(id, (kept) => withPhotograph(kept, picture.id, photograph))
      }
    } catch {
      // The answer looks again and says what is wrong.
    } finally {
      this.#looking = false
    }
  }

  /** The present model has seen a picture on another occasion. */
  noteSeen(pictureId: string): void {
    const { model } = this.#get()
    if (model.status === 'ready') this.#triedBy(model.loaded).add(pictureId)
  }

  #triedBy(model: LoadedModel): Set<string> {
    const tried = this.#tried.get(model) ?? new Set()
    this.#tried.set(model, tried)
    return tried
  }
}
