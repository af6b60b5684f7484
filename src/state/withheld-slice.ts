/** What this browser does not let the page keep or have. It answers all the same, and says so once. */
import type { Note } from '../messages/note.ts'
import type { SetState } from './store.ts'

export interface Withheld {
  /** False for a page that came over plain http from another machine. */
  secure: boolean
  /** Why neither conversations nor models outlive the page; null when they do. */
  database: 'absent' | 'blocked' | null
  /** Whether settings outlive the page. */
  settings: boolean
}

export interface WithheldSlice {
  /** What is not kept or not to be had, and why, a sentence or two each; empty when there is nothing, and once it was read. */
  withheld: readonly Note[]
  /** Neither conversations nor models outlive the page. */
  keepsNothing: boolean
  noteWithheld: (facts: Withheld) => void
  dismissWithheld: () => void
}

export function withheldSlice(set: SetState): WithheldSlice {
  return {
    withheld: [],
    keepsNothing: false,
    noteWithheld(facts) {
      const withheld = withheldNotes(facts)
      set({
        keepsNothing: facts.database !== null,
        ...(withheld.length > 0 && { withheld, announcement: withheld }),
      })
    },
    dismissWithheld: () => set({ withheld: [] }),
  }
}

export function withheldNotes({ secure, database, settings }: Withheld): Note[] {
  const notes: Note[] = []
  if (database !== null)
    notes.push({ key: settings ? `shell:withheld.${database}` : `shell:withheld.${database}NorSettings` })
  else if (!settings) notes.push({ key: 'shell:withheld.settings' })
  if (!secure) notes.push({ key: 'shell:withheld.insecure' })
  return notes
}
