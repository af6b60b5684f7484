/** Where conversations are kept between visits. Implemented in `store`, handed to `state`. */
import type { Conversation } from './conversation.ts'

/** A picture's file, and what the model saw in it. */
export interface StoredPicture {
  id: string
  image: Blob
  seen: SeenPicture | null
}

export interface SeenPicture {
  /** What the embeddings depend on: see `lookKey`. Another model has to look again. */
  model: string
  /** Query embeddings, float32 [queries, text hidden]. */
  embeddings: Float32Array<ArrayBuffer>
}

export interface ConversationLibrary {
  conversations(): Promise<Conversation[]>
  save(conversation: Conversation): Promise<void>
  remove(conversationId: string): Promise<void>
  picture(pictureId: string): Promise<StoredPicture | undefined>
  savePicture(picture: StoredPicture): Promise<void>
  removePicture(pictureId: string): Promise<void>
}
