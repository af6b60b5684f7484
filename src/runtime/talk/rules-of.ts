/** From words that people ask for or forbid to token ids: how a word may be spelled in an answer. */
import { choicesOf, wordPattern, type WordRules } from '../../pack/decoding.ts'
import type { TokenRules } from '../decode/word-rules.ts'

/** What has to be known of the tokenizer. */
export interface Speller {
  /** Ids of a text by itself. */
  encode(text: string): number[]
  /** Text of ids, outer white space removed. */
  decode(ids: readonly number[]): string
}

/**
 * Rules for the answer to `prompt`. Behind a prompt the answer goes on in the same sentence, so it begins with a space;
 * an answer to none begins with a word, as the captions did that the models learned from.
 */
export function rulesOf({ begin, ban, force }: WordRules, prompt: string, speller: Speller): TokenRules {
  const banned = ban.flatMap((word) => casings(word.trim()).flatMap((cased) => spellings(cased, speller)))
  const beginning = begin.trim() === '' ? [] : atAnswerStart(begin.trim(), prompt, speller)
  // Made once: answers are looked through at every token, each beam's.
  const bannedPatterns = ban.map(wordPattern)
  return {
    banned: distinct(banned),
    beginning,
    forced: force.map((rule) => {
      const choices = choicesOf(rule)
      const patterns = choices.map(wordPattern)
      return {
        spellings: distinct(choices.map((choice) => speller.encode(` ${choice}`))),
        atStart: distinct(choices.map((choice) => atAnswerStart(choice, prompt, speller))),
        isIn: (tokens) => {
          const text = speller.decode(tokens)
          return patterns.some((pattern) => pattern.test(text))
        },
      }
    }),
    // Tokens can spell a word in more ways than one: "cat", "c" and "at".
    spellsBanned: (tokens) => {
      const text = speller.decode(tokens)
      return bannedPatterns.some((pattern) => pattern.test(text))
    },
  }
}

function atAnswerStart(text: string, prompt: string, speller: Speller): number[] {
  return speller.encode(prompt === '' ? text : ` ${text}`)
}

/** Within a sentence, and where no space stands before it. */
function spellings(word: string, speller: Speller): number[][] {
  return [speller.encode(` ${word}`), speller.encode(word)]
}

function casings(word: string): string[] {
  const [first = '', ...rest] = Array.from(word)
  return [word, first.toUpperCase() + rest.join('')]
}

function distinct(sequences: readonly number[][]): number[][] {
  const byIds = new Map(sequences.map((ids) => [ids.join(), ids]))
  return [...byIds.values()].filter((ids) => ids.length > 0)
}
