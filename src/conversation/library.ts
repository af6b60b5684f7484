/** Where conversations are kept between visits. Implemented in `store`, handed to `state`. */
import type { Conversation } from './conversation.ts'

export interface StoredPicture {
  id: string
  image: Blob
}

export interface ConversationLibrary {
  conversations(): Promise<Conversation[]>
  save(conversation: Conversation): Promise<void>
  remove(conversationId: string): Promise<void>
  picture(pictureId: string): Promise<StoredPicture | undefined>
  savePicture(picture: StoredPicture): Promise<void>
  removePicture(pictureId: string): Promise<void>
}
