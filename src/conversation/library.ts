/** Where conversations are kept between visits, and how pages of one browser know of each other. Implemented in `store`. */
import type { KeptConversation } from './kept.ts'

/** A picture's file. */
export interface StoredPicture {
  id: string
  image: Blob
  /** Milliseconds since 1970; absent for pictures that were kept before this was noted. */
  addedAt?: number
}

/** Every call throws `no-space` when the disk is full. */
export interface ConversationLibrary {
  /** All that is kept, what is removed included; and how many entries are damaged, which stay as they are. */
  conversations(): Promise<{ kept: KeptConversation[]; damaged: number }>
  /** Undefined when it is not there, or damaged. */
  conversation(id: string): Promise<KeptConversation | undefined>
  /** Merges a conversation into what is kept of it, in one step, and returns what is kept now. */
  merge(conversation: KeptConversation): Promise<KeptConversation>
  /** Keeps conversations that nobody knows yet: all or, when it rejects, none. */
  addAll(conversations: readonly KeptConversation[]): Promise<void>
  /** Lets go of a conversation, even of its having been removed. */
  forget(conversationIds: readonly string[]): Promise<void>
  /** Undefined when it is not there, or its file is lost. */
  picture(id: string): Promise<StoredPicture | undefined>
  pictureIds(): Promise<string[]>
  keepPicture(picture: StoredPicture): Promise<void>
  removePictures(ids: readonly string[]): Promise<void>
}

/** What one page tells the others. */
export type TabNews<Progress> =
  /** A conversation was written where it is kept. */
  | { kind: 'changed'; conversationId: string; revision: number }
  /** Conversations that no page knows yet were written there, in the order in which they are shown. */
  | { kind: 'brought'; conversationIds: readonly string[] }
  /** How far an answer is; null once it is settled. */
  | { kind: 'progress'; tab: string; conversationId: string; answer: string; progress: Progress | null }

/** This page among those of the same site in this browser. */
export interface Tabs<Progress> {
  /** This page's; another at each visit. */
  id: string
  /** Settles once the others can tell that this page is there. */
  present: Promise<void>
  /** Resolves when the page with this id is gone, at once if it is gone already. */
  untilGone(tab: string): Promise<void>
  post(news: TabNews<Progress>): void
  listen(hear: (news: TabNews<Progress>) => void): void
}
