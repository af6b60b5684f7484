/** Conversations and their pictures in IndexedDB: one entry each, so that a turn never rewrites a picture. */
import { createStore, del, get, set, values, type UseStore } from 'idb-keyval'
import { afterReload, type Conversation } from '../conversation/conversation.ts'
import type { ConversationLibrary, StoredPicture } from '../conversation/library.ts'
import { AppError } from '../pack/failure.ts'

/** Opens the library. Every call throws `no-space` when the disk is full and `bug` for anything else unforeseen. */
export function openConversationLibrary(): ConversationLibrary {
  const conversations = createStore('pictalk-conversations', 'conversations')
  const pictures = createStore('pictalk-pictures', 'pictures')
  return {
    async conversations() {
      const all = await values<Conversation>(conversations)
      return all.map(afterReload).sort((a, b) => b.changedAt - a.changedAt)
    },
    save: (conversation) => put(conversation.id, conversation, conversations),
    remove: (id) => del(id, conversations),
    picture: (id) => get<StoredPicture>(id, pictures),
    savePicture: (picture) => put(picture.id, picture, pictures),
    removePicture: (id) => del(id, pictures),
  }
}

async function put(key: string, value: unknown, store: UseStore): Promise<void> {
  try {
    await set(key, value, store)
  } catch (cause) {
    if (!(cause instanceof DOMException && cause.name === 'QuotaExceededError')) throw cause
    throw new AppError(
      'no-space',
      'The disk is full, so this conversation cannot be kept; delete old ones or free some space.',
      { cause },
    )
  }
}
