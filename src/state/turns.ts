/** What people do in a conversation: ask, ask again, choose, remove. */
import { idsFrom, lastTurnId, titleOf, type Picture, type Turn } from '../conversation/conversation.ts'
import {
  withAnotherAttempt,
  withChosen,
  withRemoval,
  withTitle,
  withTurn,
  type Removal,
} from '../conversation/kept.ts'
import { LIMITS } from '../conversation/limits.ts'
import { soundName, soundPictureName } from '../conversation/sound.ts'
import type { Note } from '../messages/note.ts'
import { AppError } from '../pack/failure.ts'
import type { Answering } from './answering.ts'
import type { ConversationDependencies, Shelf } from './shelf.ts'
import type { LookAhead } from './look-ahead.ts'
import type { GetState, SetState } from './store.ts'
import { noteRemoval } from './undo.ts'

export interface NamedImage {
  image: Blob
  name: string
}

export interface TurnsSlice {
  /** Questions not sent yet, by conversation, new wordings of those that were, by turn, and what else is typed and not saved. */
  drafts: Record<string, string>
  /** Begins a conversation about a picture, or about several side by side, and captions it. */
  addImages: (images: NamedImage[]) => void
  /** The first letters of a question have its pictures looked at, if the model has not seen them. */
  changeDraft: (text: string) => void
  /** Another wording of a question, not asked yet; an empty one is none. */
  changeWording: (turnId: string, text: string) => void
  /** What is typed into a box and not saved yet, which may be that nothing shall stand there; null once it is. */
  keepTyped: (box: string, text: string | null) => void
  /** Asks the draft, as `ask` does; one that is too long to be asked stays. */
  send: () => void
  /** Asks about every picture of the current conversation; the draft stays. */
  ask: (question: string) => void
  /** Asks again, in the same words or in others: a sibling of that turn. Gives whether it was asked; why not is said. */
  askAgain: (turnId: string, question: string | null) => boolean
  showTurn: (turnId: string) => void
  /** Writes a failed answer again in its place. */
  retry: (turnId: string, pictureId: string) => void
  /** Removes a turn and everything that followed it; a conversation of which nothing would be left goes as a whole. */
  deleteTurn: (turnId: string) => void
  deleteConversation: (id: string) => void
  /** Gives a conversation a name; an empty one has it called by its caption again. */
  renameConversation: (id: string, title: string) => void
}

/** Drafts outlive a reload of their page. Either call may throw. */
export interface DraftStorage {
  load(): unknown
  save(drafts: Record<string, string>): void
}

export interface TurnsDependencies {
  shelf: Shelf
  answering: Answering
  lookAhead: LookAhead
  drafts: DraftStorage
}

export function turnsSlice(
  set: SetState,
  get: GetState,
  { newId, now }: ConversationDependencies,
  { shelf, answering, lookAhead, drafts }: TurnsDependencies,
): TurnsSlice {
  const newTurn = (parent: string | null, question: string | null, pictures: readonly Picture[]): Turn => {
    const waiting = pictures.map(({ id }) => [id, { status: 'waiting', tab: get().tab }] as const)
    return { id: newId(), parent, question, answers: Object.fromEntries(waiting) }
  }

  const keepTyped = (id: string, text: string | null): void => {
    const others = Object.entries(get().drafts).filter(([other]) => other !== id)
    set({ drafts: Object.fromEntries(text === null ? others : [...others, [id, text]]) })
    try {
      drafts.save(get().drafts)
    } catch {
      // A draft that cannot be kept still holds until the page closes.
    }
  }

  const changeDrafts = (id: string, text: string): void => keepTyped(id, text === '' ? null : text)

  /** What is longer could be exported, and the file not be read again. */
  const isTooLong = (question: string | null): boolean => {
    const length = question?.length ?? 0
    if (length > LIMITS.text) get().report(tooLong(length))
    return length > LIMITS.text
  }

  const remove = (conversationId: string, turns: Removal['turns'], label: Note): void => {
    const removal: Removal = { id: newId(), tab: get().tab, turns, status: 'undoable' }
    shelf.change(conversationId, (kept) => withRemoval(kept, removal))
    noteRemoval(set, get, shelf, { removalId: removal.id, conversationId, label })
  }

  return {
    drafts: restored(drafts),
    addImages(images) {
      const added = images.map(({ image, name }) => ({ id: newId(), name, image }))
      const pictures = added.map(({ id, name }) => ({ id, name: soundPictureName(name) }))
      const files = Object.fromEntries(added.map(({ id, image }) => [id, image]))
      const turn = newTurn(null, null, pictures)
      shelf.add({ id: newId(), changedAt: now(), pictures, turns: [turn], chosen: {} }, files)
    },
    changeDraft(text) {
      const conversation = shelf.current()
      if (conversation === undefined) return
      changeDrafts(conversation.id, text)
      if (text.trim() !== '') void lookAhead.look(conversation, () => answering.queue.idle)
    },
    changeWording: changeDrafts,
    keepTyped,
    send() {
      const id = get().currentId ?? ''
      const question = (get().drafts[id] ?? '').trim()
      if (question === '' || isTooLong(question)) return
      changeDrafts(id, '')
      get().ask(question)
    },
    ask(question) {
      const conversation = shelf.current()
      if (conversation === undefined || isTooLong(question)) return
      const turn = newTurn(lastTurnId(conversation), question, conversation.pictures)
      shelf.change(conversation.id, (kept) => withTurn(kept, turn))
    },
    askAgain(turnId, question) {
      const conversation = shelf.current()
      const turn = conversation?.turns.find(({ id }) => id === turnId)
      if (conversation === undefined || turn === undefined || isTooLong(question)) return false
      answering.stopTurn(turnId)
      const again = newTurn(turn.parent, question, conversation.pictures)
      shelf.change(conversation.id, (kept) => withTurn(kept, again))
      return true
    },
    renameConversation(id, title) {
      shelf.change(id, (kept) => withTitle(kept, soundName(title)))
    },
    showTurn(turnId) {
      const conversation = shelf.current()
      const turn = conversation?.turns.find(({ id }) => id === turnId)
      if (conversation !== undefined && turn !== undefined)
        shelf.change(conversation.id, (kept) => withChosen(kept, turn))
    },
    retry(turnId, pictureId) {
      const conversation = shelf.current()
      if (conversation === undefined) return
      shelf.change(conversation.id, (kept) => withAnotherAttempt(kept, turnId, pictureId, get().tab))
      if (get().model.status === 'failed') void get().loadModel()
    },
    deleteTurn(turnId) {
      const conversation = shelf.current()
      const turn = conversation?.turns.find(({ id }) => id === turnId)
      if (conversation === undefined || turn === undefined) return
      const gone = new Set(idsFrom(conversation, turnId))
      // Without its first turns a conversation is only a picture that nothing was said about: that goes too.
      if (gone.size === conversation.turns.length) {
        get().deleteConversation(conversation.id)
        return
      }
      const turns = conversation.turns
        .filter(({ id }) => gone.has(id))
        .map(({ id, parent }) => ({ id, parent }))
      remove(conversation.id, turns, {
        key: 'talk:undo.turns',
        values: { count: turns.length },
      })
    },
    deleteConversation(id) {
      const conversation = shelf.find(id)
      if (conversation !== undefined) {
        const values = { title: titleOf(conversation) }
        remove(id, null, { key: 'talk:undo.conversation', values })
      }
    },
  }
}

function tooLong(length: number): AppError {
  const [has, takes] = [length, LIMITS.text].map((number) => number.toLocaleString('en'))
  return new AppError(
    'prompt-too-long',
    `This question has ${has} characters, and ${takes} are the most that one can have; shorten it.`,
  )
}

/** Drafts as they were kept, whatever lies there. */
function restored(storage: DraftStorage): Record<string, string> {
  try {
    const kept = storage.load()
    const entries: [string, unknown][] = Array.isArray(kept)
      ? []
      : Object.entries({ ...(kept as object | null) })
    return Object.fromEntries(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    )
  } catch {
    return {}
  }
}
