/** Conversations and their pictures in two tables: one entry each, so that a turn never rewrites a picture. */
import type { Conversation } from '../conversation/conversation.ts'
import { toKept, type KeptConversation } from '../conversation/kept.ts'
import type { ConversationLibrary, StoredPicture } from '../conversation/library.ts'
import { merge } from '../conversation/merge.ts'
import { soundConversation, soundKept } from '../conversation/sound.ts'
import { isRecord } from '../pack/json.ts'
import { AppError } from '../pack/failure.ts'
import { browserTable, type OpenTable } from './indexed-db.ts'
import type { Table } from './table.ts'

/** Earlier versions kept a conversation as it was shown. What lies on somebody's disk may have become anything. */
export type ConversationRecord = KeptConversation | Conversation

export interface LibraryTables {
  conversations: Table<ConversationRecord>
  pictures: Table<StoredPicture>
}

/** The library of this browser, shared by all tabs of the site. */
export function openConversationLibrary(open: OpenTable = browserTable): ConversationLibrary {
  return conversationLibrary({
    conversations: open('pictalk-conversations', { objectStore: 'conversations' }),
    pictures: open('pictalk-pictures', { objectStore: 'pictures' }),
  })
}

export function conversationLibrary({ conversations, pictures }: LibraryTables): ConversationLibrary {
  return {
    async conversations() {
      const kept = (await conversations.values()).map(sound)
      const whole = kept.filter((one) => one !== undefined)
      return { kept: whole, damaged: kept.length - whole.length }
    },
    conversation: async (id) => sound(await conversations.get(id)),
    async merge(conversation) {
      let merged = conversation
      // A stale page can only add to what others have written since: what lies there is read in the same step.
      await conversations
        .update(conversation.id, (record) => {
          const kept = sound(record)
          const both = kept === undefined ? conversation : merge(kept, conversation)
          return (merged = { ...both, revision: (kept?.revision ?? 0) + 1 })
        })
        .catch(explain)
      return merged
    },
    addAll: (added) => conversations.setAll(added.map((one) => [one.id, one])).catch(explain),
    forget: (ids) => conversations.remove(ids),
    async picture(id) {
      const stored = await pictures.get(id)
      return stored?.image instanceof Blob ? stored : undefined
    },
    pictureIds: () => pictures.keys(),
    keepPicture: (picture) => pictures.set(picture.id, picture).catch(explain),
    removePictures: (ids) => pictures.remove(ids),
  }
}

/** What is kept in an entry, whichever version wrote it; undefined when there is none or it is damaged. */
function sound(entry: unknown): KeptConversation | undefined {
  if (entry === undefined) return undefined
  try {
    return isRecord(entry) && 'revision' in entry ? soundKept(entry) : toKept(soundConversation(entry))
  } catch (cause) {
    console.warn('A kept conversation is damaged.', cause)
    return undefined
  }
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
