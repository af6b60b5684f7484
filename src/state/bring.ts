import { toKept, type KeptConversation } from '../conversation/kept.ts'
import type { Exported } from '../conversation/export-format.ts'
import type { ConversationLibrary } from '../conversation/library.ts'
import { throwIfCancelled } from '../pack/failure.ts'

export interface Brought {
  conversations: KeptConversation[]
  images: Record<string, Blob>
}

/**
 * Keeps conversations that were brought from elsewhere: all, or none when something cannot be kept or `signal` fires.
 * `onBytes` hears of each picture that is kept; `now` is in milliseconds since 1970.
 */
export async function keepBrought(
  library: ConversationLibrary,
  { conversations, pictures }: Exported,
  { now, signal, onBytes }: { now: number; signal: AbortSignal; onBytes: (bytes: number) => void },
): Promise<Brought> {
  const images: Record<string, Blob> = {}
  const kept = conversations.map((one) => ({ ...toKept(one), revision: 1 }))
  try {
    // A conversation without its pictures is of less use than none, so they come first.
    for (const { id, image } of pictures) {
      throwIfCancelled(signal)
      await library.keepPicture({ id, image, addedAt: now })
      // What was brought lies in a file that may be deleted; from now on it is the copy that is kept here.
      images[id] = (await library.picture(id))?.image ?? image
      onBytes(image.size)
    }
    throwIfCancelled(signal)
    await library.addAll(kept)
  } catch (error) {
    // What cannot be cleared away now is cleared away at another visit.
    await library.removePictures(pictures.map(({ id }) => id)).catch(() => undefined)
    throw error
  }
  return { conversations: kept, images }
}
