/** The last removals, to be taken back one after the other. */
import { withUndone } from '../conversation/kept.ts'
import type { Note } from '../messages/note.ts'
import type { Shelf } from './shelf.ts'
import type { GetState, SetState } from './store.ts'

/** One removal that can still be undone. */
export interface Undoable {
  removalId: string
  conversationId: string
  /** What happened, in one sentence. */
  label: Note
}

export interface UndoSlice {
  /** The latest last. */
  undoable: Undoable[]
  /** Whether it is offered: not after people have waved it away, until they remove something else. */
  offersUndo: boolean
  /** The first turn that the last Undo brought back, until the next removal or the offer is waved away. */
  cameBack: string | null
  /** Brings back what was removed last. What was said since then stays. */
  undo: () => void
  dismissUndo: () => void
}

/** How many removals can be taken back; what went before them is let go of. */
export const MOST_UNDOABLE = 20

export function undoSlice(set: SetState, get: GetState, shelf: Shelf): UndoSlice {
  return {
    undoable: [],
    offersUndo: false,
    cameBack: null,
    undo() {
      const last = get().undoable.at(-1)
      if (last === undefined) return
      const rest = get().undoable.slice(0, -1)
      const stood = new Set(shelf.find(last.conversationId)?.turns.map(({ id }) => id))
      set({ undoable: rest, offersUndo: rest.length > 0, announcement: { key: 'talk:undo.done' } })
      shelf.change(last.conversationId, (kept) => withUndone(kept, last.removalId))
      const conversation = shelf.find(last.conversationId)
      if (conversation === undefined) return
      const cameBack = conversation.turns.find(({ id }) => !stood.has(id))?.id ?? null
      set({ place: 'talk', currentId: conversation.id, cameBack })
      shelf.keepPictures(conversation)
    },
    dismissUndo: () => set({ offersUndo: false, cameBack: null }),
  }
}

/** Notes a removal that has just been made, and makes the oldest final where there are too many. */
export function noteRemoval(set: SetState, get: GetState, shelf: Shelf, removal: Undoable): void {
  const undoable = [...get().undoable, removal]
  for (const oldest of undoable.splice(0, Math.max(0, undoable.length - MOST_UNDOABLE)))
    shelf.finalise(oldest.conversationId, oldest.removalId)
  set({
    undoable,
    offersUndo: true,
    cameBack: null,
    announcement: [removal.label, { key: 'talk:undo.hint' }],
  })
}
