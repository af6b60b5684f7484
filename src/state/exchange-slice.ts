/** Conversations out as a file, and in again. One at a time; either can be cancelled. */
import { writeArchive } from '../conversation/archive-file.ts'
import type { Conversation } from '../conversation/conversation.ts'
import { readExport } from '../conversation/exchange.ts'
import { LIMITS } from '../conversation/limits.ts'
import { toMarkdown } from '../conversation/markdown.ts'
import type { Note } from '../messages/note.ts'
import { AppError, toFailure } from '../pack/failure.ts'
import { keepBrought } from './bring.ts'
import { failureNote } from './failure-note.ts'
import type { ConversationDependencies, Shelf } from './shelf.ts'
import type { GetState, SetState } from './store.ts'

/** What is on its way. Bytes of pictures, or of the file. */
export interface Exchange {
  doing: 'exporting' | 'importing'
  doneBytes: number
  totalBytes: number
}

export interface ExchangeSlice {
  exchange: Exchange | null
  /** Offers all conversations with their pictures as one file. */
  exportAll: () => Promise<void>
  /** Offers what is shown of a conversation as text. */
  exportMarkdown: (id: string) => void
  /** Adds the conversations of an exported file to those that are here: all of them, or none. */
  importFile: (file: Blob) => Promise<void>
  cancelExchange: () => void
}

/** Hands a file to the browser's downloads. */
type OfferFile = (file: Blob, name: string) => void

export function exchangeSlice(
  set: SetState,
  get: GetState,
  { library, newId, now }: ConversationDependencies,
  shelf: Shelf,
  offerFile: OfferFile,
): ExchangeSlice {
  let running: AbortController | null = null

  /** Does one thing with its progress. What becomes of it is said, whatever it is. */
  async function run(
    doing: Exchange['doing'],
    totalBytes: number,
    work: (signal: AbortSignal, onBytes: (bytes: number) => void) => Promise<readonly Note[]>,
  ): Promise<void> {
    if (running !== null) return
    running = new AbortController()
    const { signal } = running
    set({ exchange: { doing, doneBytes: 0, totalBytes }, libraryFailure: null })
    const onBytes = (bytes: number): void => {
      const { exchange } = get()
      if (exchange !== null) set({ exchange: { ...exchange, doneBytes: exchange.doneBytes + bytes } })
    }
    try {
      set({ announcement: await work(signal, onBytes) })
    } catch (error) {
      const failure = toFailure(error)
      if (failure.code === 'cancelled') set({ announcement: CANCELLED[doing] })
      else set({ libraryFailure: failure, announcement: failureNote(failure) })
    } finally {
      running = null
      set({ exchange: null })
    }
  }

  /** The file of a picture: the copy that is kept, or where nothing is kept the one that was dropped. */
  async function imageOf(id: string): Promise<Blob | undefined> {
    const stored = await library.picture(id).catch(() => undefined)
    return stored?.image ?? get().images[id]
  }

  return {
    exchange: null,
    async exportAll() {
      const { conversations, images } = get()
      const used = new Set(conversations.flatMap(({ pictures }) => pictures.map(({ id }) => id)))
      const totalBytes = [...used].reduce((sum, id) => sum + (images[id]?.size ?? 0), 0)
      await run('exporting', totalBytes, async (signal, onBytes) => {
        const modified = new Date(now())
        const { file, lost } = await writeArchive(conversations, imageOf, { modified, signal, onBytes })
        offerFile(file, `pictalk-conversations-${modified.toISOString().slice(0, 10)}.zip`)
        const left: Note[] = lost === 0 ? [] : [{ key: 'shell:said.lost', values: { count: lost } }]
        return [{ key: 'shell:said.exported', values: { count: conversations.length } }, ...left]
      })
    },
    exportMarkdown(id) {
      const conversation = shelf.find(id)
      if (conversation === undefined) return
      offerFile(new Blob([toMarkdown(conversation)], { type: 'text/markdown' }), 'conversation.md')
    },
    async importFile(file) {
      // Every byte is read to be checked, and once more to be kept.
      await run('importing', 2 * file.size, async (signal, onBytes) => {
        const exported = await readable(readExport(file, newId, { signal, onBytes }))
        checkRoom(exported.conversations, get().conversations)
        const brought = await keepBrought(library, exported, { now: now(), signal, onBytes })
        shelf.show(brought.conversations, brought.images)
        return [{ key: 'shell:said.imported', values: { count: brought.conversations.length } }]
      })
    },
    cancelExchange() {
      running?.abort()
    },
  }
}

const CANCELLED = {
  exporting: { key: 'shell:said.notExported' },
  importing: { key: 'shell:said.notImported' },
} as const satisfies Record<string, Note>

/** A file that was chosen can be gone or changed by the time it is read. */
async function readable<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('bad-file', 'This file can no longer be read; choose it again.', { cause })
  }
}

/** What is here is to fit into one file again, which can be read. */
function checkRoom(added: readonly Conversation[], present: readonly Conversation[]): void {
  const all = [...added, ...present]
  atMostHere(all.length, LIMITS.conversations, 'conversations')
  atMostHere(
    all.reduce((sum, { turns }) => sum + turns.length, 0),
    LIMITS.allTurns,
    'questions and captions',
  )
}

function atMostHere(count: number, most: number, what: string): void {
  if (count <= most) return
  const [all, takes] = [count, most].map((number) => number.toLocaleString('en'))
  throw new AppError(
    'bad-file',
    `With this file there would be ${all} ${what} here, and ${takes} are the most; delete some conversations first.`,
  )
}
