/** What people change of captions: one by one, or many as one step that can be undone. */
import { throwIfCancelled } from '../../pack/failure.ts'
import { altTextFrom } from '../../studio/alt-text.ts'
import { captionOf, withCaption, withVersion, type CaptionedPicture } from '../../studio/caption.ts'
import { pictureHash } from '../../studio/duplicates.ts'
import { applyChanges, type Change } from '../../studio/edits.ts'
import { redo, remember, undo, type History, type Travelled } from '../../studio/history.ts'
import type { Room } from './room.ts'
import type { StudioDependencies } from './studio-slice.ts'

export class Correcting {
  readonly #room: Room
  readonly #dependencies: StudioDependencies

  constructor(room: Room, dependencies: StudioDependencies) {
    this.#room = room
    this.#dependencies = dependencies
  }

  write(path: string, text: string): void {
    this.#room.keepTyped('caption', path, null)
    const at = this.#dependencies.now()
    this.#change(path, (picture) => {
      if (text.trim() === captionOf(picture)) return acceptedOf(picture)
      return withCaption(picture, { text: text.trim(), by: { kind: 'person' }, at, score: null })
    })
  }

  /** With what is typed of it, where something is. */
  accept(path: string): void {
    const typed = this.#room.typed('caption', path)
    if (typed === undefined) this.#change(path, acceptedOf)
    else this.write(path, typed)
  }

  takeVersion(path: string, index: number): void {
    this.#room.keepTyped('caption', path, null)
    this.#change(path, (picture) => acceptedOf(withVersion(picture, index, this.#dependencies.now())))
  }

  takeCandidate(path: string, index: number): void {
    this.#room.keepTyped('caption', path, null)
    this.#change(path, (picture) => {
      const candidate = picture.candidates[index]
      const by = picture.versions.map((version) => version.by).findLast(({ kind }) => kind === 'model')
      if (candidate === undefined || by === undefined) return picture
      const version = { ...candidate, by, at: this.#dependencies.now() }
      return acceptedOf(withCaption(picture, version))
    })
  }

  writeAltText(path: string, text: string): void {
    this.#room.keepTyped('alt-text', path, null)
    const altText = text.trim()
    this.#change(path, (picture) =>
      altText === picture.altText
        ? altAcceptedOf(picture)
        : { ...picture, altText, altAccepted: altText !== '' },
    )
  }

  writeLongDescription(path: string, text: string): void {
    this.#room.keepTyped('long-description', path, null)
    const longDescription = text.trim()
    this.#change(path, (picture) =>
      longDescription === picture.longDescription ? picture : { ...picture, longDescription },
    )
  }

  acceptAltText(path: string): void {
    const typed = this.#room.typed('alt-text', path)
    if (typed === undefined) this.#change(path, altAcceptedOf)
    else this.writeAltText(path, typed)
  }

  fillAltTexts(paths: readonly string[]): number {
    const among = new Set(paths)
    const { pictures } = this.#room.studio
    const filled = pictures.map((picture) => {
      const isWanted = among.has(picture.path) && picture.altText === ''
      const altText = isWanted ? altTextFrom(captionOf(picture)) : ''
      return altText === '' ? picture : { ...picture, altText, altAccepted: false }
    })
    return this.#step('alt-text', filled)
  }

  apply(changes: readonly Change[], step: string): void {
    this.#step(step, applyChanges(this.#room.studio.pictures, changes, step, this.#dependencies.now()))
  }

  undo(): void {
    this.#travel(undo(this.#room.studio.pictures, this.#room.studio.history))
  }

  redo(): void {
    this.#travel(redo(this.#room.studio.pictures, this.#room.studio.history))
  }

  async findSamePictures(): Promise<void> {
    if (this.#room.studio.printing !== null) return
    const signal = this.#room.begin('printing')
    const { pictures } = this.#room.studio
    const prints = new Map<string, string>()
    try {
      for (const [i, { path }] of pictures.entries()) {
        throwIfCancelled(signal)
        if (i % 10 === 0) this.#room.show({ printing: { done: i, total: pictures.length } })
        // What cannot be drawn has no print, and that it cannot be is said where it is captioned.
        const rows = await this.#room
          .file(path)
          .then(this.#dependencies.smallRows)
          .catch(() => null)
        if (rows !== null) prints.set(path, pictureHash(rows))
      }
      throwIfCancelled(signal)
      this.#room.show({ prints })
    } catch (error) {
      this.#room.fail(error)
    } finally {
      if (this.#room.isOfThis('printing', signal)) this.#room.show({ printing: null })
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
    const id = this.#dependencies.newId()
    this.#keep(remember(history, { id, name }, pictures, after), changed)
    return changed.length
  }

  #travel({ pictures, history }: Travelled): void {
    const before = this.#room.studio.pictures
    this.#keep(
      history,
      pictures.filter((picture, i) => picture !== before[i]),
    )
  }

  #keep(history: History, changed: readonly CaptionedPicture[]): void {
    // That something cannot be kept is shown by the room. A step that is kept and has not happened takes nothing back.
    void this.#room.changeHistory(history).catch(() => undefined)
    void this.#room.put(changed).catch(() => undefined)
  }
}

function acceptedOf(picture: CaptionedPicture): CaptionedPicture {
  return captionOf(picture) === '' || picture.accepted ? picture : { ...picture, accepted: true }
}

function altAcceptedOf(picture: CaptionedPicture): CaptionedPicture {
  return picture.altText === '' || picture.altAccepted ? picture : { ...picture, altAccepted: true }
}
