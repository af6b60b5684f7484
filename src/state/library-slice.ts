/** What is kept, as the page shows it. */
import type { Conversation } from '../conversation/conversation.ts'
import type { Saying } from '../messages/note.ts'
import { toFailure, type Failure } from '../pack/failure.ts'
import { failureNote } from './failure-note.ts'
import { Reading } from './read-again.ts'
import type { Shelf } from './shelf.ts'
import type { GetState, SetState } from './store.ts'

export interface LibrarySlice {
  /** Newly begun ones first, then the latest changed. */
  conversations: Conversation[]
  /** The one that is shown; null where a new one would begin. */
  currentId: string | null
  /** Files of all pictures in `conversations`; the bytes stay where the browser keeps them. */
  images: Record<string, Blob>
  /** Something that concerns no single answer: the disk is full, a file cannot be read. */
  libraryFailure: Failure | null
  /** Something that went as it should, but is good to know: what was left aside. */
  aside: Saying | null
  restoreConversations: () => Promise<void>
  dismissLibraryFailure: () => void
  /** Says that something failed which no answer and no model waits for. */
  report: (error: unknown) => void
  remark: (saying: Saying) => void
  dismissRemark: () => void
}

/** The conversation that is shown in Talk; undefined where nothing was said yet. */
export function currentConversation({
  conversations,
  currentId,
}: Pick<LibrarySlice, 'conversations' | 'currentId'>): Conversation | undefined {
  return conversations.find(({ id }) => id === currentId)
}

export function librarySlice(set: SetState, get: GetState, shelf: Shelf): LibrarySlice {
  const kept = new Reading({
    read: () => shelf.restore(),
    said: () => get().libraryFailure,
    say: (libraryFailure) => set({ libraryFailure }),
  })
  return {
    conversations: [],
    currentId: null,
    images: {},
    libraryFailure: null,
    aside: null,
    async restoreConversations() {
      await kept.run()
      get().arrive()
    },
    dismissLibraryFailure: () => set({ libraryFailure: null }),
    report(error) {
      const failure = toFailure(error)
      set({ libraryFailure: failure, announcement: failureNote(failure) })
    },
    remark: (saying) => set({ aside: saying, announcement: saying }),
    dismissRemark: () => set({ aside: null }),
  }
}
