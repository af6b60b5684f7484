/** Pictures come in: what is none is refused in words before a conversation begins. */
import { LIMITS } from '../conversation/limits.ts'
import type { Note, WordKey } from '../messages/note.ts'
import { AppError, toFailure, type Failure } from '../pack/failure.ts'
import { failureNote } from './failure-note.ts'
import type { GetState, SetState } from './store.ts'
import type { NamedImage } from './turns.ts'

export interface TakingSlice {
  /** Begins a conversation about those that are pictures. Says which are none, and begins nothing where none is. */
  takePictures: (images: NamedImage[], aside?: Aside) => Promise<void>
}

/** What is to be said of the files among which the pictures were found. */
export interface Aside {
  /** How many were seen to be none before they were looked into. */
  leftAside: number
  notes: Note[]
}

/** Rejects with the reason when a file's first bytes are not those of a picture that can be read. */
export type CheckPicture = (file: Blob) => Promise<void>

export function takingSlice(set: SetState, get: GetState, check: CheckPicture): TakingSlice {
  return {
    async takePictures(images, { leftAside, notes } = { leftAside: 0, notes: [] }) {
      const pictures: NamedImage[] = []
      const refused: { name: string; failure: Failure }[] = []
      for (const one of images) {
        try {
          if (one.image.size > LIMITS.pictureBytes) throw tooLarge()
          await check(one.image)
          pictures.push(one)
        } catch (error) {
          refused.push({ name: one.name, failure: toFailure(error) })
        }
      }
      if (pictures.length > LIMITS.pictures) {
        get().report(tooMany(pictures.length))
        return
      }
      if (pictures.length > 0) get().addImages(pictures)
      const [first] = refused
      if (first !== undefined && pictures.length === 0) {
        const { name, failure } = first
        const named = { ...failure, message: `${name}: ${failure.message}` }
        set({ libraryFailure: named, announcement: failureNote(named) })
        return
      }
      const all = [
        ...counted('talk:adding.leftAside', leftAside),
        // Among them pictures of a kind that no browser reads, and broken ones.
        ...counted('talk:adding.unread', refused.length),
        ...notes,
      ]
      if (all.length > 0) get().remark(all)
    },
  }
}

function tooLarge(): AppError {
  return new AppError('image-too-large', 'The file is larger than 1 GiB, the most that a picture can have.')
}

function tooMany(count: number): AppError {
  const [has, takes] = [count, LIMITS.pictures].map((number) => number.toLocaleString('en'))
  return new AppError(
    'bad-usage',
    `These are ${has} pictures, and ${takes} are the most that can be compared; choose fewer, or open their folder in the studio or in search.`,
  )
}

function counted(key: WordKey, count: number): Note[] {
  return count === 0 ? [] : [{ key, values: { count } }]
}
