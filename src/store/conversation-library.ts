/** Conversations and their pictures in two tables: one entry each, so that a turn never rewrites a picture. */
import { fromEarlierVersion, type EarlierConversation, type KeptConversation } from '../conversation/kept.ts'
import type { ConversationLibrary, StoredPicture } from '../conversation/library.ts'
import { merge } from '../conversation/merge.ts'
import { AppError } from '../pack/failure.ts'
import { browserTable } from './indexed-db.ts'
import type { Table } from './table.ts'

/** Earlier versions kept no revision. */
export type ConversationRecord = KeptConversation | EarlierConversation

export interface LibraryTables {
  conversations: Table<ConversationRecord>
  pictures: Table<StoredPicture>
}

/** The library of this browser, shared by all tabs of the site. */
export function openConversationLibrary(): ConversationLibrary {
  return conversationLibrary({
    conversations: browserTable('pictalk-conversations', 'conversations'),
    pictures: browserTable('pictalk-pictures', 'pictures'),
  })
}

export function conversationLibrary({ conversations, pictures }: LibraryTables): ConversationLibrary {
  return {
    conversations: async () => (await conversations.values()).map(present),
    conversation: async (id) => {
      const record = await conversations.get(id)
      return record === undefined ? undefined : present(record)
    },
    async merge(conversation) {
      let merged = conversation
      // A stale page can only add to what others have written since: what lies there is read in the same step.
      await conversations
        .update(conversation.id, (record) => {
          const kept = record === undefined ? null : present(record)
          const both = kept === null ? conversation : merge(kept, conversation)
          return (merged = { ...both, revision: (kept?.revision ?? 0) + 1 })
        })
        .catch(explain)
      return merged
    },
    forget: (ids) => conversations.remove(ids),
    picture: (id) => pictures.get(id),
    pictureIds: () => pictures.keys(),
    savePicture: (picture) => pictures.set(picture.id, picture).catch(explain),
    removePictures: (ids) => pictures.remove(ids),
  }
}

function present(record: ConversationRecord): KeptConversation {
  return 'revision' in record ? record : fromEarlierVersion(record)
}

/** The table's own words are about models. */
function explain(cause: unknown): never {
  if (!(cause instanceof AppError && cause.code === 'no-space')) throw cause
  throw new AppError(
    'no-space',
    'The disk is full, so this conversation cannot be kept; delete old ones or free some space.',
    { cause },
  )
}
