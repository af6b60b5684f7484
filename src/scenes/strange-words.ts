/** Whether a question is one of those that can be asked of a scene: told by its words. */
import { COLOUR_NAMES, KINDS, pluralOf } from './kinds.ts'
import { FORMS, templatesOf, WORDINGS } from './wordings.ts'
import { PLACE_NAMES } from './relations.ts'

/** What stands in gaps of templates beside kinds, colours and places, and what people write around a question. */
const AROUND = 'a an the largest biggest smallest s one please hello hi thanks thank you'

let known: ReadonlySet<string> | undefined

/** The words and numbers of a question that no question about a scene has, in small letters, each once: "why", "2". */
export function strangeWords(question: string): string[] {
  known ??= knownWords()
  return [...new Set(wordsOf(question))].filter((word) => known?.has(word) === false)
}

function knownWords(): Set<string> {
  const templates = FORMS.flatMap((form) => WORDINGS.flatMap((wording) => [...templatesOf(form, wording)]))
  const things = KINDS.flatMap((kind) => [kind, pluralOf(kind)])
  const gapless = templates.map((template) => template.replace(/\{\d\}/g, ' '))
  return new Set([...gapless, ...things, ...COLOUR_NAMES, ...PLACE_NAMES, AROUND].flatMap(wordsOf))
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
}
