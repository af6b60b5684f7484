/** What people change of captions: one by one, or many as one step that can be undone. */
import { throwIfCancelled } from '../../pack/failure.ts'
import { altTextFrom } from '../../studio/alt-text.ts'
import { captionOf, withCaption, withVersion, type CaptionedPicture } from '../../studio/caption.ts'
import { pictureHash } from '../../studio/duplicates.ts'
import {
  applyChanges,
  planEdit,
  redo,
  remember,
  undo,
  type BulkEdit,
  type Change,
  type Travelled,
} from '../../studio/edits.ts'
import type { Room } from './room.ts'
import type { StudioSources } from './studio-slice.ts'

export class Correcting {
  readonly #room: Room
  readonly #sources: StudioSources

  constructor(room: Room, sources: StudioSources) {
    this.#room = room
    this.#sources = sources
  }

  write(path: string, text: string): void {
    const at = this.#sources.now()
    this.#change(path, (picture) => {
      if (text.trim() === captionOf(picture)) return { ...picture, accepted: true }
      return withCaption(picture, { text: text.trim(), by: { kind: 'person' }, at, score: null })
    })
  }

  accept(path: string): void {
    this.#change(path, (picture) =>
      captionOf(picture) === '' || picture.accepted ? picture : { ...picture, accepted: true },
    )
  }

  takeVersion(path: string, index: number): void {
    this.#change(path, (picture) => ({ ...withVersion(picture, index, this.#sources.now()), accepted: true }))
  }

  takeCandidate(path: string, index: number): void {
    this.#change(path, (picture) => {
      const candidate = picture.candidates[index]
      const by = picture.versions.map((version) => version.by).findLast(({ kind }) => kind === 'model')
      if (candidate === undefined || by === undefined) return picture
      const version = { ...candidate, by, at: this.#sources.now() }
      return { ...withCaption(picture, version), accepted: true }
    })
  }

  writeAltText(path: string, text: string): void {
    this.#change(path, (picture) => ({ ...picture, altText: text.trim(), altAccepted: true }))
  }

  writeLongDescription(path: string, text: string): void {
    this.#change(path, (picture) => ({ ...picture, longDescription: text.trim() }))
  }

  acceptAltText(path: string): void {
    this.#change(path, (picture) =>
      picture.altText === '' || picture.altAccepted ? picture : { ...picture, altAccepted: true },
    )
  }

  fillAltTexts(): number {
    const { pictures } = this.#room.studio
    const filled = pictures.map((picture) => {
      const altText = picture.altText === '' ? altTextFrom(captionOf(picture)) : ''
      return altText === '' ? picture : { ...picture, altText, altAccepted: false }
    })
    return this.#step('alt-text', filled)
  }

  plan(edit: BulkEdit, among: readonly CaptionedPicture[]): Change[] {
    return planEdit(among, edit)
  }

  apply(changes: readonly Change[], step: string): void {
    this.#step(step, applyChanges(this.#room.studio.pictures, changes, step, this.#sources.now()))
  }

  undo(): void {
    this.#travel(undo(this.#room.studio.pictures, this.#room.studio.history))
  }

  redo(): void {
    this.#travel(redo(this.#room.studio.pictures, this.#room.studio.history))
  }

  async findSamePictures(): Promise<void> {
    const signal = this.#room.begin()
    const { pictures } = this.#room.studio
    const prints = new Map<string, string>()
    try {
      for (const [i, { path }] of pictures.entries()) {
        throwIfCancelled(signal)
        if (i % 10 === 0) this.#room.show({ printing: { done: i, total: pictures.length } })
        // What cannot be drawn has no print, and that it cannot be is said where it is captioned.
        const rows = await this.#room
          .file(path)
          .then(this.#sources.smallRows)
          .catch(() => null)
        if (rows !== null) prints.set(path, pictureHash(rows))
      }
      this.#room.show({ prints })
    } catch (error) {
      this.#room.fail(error)
    } finally {
      this.#room.show({ printing: null })
    }
  }

  /** One picture is a step, too, so that the last thing that was done is always what is taken back first. */
  #change(path: string, change: (picture: CaptionedPicture) => CaptionedPicture): void {
    this.#step(
      'one',
      this.#room.studio.pictures.map((picture) => (picture.path === path ? change(picture) : picture)),
    )
  }

  /** Shows and keeps a step, and remembers how it was. Gives how many have changed. */
  #step(name: string, after: readonly CaptionedPicture[]): number {
    const { pictures, history } = this.#room.studio
    const changed = after.filter((picture, i) => picture !== pictures[i])
    if (changed.length === 0) return 0
    this.#room.show({ history: remember(history, name, pictures, after) })
    this.#keep(changed)
    return changed.length
  }

  #travel({ pictures, history }: Travelled): void {
    const before = this.#room.studio.pictures
    this.#room.show({ history })
    this.#keep(pictures.filter((picture, i) => picture !== before[i]))
  }

  #keep(changed: readonly CaptionedPicture[]): void {
    // That something cannot be kept is shown by the room.
    void this.#room.put(changed).catch(() => undefined)
  }
}
