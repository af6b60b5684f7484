/** Looks at pictures with the model that is loaded: each once, for everybody who wants it and for later visits. */
import type { PictureRead } from '../image/read-picture.ts'
import { throwIfCancelled } from '../pack/failure.ts'
import { lookKey, type Preprocessing } from '../pack/manifest.ts'
import type { Looked, PictureSource } from '../protocol/engine-calls.ts'
import { outsideOf } from '../runtime/limits/limits.ts'
import type { TalkingModel } from '../runtime/models/model.ts'
import type { TowerStates } from '../pack/tower-states.ts'
import { LastFeatures } from './last-features.ts'
import type { Seen, SeenPictures } from './seen.ts'
import { SharedLook, type ReportLook } from './shared-look.ts'

export interface LookingParts {
  readPicture: (image: Blob, preprocessing: Preprocessing) => Promise<PictureRead>
  seen: SeenPictures
}

/** What a look gave, and which model it was that looked. */
export interface SeenBy extends Seen {
  model: TalkingModel
  outside: number | null
  readMs: number
  lookMs: number
}

export class Looking {
  readonly #parts: LookingParts
  readonly #current: () => TalkingModel
  readonly #looks = new Map<string, SharedLook<SeenBy>>()
  /** Pictures that the loaded model looked at. */
  readonly #lookedAt = new Set<string>()
  /** Of the loaded model. */
  readonly #features = new LastFeatures()

  /** `current` gives the model that is loaded when a look begins, or throws. */
  constructor(parts: LookingParts, current: () => TalkingModel) {
    this.#parts = parts
    this.#current = current
  }

  /** From here on another model is loaded. */
  beginAnew(): void {
    this.#lookedAt.clear()
  }

  /** The loaded model is about to go, and what lies on its device goes before it. */
  letGo(): void {
    this.#features.clear()
  }

  /** See `EngineCalls.towerStates`. Waits for nothing that is under way but the device. */
  async towerStates(pictureId: string): Promise<TowerStates | null> {
    const features = this.#features.get(pictureId)
    if (features === undefined) return null
    // Begun at once: whoever lets go of them does so behind it.
    const values = features.read()
    const [read, tower] = await Promise.all([values, this.#current().tower()]).catch(() => [null, null])
    return read === null ? null : (tower?.statesOf(read) ?? null)
  }

  /** Lets go of what was seen of pictures. */
  async forget(pictureIds: readonly string[]): Promise<void> {
    for (const id of pictureIds) this.#features.remove(id)
    await this.#parts.seen.forget(pictureIds)
  }

  /** Lets go of what the loaded model saw when it looked itself. */
  forgetOwn(): Promise<void> {
    return this.#parts.seen.forget([...this.#lookedAt])
  }

  /** The look at a picture that is under way or waiting, or a new one. */
  at(picture: PictureSource): SharedLook<SeenBy> {
    const before = this.#looks.get(picture.id)
    if (before?.isCut === false) return before
    const look = new SharedLook<SeenBy>(async (report, signal) => {
      try {
        return await this.see(picture, report, signal)
      } finally {
        if (this.#looks.get(picture.id) === look) this.#looks.delete(picture.id)
      }
    })
    this.#looks.set(picture.id, look)
    return look
  }

  /** A look ahead at another picture that is under way is cut off. */
  giveWayTo({ id }: PictureSource): void {
    for (const [other, look] of this.#looks) if (other !== id && look.hasBegun && look.canWait) look.cut()
  }

  /** What the model sees in a picture, or saw in it before. */
  async see({ id, image }: PictureSource, report: ReportLook, signal: AbortSignal): Promise<SeenBy> {
    const model = this.#current()
    const key = lookKey(model.manifest)
    const before = await this.#parts.seen.get(id, key)
    if (before !== undefined) return seenBy(model, before, { readMs: 0, lookMs: 0 })
    const startedAt = performance.now()
    report({ stage: 'reading' })
    const { preprocessing } = model.manifest
    const { pixels, width, height, photograph } = await this.#parts.readPicture(image, preprocessing)
    const readAt = performance.now()
    throwIfCancelled(signal)
    report({ stage: 'looking', width, height })
    const { embeddings: onDevice } = await model.look.see(pixels, {
      signal,
      onOpening: (graph) => report({ stage: 'opening', graph }),
      onOpened: () => report({ stage: 'looking', width, height }),
      onFeatures: (features) => this.#features.put(id, features),
    })
    try {
      // Read back once, to be kept: no later turn, nor a reload, has to look again.
      const seen: Seen = { embeddings: await onDevice.read(), width, height, photograph }
      this.#lookedAt.add(id)
      await this.#parts.seen.keep(id, key, seen)
      return seenBy(model, seen, { readMs: readAt - startedAt, lookMs: performance.now() - readAt })
    } finally {
      onDevice.dispose()
    }
  }
}

function seenBy(model: TalkingModel, seen: Seen, ms: Pick<SeenBy, 'readMs' | 'lookMs'>): SeenBy {
  return { ...seen, ...ms, model, outside: outsideOf(model.manifest, seen.embeddings) }
}

export function lookedOf({ width, height, photograph, outside, readMs, lookMs }: SeenBy): Looked {
  return { width, height, photograph, outside, readMs, lookMs }
}
