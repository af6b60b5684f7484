/** What is kept, as the page shows it. */
import type { Conversation } from '../conversation/conversation.ts'
import { toFailure, type Failure } from '../pack/failure.ts'
import type { Shelf } from './shelf.ts'
import type { SetState } from './store.ts'

export interface LibrarySlice {
  /** Newly begun ones first, then the latest changed. */
  conversations: Conversation[]
  /** The one that is shown; null before the first picture. */
  currentId: string | null
  /** Files of all pictures in `conversations`; the bytes stay where the browser keeps them. */
  images: Record<string, Blob>
  /** Something that concerns no single answer: the disk is full, a file cannot be read. */
  libraryFailure: Failure | null
  /** Something that went as it should, but is good to know: what was left aside. */
  aside: string | null
  restoreConversations: () => Promise<void>
  openConversation: (id: string) => void
  dismissLibraryFailure: () => void
  /** Says that something failed which no answer and no model waits for. */
  report: (error: unknown) => void
  remark: (sentence: string) => void
  dismissRemark: () => void
}

export function librarySlice(set: SetState, shelf: Shelf): LibrarySlice {
  return {
    conversations: [],
    currentId: null,
    images: {},
    libraryFailure: null,
    aside: null,
    async restoreConversations() {
      try {
        await shelf.restore()
      } catch (error) {
        set({ libraryFailure: toFailure(error) })
      }
    },
    openConversation: (id) => set({ currentId: id }),
    dismissLibraryFailure: () => set({ libraryFailure: null }),
    report(error) {
      const failure = toFailure(error)
      set({ libraryFailure: failure, announcement: failure.message })
    },
    remark: (sentence) => set({ aside: sentence, announcement: sentence }),
    dismissRemark: () => set({ aside: null }),
  }
}
