/** Talking about one picture: prompts in, answers out, whatever language model is behind it. */
import { decodingProblem, type DecodingSettings } from '../../pack/decoding.ts'
import { AppError } from '../../pack/failure.ts'
import type { Hypothesis } from '../decode/beam-search.ts'
import { generate } from '../decode/generate.ts'
import type { TokenRules } from '../decode/word-rules.ts'
import type { LanguageModel, Sequence } from '../language/language-model.ts'
import { answerText, dialoguePrompt, fitDialogue, NEXT_QUESTION, type EarlierTurn } from './dialogue.ts'
import { pauses } from './pauses.ts'
import { rulesOf } from './rules-of.ts'

/** What a discussion has to know of the model that talks. */
export interface Voice {
  language: Pick<LanguageModel, 'promptRoom' | 'answerRoom'>
  /** Ids of a prompt, in the model's own form (BOS in front, say). */
  promptIds(prompt: string): number[]
  /** Ids of a text by itself. Throws `bad-usage` without a tokenizer. */
  encode(text: string): number[]
  /** Text of ids, outer white space removed. */
  decode(ids: readonly number[]): string
  /** Ids that count as there before the answer to a prompt, where repetition is looked at. */
  countedIds(prompt: readonly number[]): readonly number[]
  /** Ids that end an answer. */
  eosIds(): readonly number[]
}

export interface AnswerOptions {
  settings: DecodingSettings
  signal?: AbortSignal | undefined
  /** What the answer may and must hold, in ids; left out: what the settings' words come to. */
  rules?: TokenRules | undefined
}

export interface AskOptions extends AnswerOptions {
  /** How a question is put: see `dialoguePrompt`. */
  template?: string | undefined
}

/** One answer of possibly several. */
export interface Answer {
  tokenIds: number[]
  text: string
  /** Sum of log-probabilities ÷ length^penalty, as transformers' `sequences_scores`. */
  score: number
  finish: 'end' | 'limit'
}

/** After each token: the best answer so far. */
export interface AnswerSoFar {
  prompt: string
  tokenIds: number[]
  text: string
  finish: 'end' | 'limit' | null
  /** Positions that were run before the first token, image queries included; the rest was in the KV cache. */
  prefilled: number
  /** Earlier turns that did not fit into the context any more. */
  dropped: number
  /** Best first; empty until the end. */
  answers: Answer[]
}

/** A picture under discussion: its query embeddings, and the KV cache of what was last said about it. */
export class Discussion {
  readonly #sequence: Sequence
  readonly #voice: Voice

  /** Takes over `sequence`. */
  constructor(sequence: Sequence, voice: Voice) {
    this.#sequence = sequence
    this.#voice = voice
  }

  /** Streams the answer to a prompt as it is. Positions that an earlier prompt shares are not run again. */
  async *answer(
    prompt: string,
    { settings, ...options }: AnswerOptions,
  ): AsyncGenerator<AnswerSoFar, void, undefined> {
    const ids = this.#voice.promptIds(prompt)
    yield* this.#generate(
      { ids, prompt: prompt.trimEnd(), dropped: 0 },
      { settings: fittingSettings(settings, ids, this.#voice), ...options },
      false,
    )
  }

  /**
   * Streams the answer to a question behind earlier turns; the oldest are left out when they do not fit, also where the
   * device turns out to have no memory for them. Throws
   * `prompt-too-long` when not even the question does.
   */
  async *ask(
    turns: readonly EarlierTurn[],
    question: string,
    { settings, template, ...options }: AskOptions,
  ): AsyncGenerator<AnswerSoFar, void, undefined> {
    const promptOf = (kept: readonly EarlierTurn[]): string => dialoguePrompt(kept, question, template)
    const { language } = this.#voice
    const steps = (): AsyncGenerator<AnswerSoFar, void, undefined> => {
      const { ids, dropped } = fitDialogue(turns, (kept) => this.#voice.promptIds(promptOf(kept)), {
        answerTokens: settings.maxNewTokens,
        promptRoom: (answerTokens) => language.promptRoom(answerTokens),
      })
      const prompt = promptOf(turns.slice(dropped))
      return this.#generate(
        { ids, prompt, dropped },
        { settings: fittingSettings(settings, ids, this.#voice), ...options },
        true,
      )
    }
    const room = language.promptRoom(1)
    try {
      yield* steps()
    } catch (error) {
      // There was memory for fewer positions than were promised, which shows before the first word: with less of what
      // was said before it may do.
      if (!(error instanceof AppError) || error.code !== 'out-of-memory' || language.promptRoom(1) === room)
        throw error
      yield* steps()
    }
  }

  dispose(): void {
    this.#sequence.dispose()
  }

  async *#generate(
    { ids, prompt, dropped }: { ids: number[]; prompt: string; dropped: number },
    { settings, signal, rules }: AnswerOptions,
    inDialogue: boolean,
  ): AsyncGenerator<AnswerSoFar, void, undefined> {
    const textOf = this.#reader()
    const isOver = (tokens: readonly number[]): boolean => textOf(tokens).includes(NEXT_QUESTION)
    const steps = generate(this.#sequence, ids, settings, {
      countedIds: this.#voice.countedIds(ids),
      eosIds: this.#voice.eosIds(),
      signal,
      rules: rules ?? askedRules(settings, prompt, this.#voice),
      ...(inDialogue && { isOver }),
    })
    const answerOf = ({ tokens, score, ended }: Hypothesis): Answer => {
      const whole = textOf(tokens)
      const text = inDialogue ? answerText(whole) : whole
      const finish = ended || (inDialogue && isOver(tokens)) ? 'end' : 'limit'
      return { tokenIds: tokens, text, score, finish }
    }
    const pause = pauses()
    for await (const { best, prefilled, answers } of steps) {
      const finished = answers?.map(answerOf) ?? []
      const shown = answerOf(best)
      yield {
        prompt,
        tokenIds: shown.tokenIds,
        text: shown.text,
        finish: finished[0]?.finish ?? null,
        prefilled,
        dropped,
        answers: finished,
      }
      await pause()
    }
  }

  /** Text of ids; the last that was asked for is not worked out again. */
  #reader(): (tokens: readonly number[]) => string {
    let last: { tokens: readonly number[]; text: string } = { tokens: [], text: '' }
    return (tokens) => {
      const same = tokens.length === last.tokens.length && tokens.every((id, i) => id === last.tokens[i])
      // A copy: who answers goes on adding to the same list.
      if (!same) last = { tokens: [...tokens], text: this.#voice.decode(tokens) }
      return last.text
    }
  }
}

/** The longest answer is a limit and no promise: behind a long prompt it is what is left. Throws `bad-usage`. */
export function fittingSettings(
  settings: DecodingSettings,
  ids: readonly number[],
  { language }: Voice,
): DecodingSettings {
  const problem = decodingProblem(settings)
  if (problem !== null) throw new AppError('bad-usage', problem)
  const room = Math.max(1, language.answerRoom(ids.length))
  const maxNewTokens = Math.min(settings.maxNewTokens, room)
  return { ...settings, maxNewTokens, minNewTokens: Math.min(settings.minNewTokens, room) }
}

/** What the settings' words come to. */
export function askedRules(
  { words }: DecodingSettings,
  prompt: string,
  voice: Voice,
): TokenRules | undefined {
  return words && rulesOf(words, prompt, voice)
}
