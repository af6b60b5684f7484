import { literally } from './literally.ts'

/** How an answer is decoded. Names and meanings are those of transformers' `GenerationConfig` (blip2.md 4.5, 4.6). */
export interface DecodingSettings {
  /** Beams of beam search; 1 searches greedily or samples. */
  beams: number
  /** Beam scores are divided by (length ^ penalty): above 0 favours long answers, below 0 short ones. */
  lengthPenalty: number
  /** Null chooses the best token; a number samples. */
  sampling: Sampling | null
  /** Above 1 makes tokens that are already there, prompt included, less likely. */
  repetitionPenalty: number
  /** No n-gram of this size occurs twice; 0 allows all. */
  noRepeatNgram: number
  /** The answer does not end before this many tokens. */
  minNewTokens: number
  maxNewTokens: number
  /** How many answers to return: the best beams, or as many samples. */
  answers: number
  /** Words that an answer must or must not have; left out: it is free. */
  words?: WordRules | undefined
}

/** What is looked for are whole words, small letters or capitals; a rule may be a phrase. */
export interface WordRules {
  /** The answer begins with this text; '' leaves its beginning free. */
  begin: string
  /** None of these occurs. */
  ban: readonly string[]
  /** Each of these occurs; `a|b` asks for either. */
  force: readonly string[]
}

export interface Sampling {
  /** Above 0; logits are divided by it. */
  temperature: number
  /** Only the k likeliest tokens; 0 allows all. */
  topK: number
  /** Only the likeliest tokens whose probabilities reach this sum together; 1 allows all. */
  topP: number
  /** The same seed gives the same answer from the same logits. */
  seed: number
}

/** transformers' defaults, but for the length: 30 new tokens as in LAVIS's captioning. */
export const GREEDY: DecodingSettings = {
  beams: 1,
  lengthPenalty: 1,
  sampling: null,
  repetitionPenalty: 1,
  noRepeatNgram: 0,
  minNewTokens: 0,
  maxNewTokens: 30,
  answers: 1,
}

/** The sentence that says what is wrong with settings, or null. */
export function decodingProblem(settings: DecodingSettings): string | null {
  const { beams, lengthPenalty, sampling, repetitionPenalty, answers } = settings
  const whole = (value: number, low: number, high: number): boolean =>
    Number.isInteger(value) && value >= low && value <= high
  if (!whole(beams, 1, 16)) return 'Beams must be a whole number from 1 to 16.'
  if (!whole(answers, 1, 16)) return 'The number of answers must be a whole number from 1 to 16.'
  if (!Number.isFinite(lengthPenalty)) return 'The length penalty must be a number.'
  if (!(repetitionPenalty > 0 && Number.isFinite(repetitionPenalty)))
    return 'The repetition penalty must be a number above 0.'
  if (!whole(settings.noRepeatNgram, 0, 1000)) return 'The n-gram size must be a whole number from 0.'
  if (!whole(settings.maxNewTokens, 1, 4096)) return 'The longest answer must be 1 to 4096 tokens.'
  if (!whole(settings.minNewTokens, 0, settings.maxNewTokens))
    return 'The shortest answer must be a whole number not above the longest.'
  if (sampling !== null && beams > 1)
    return 'Choose either beam search or sampling: with several beams nothing is sampled.'
  if (sampling === null && answers > beams)
    return 'Several answers need sampling, or at least as many beams as answers.'
  return (sampling === null ? null : samplingProblem(sampling)) ?? wordsProblem(settings.words)
}

/** Whether a value that was kept is complete and has nothing wrong with it. */
export function isDecoding(value: unknown): value is DecodingSettings {
  if (typeof value !== 'object' || value === null) return false
  const complete = Object.keys(GREEDY).every((key) => key in value)
  return complete && decodingProblem(value as DecodingSettings) === null
}

/** The words of a rule that offers several: `a|b`. */
export function choicesOf(rule: string): string[] {
  return rule
    .split('|')
    .map((word) => word.trim())
    .filter((word) => word !== '')
}

/** Whether `text` has `word` as `wordPattern` finds it. */
export function hasWord(text: string, word: string): boolean {
  return wordPattern(word).test(text)
}

/** Finds `word` as a whole word or phrase, small letters or capitals, whatever the spaces in it. */
export function wordPattern(word: string): RegExp {
  const parts = word.trim().split(/\s+/).map(literally)
  // A rule may begin or end with a sign that is no part of a word: ", " say.
  const edge = (before: string, sign: string | undefined, behind: string): string =>
    sign !== undefined && WORD_SIGN.test(sign) ? `${before}[\\p{L}\\p{N}_]${behind}` : ''
  const [first, last] = [Array.from(word.trim()).at(0), Array.from(word.trim()).at(-1)]
  const pattern = `${edge('(?<!', first, ')')}${parts.join('\\s+')}${edge('(?!', last, ')')}`
  return new RegExp(pattern, 'iu')
}

const WORD_SIGN = /[\p{L}\p{N}_]/u

function wordsProblem(words: WordRules | undefined): string | null {
  if (words === undefined) return null
  const { begin, ban, force } = words
  if (ban.some((word) => word.trim() === '') || force.some((rule) => choicesOf(rule).length === 0))
    return 'A word that must or must not occur is empty; give at least one letter.'
  const inBeginning = ban.find((word) => hasWord(begin, word))
  if (inBeginning !== undefined)
    return `An answer cannot begin with "${begin}" and be without "${inBeginning}"; give up one of the two.`
  const impossible = force.find((rule) =>
    choicesOf(rule).every((choice) => ban.some((word) => hasWord(choice, word))),
  )
  return impossible === undefined
    ? null
    : `"${impossible}" cannot both have to occur and be forbidden; give up one of the two.`
}

function samplingProblem({ temperature, topK, topP, seed }: Sampling): string | null {
  if (!(temperature > 0 && Number.isFinite(temperature))) return 'The temperature must be a number above 0.'
  if (!(Number.isInteger(topK) && topK >= 0)) return 'Top-k must be a whole number from 0.'
  if (!(topP > 0 && topP <= 1)) return 'Top-p must be above 0 and at most 1.'
  if (!Number.isInteger(seed)) return 'The seed must be a whole number.'
  return null
}
