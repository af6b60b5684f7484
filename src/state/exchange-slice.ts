/** Conversations out as a file, and in again. */
import { fromJson, toJson, toMarkdown } from '../conversation/exchange.ts'
import { AppError, toFailure } from '../pack/failure.ts'
import type { ConversationSources, Shelf } from './library.ts'
import type { GetState, SetState } from './store.ts'

export interface ExchangeSlice {
  exportAll: () => Promise<Blob>
  exportMarkdown: (id: string) => Blob
  importFile: (file: Blob) => Promise<void>
}

export function exchangeSlice(
  set: SetState,
  get: GetState,
  { newId }: ConversationSources,
  shelf: Shelf,
): ExchangeSlice {
  return {
    async exportAll() {
      const { conversations, images } = get()
      const pictures = Object.entries(images).map(([id, image]) => ({ id, image }))
      const used = new Set(conversations.flatMap((one) => one.pictures.map(({ id }) => id)))
      const text = await toJson({ conversations, pictures: pictures.filter(({ id }) => used.has(id)) })
      return new Blob([text], { type: 'application/json' })
    },
    exportMarkdown(id) {
      const conversation = shelf.find(id)
      if (conversation === undefined) throw new AppError('bug', 'That conversation is gone.')
      return new Blob([toMarkdown(conversation)], { type: 'text/markdown' })
    },
    async importFile(file) {
      try {
        const { conversations, pictures } = fromJson(await file.text(), newId)
        const files = new Map(pictures.map(({ id, image }) => [id, image]))
        for (const conversation of conversations.toReversed()) {
          const images = conversation.pictures.flatMap(({ id }) => {
            const image = files.get(id)
            return image === undefined ? [] : [[id, image] as const]
          })
          await shelf.bring(conversation, Object.fromEntries(images))
        }
        set({
          currentId: conversations[0]?.id ?? get().currentId,
          announcement: `${conversations.length} conversations were added.`,
        })
      } catch (error) {
        set({ libraryFailure: toFailure(error) })
      }
    },
  }
}
