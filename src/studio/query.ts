/** What people write into a search field: words that must all occur, `-word` that must not, `"two words"`, `path:summer`. */

export interface Term {
  text: string
  /** Whose text it is looked for in. */
  in: 'caption' | 'path'
  isWanted: boolean
}

const TERMS = /(-?)(path:)?(?:"([^"]*)"?|([^\s"][^\s]*))/g

/** In their order; a phrase whose end is not written yet goes to the end of the text. */
export function termsOf(query: string): Term[] {
  return [...query.matchAll(TERMS)].flatMap(([, minus, path, phrase, word]) => {
    const text = phrase ?? word ?? ''
    if (text === '') return []
    return [{ text, in: path === undefined ? 'caption' : 'path', isWanted: minus === '' }]
  })
}
