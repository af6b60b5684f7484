/** What this browser does not let the page keep or have. It answers all the same, and says so once. */
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
  withheld: string[]
  noteWithheld: (facts: Withheld) => void
  dismissWithheld: () => void
}

export function withheldSlice(set: SetState): WithheldSlice {
  return {
    withheld: [],
    noteWithheld(facts) {
      const withheld = withheldSentences(facts)
      if (withheld.length > 0) set({ withheld, announcement: withheld.join(' ') })
    },
    dismissWithheld: () => set({ withheld: [] }),
  }
}

const WHY = {
  absent: 'This browser has no storage for pages',
  blocked: 'This browser lets the page keep nothing (a private window, or site data is blocked)',
}

export function withheldSentences({ secure, database, settings }: Withheld): string[] {
  const sentences: string[] = []
  if (database !== null) {
    const what = settings ? 'conversations' : 'conversations and settings'
    sentences.push(
      `${WHY[database]}: ${what} last until it is closed, and no other model can be added. Export what you want to keep.`,
    )
  } else if (!settings)
    sentences.push('This browser keeps no settings of this page; they last until it is closed.')
  if (!secure)
    sentences.push(
      'The page came over plain http, for which browsers withhold the graphics card and starting without a connection: answers are computed on the processor. Open it over https, or on this machine at localhost, for both.',
    )
  return sentences
}
