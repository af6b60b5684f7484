/** The half of a model that talks: what was seen of a picture, and a prompt → an answer. */
import { AppError } from '../../pack/failure.ts'
import { GREEDY } from '../../pack/decoding.ts'
import type { ContextReport, KernelTimes, OwnKernels } from '../../pack/device-report.ts'
import { logSumExp } from '../decode/logits.ts'
import type { LanguageModel, Sequence } from '../language/language-model.ts'
import type { TracedTensor } from '../language/traced.ts'
import { Discussion, type AnswerSoFar, type Voice } from '../talk/discussion.ts'
import { Together, type TogetherOptions } from '../talk/together.ts'
import type { Tokenizer } from '../talk/tokenizer.ts'
import type { SeenImage } from './look.ts'

/** How a family writes its prompts and ends its answers, in ids. */
export interface PromptForm {
  /** The ids of a prompt from those of its text: BOS in front, or an ending behind. */
  promptIds(text: readonly number[]): number[]
  /**
   * What transformers counts as there before the answer to a prompt, where repetition is looked at. Of OPT the image
   * token, once per query, and the prompt; of T5 what its decoder begins with.
   */
  countedIds(prompt: readonly number[]): readonly number[]
  /** Ids that end an answer. */
  eosIds(): readonly number[]
}

export interface TalkParts {
  language: LanguageModel
  form: PromptForm
  tokenizer: Tokenizer | null
  context: ContextReport
}

export class Talk {
  /** How long a conversation may be here. */
  readonly context: ContextReport
  readonly #together: Together
  readonly #tokenizer: Tokenizer | null
  readonly #language: LanguageModel
  readonly #form: PromptForm
  readonly #voice: Voice

  constructor({ language, form, tokenizer, context }: TalkParts) {
    this.context = context
    this.#tokenizer = tokenizer
    this.#language = language
    this.#form = form
    this.#voice = {
      language,
      promptIds: (prompt) => this.promptIds(prompt),
      encode: (text) => this.#readable('words that must or must not occur').encode(text),
      decode: (ids) => this.decode(ids),
      countedIds: (prompt) => form.countedIds(prompt),
      eosIds: () => form.eosIds(),
    }
    this.#together = new Together(language, this.#voice)
  }

  /** Whether steps of one token are recorded once and replayed: on a GPU, where that works. Null until the first of them. */
  get recordsSteps(): boolean | null {
    return this.#language.records
  }

  /** Whether the language model runs on kernels of our own, or why not. */
  get ownKernels(): OwnKernels {
    return this.#language.ownKernels
  }

  /** What a token took on them and on ONNX Runtime's; null where not both were measured. */
  get kernelTimes(): KernelTimes | null {
    return this.#language.kernelTimes
  }

  /** Turns recordings off and on again, for a comparison. Where there are none nothing changes. */
  useRecordings(use: boolean): void {
    this.#language.useRecordings(use)
  }

  /**
   * Ids of a prompt as the tokenizer frames it, else in the model's own form; the empty prompt always is in that form.
   * White space at its end would be a token of its own, behind which models go on worse. Without a tokenizer there is
   * only the empty prompt.
   */
  promptIds(prompt: string): number[] {
    const text = prompt.trimEnd()
    if (text === '') return this.#form.promptIds([])
    const tokenizer = this.#readable('a prompt')
    const { frame } = tokenizer
    const ids = tokenizer.encode(text)
    return frame === null ? this.#form.promptIds(ids) : [...frame.before, ...ids, ...frame.after]
  }

  /** The tokenizer, for `what`, which is text. */
  #readable(what: string): Tokenizer {
    if (this.#tokenizer !== null) return this.#tokenizer
    throw new AppError(
      'bad-usage',
      `This pack has no tokenizer, so it cannot take ${what}; convert a checkpoint with its tokenizer files.`,
    )
  }

  /** Text of ids, outer white space removed; empty without a tokenizer. */
  decode(ids: readonly number[]): string {
    return this.#tokenizer?.decode(ids).trim() ?? ''
  }

  /** A picture to be talked about. Takes over `image`. */
  discuss(image: SeenImage): Discussion {
    return new Discussion(this.start(image), this.#voice)
  }

  /**
   * The whole answer to a prompt about a picture, written together with those of other calls that are under way, as rows
   * of one batch: see `Together.answer`. The picture may still be looked at. Takes over `image`.
   */
  answerTogether(image: Promise<SeenImage>, prompt: string, options: TogetherOptions): Promise<AnswerSoFar> {
    const queries = image.then(({ embeddings }) => embeddings)
    return this.#together.answer(queries, prompt, options)
  }

  /** A sequence behind a picture, to be run token by token. Takes over `image`. */
  start({ embeddings }: SeenImage): Sequence {
    return this.#language.start(embeddings)
  }

  /** Streams the greedy answer to one prompt about a picture. Takes over `image`. */
  async *answer(
    image: SeenImage,
    {
      prompt,
      maxNewTokens,
      signal,
    }: { prompt: string; maxNewTokens: number; signal?: AbortSignal | undefined },
  ): AsyncGenerator<AnswerSoFar, void, undefined> {
    const discussion = this.discuss(image)
    try {
      yield* discussion.answer(prompt, { settings: { ...GREEDY, maxNewTokens }, signal })
    } finally {
      discussion.dispose()
    }
  }

  /** What the language model computes for a prompt and an answer, both as ids; see `LanguageModel.trace`. Takes over `image`. */
  trace(
    { embeddings }: SeenImage,
    prompt: readonly number[],
    answer: readonly number[],
  ): Promise<TracedTensor[]> {
    return this.#language.trace(embeddings, prompt, answer)
  }

  /**
   * How likely each token of an answer is behind a prompt and those before it: natural logarithms, from the logits as they
   * are. Both are ids. Takes over `image`.
   */
  async logProbabilities(
    image: SeenImage,
    prompt: readonly number[],
    answer: readonly number[],
  ): Promise<Float32Array<ArrayBuffer>> {
    const found = new Float32Array(answer.length)
    const sequence = this.start(image)
    try {
      let logits = (await sequence.begin(prompt, answer.length)).logits
      for (const [i, token] of answer.entries()) {
        found[i] = (logits[token] ?? -Infinity) - logSumExp(logits)
        if (i < answer.length - 1) logits = await sequence.step(token)
      }
      return found
    } finally {
      sequence.dispose()
    }
  }

  dispose(): Promise<void> {
    return this.#language.dispose()
  }
}
