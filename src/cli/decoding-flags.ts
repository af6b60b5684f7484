/** The flags that say how an answer is decoded, named as in transformers with dashes. */
import { InvalidArgumentError, type Command } from 'commander'
import { decodingProblem, GREEDY, type DecodingSettings } from '../pack/decoding.ts'
import { AppError } from '../pack/failure.ts'

export interface DecodingFlags {
  maxNewTokens: number
  minNewTokens?: number
  beams?: number
  lengthPenalty?: number
  repetitionPenalty?: number
  /** `--no-repeat-ngram`: Commander takes the "no-" off and says true where nothing was given. */
  repeatNgram?: number | true
  temperature?: number
  topK?: number
  topP?: number
  seed?: number
  answers?: number
  begin?: string
  ban?: string[]
  force?: string[]
}

export function withDecodingFlags(command: Command): Command {
  return command
    .option('--max-new-tokens <n>', 'longest answer', wholeNumber(1, 4096), GREEDY.maxNewTokens)
    .option('--min-new-tokens <n>', 'shortest answer', wholeNumber(0, 4096))
    .option('--beams <n>', 'beam search with so many beams', wholeNumber(1, 16))
    .option('--length-penalty <x>', 'above 0 for longer answers of a beam search, below for shorter', number)
    .option('--repetition-penalty <x>', 'above 1 against repetition', number)
    .option('--no-repeat-ngram <n>', 'no n-gram of this size twice', wholeNumber(0, 1000))
    .option('--temperature <x>', 'sample, with logits divided by this', number)
    .option('--top-k <n>', 'sample from the k likeliest tokens', wholeNumber(0, 1_000_000))
    .option('--top-p <x>', 'sample from the likeliest tokens that reach this probability together', number)
    .option('--seed <n>', 'sample; the same seed gives the same answer', wholeNumber(0, 2 ** 32 - 1))
    .option('--answers <n>', 'how many answers: the best beams, or as many samples', wholeNumber(1, 16))
    .option('--begin <text>', 'what the answer begins with')
    .option('--ban <word>', 'a word that must not occur; may be given again', collect)
    .option('--force <word>', 'a word that must occur, or "one|another"; may be given again', collect)
}

/** Any of the sampling flags asks for sampling. Throws `bad-usage` for what does not go together. */
export function decodingSettings(flags: DecodingFlags): DecodingSettings {
  const { temperature, topK, topP, seed } = flags
  const samples = [temperature, topK, topP, seed].some((flag) => flag !== undefined)
  const settings: DecodingSettings = {
    beams: flags.beams ?? GREEDY.beams,
    lengthPenalty: flags.lengthPenalty ?? GREEDY.lengthPenalty,
    repetitionPenalty: flags.repetitionPenalty ?? GREEDY.repetitionPenalty,
    noRepeatNgram: typeof flags.repeatNgram === 'number' ? flags.repeatNgram : GREEDY.noRepeatNgram,
    minNewTokens: flags.minNewTokens ?? GREEDY.minNewTokens,
    maxNewTokens: flags.maxNewTokens,
    answers: flags.answers ?? GREEDY.answers,
    sampling: samples
      ? { temperature: temperature ?? 1, topK: topK ?? 0, topP: topP ?? 1, seed: seed ?? 0 }
      : null,
    ...(asksForWords(flags) && {
      words: { begin: flags.begin ?? '', ban: flags.ban ?? [], force: flags.force ?? [] },
    }),
  }
  const problem = decodingProblem(settings)
  if (problem !== null) throw new AppError('bad-usage', problem)
  return settings
}

function asksForWords({ begin, ban, force }: DecodingFlags): boolean {
  return begin !== undefined || ban !== undefined || force !== undefined
}

export function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isInteger(value) || value < low || value > high)
      throw new InvalidArgumentError(`give a whole number from ${low} to ${high}.`)
    return value
  }
}

/** Gathers the values of an option that may be given several times. */
export function collect(text: string, earlier: string[] = []): string[] {
  return [...earlier, text]
}

function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('give a number.')
  return value
}
