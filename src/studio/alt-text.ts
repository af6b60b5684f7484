/**
 * Rules for alternative text: what stands in for a picture where it is not seen. Limits and habits are those that checkers
 * agree on: 125 characters (most of them warn from there on), no "image of" (a screen reader says that itself), one
 * sentence with its full stop (so that a voice pauses).
 */
import { COUNTS } from './counts.ts'

export const ALT_TEXT_CHARACTERS = 125

export type AltTextProblem = 'empty' | 'too-long' | 'several-sentences' | 'says-image-of' | 'no-full-stop'

const SAYS_IMAGE_OF =
  /^\s*(?:(?:this|here)\s+is\s+)?(?:an?|the)?\s*(?:\w+\s+)?(?:image|picture|photo(?:graph)?|graphic|pic|screenshot|illustration|drawing|painting)\s+(?:of|showing|depicting)\s+/i
const SENTENCE_END = /[.!?…。！？]["'”’)\]]*\s*$/
const sentences = new Intl.Segmenter(undefined, { granularity: 'sentence' })

export function altTextProblems(text: string): AltTextProblem[] {
  const trimmed = text.trim()
  if (trimmed === '') return ['empty']
  const problems: [AltTextProblem, boolean][] = [
    ['too-long', COUNTS.characters(trimmed) > ALT_TEXT_CHARACTERS],
    ['several-sentences', [...sentences.segment(trimmed)].length > 1],
    ['says-image-of', SAYS_IMAGE_OF.test(trimmed)],
    ['no-full-stop', !SENTENCE_END.test(trimmed)],
  ]
  return problems.filter(([, is]) => is).map(([problem]) => problem)
}

/**
 * A caption as alternative text: its first sentence, without "image of", with a capital letter and a full stop. It is
 * never cut: that a text is too long is said, and a person shortens it.
 */
export function altTextFrom(caption: string): string {
  const [first] = [...sentences.segment(caption.trim())]
  const bare = (first?.segment ?? '').trim().replace(SAYS_IMAGE_OF, '')
  if (bare === '') return ''
  const [letter = '', ...rest] = Array.from(bare)
  const sentence = letter.toLocaleUpperCase() + rest.join('')
  return SENTENCE_END.test(sentence) ? sentence : `${sentence.replace(/[,;:\s]+$/, '')}.`
}
