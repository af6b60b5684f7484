import type { ParseKeys } from 'i18next'
import type { Namespace } from './translated.ts'

/** Every text of the page by its name: `shell:notHere`. */
export type WordKey = Extract<ParseKeys<Namespace[]>, `${Namespace}:${string}`>

/** Something that the page has to say, before anybody knows in which language. */
export interface Note {
  key: WordKey
  /** What goes into the sentence; `count` chooses its plural form. */
  values?: Record<string, string | number>
  /** The sentence itself, from below the page and in English: stands alone where the page is English, else behind the note's. */
  exactly?: string
}

/** A text is a sentence from below the page, or a model's words, in English; several are said one after the other. */
export type Saying = string | Note | readonly (string | Note)[]
