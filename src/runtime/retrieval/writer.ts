/** Writes captions with the Q-Former of stage 1 alone. Only LAVIS' own files have the head for it. */
import { AppError } from '../../pack/failure.ts'
import { logSumExp } from '../decode/logits.ts'
import { Discussion, type AnswerOptions, type AnswerSoFar } from '../talk/discussion.ts'
import type { Tokenizer } from '../talk/tokenizer.ts'
import { rowAt, type EncodedPicture, type TextQFormer } from './text-q-former.ts'
import { WritingSequence } from './writing-sequence.ts'

/** What a pack has to write with. */
export interface WritingMeans {
  /** Of the model, for people. */
  name: string
  /** `[DEC]`, which each caption begins behind; null where there is no head. */
  startId: number | null
  tokenizer: Tokenizer | null
}

export class Writer {
  readonly #qFormer: TextQFormer
  readonly #means: WritingMeans

  constructor(qFormer: TextQFormer, means: WritingMeans) {
    this.#qFormer = qFormer
    this.#means = means
  }

  /**
   * Writes a caption word by word, from `[DEC]` (and the words of `prompt`) to `[SEP]`: the text sees all queries and what
   * stands before it. Neither is part of the lengths in `settings`; those of LAVIS count `[DEC]`. Throws `unsupported-model`
   * where there is no head, and `bad-usage` without a tokenizer.
   */
  async *write(
    { features }: EncodedPicture,
    prompt: string,
    options: AnswerOptions,
  ): AsyncGenerator<AnswerSoFar, void, undefined> {
    const { signal } = options
    const { positions, queries } = this.#qFormer.shape
    const sequence = new WritingSequence(
      (texts) => this.#qFormer.nextWords(features, texts, { signal }),
      queries,
    )
    const { tokenizer, startId, endIds } = this.#required()
    const discussion = new Discussion(sequence, {
      language: {
        promptRoom: (newTokens) => positions - newTokens,
        answerRoom: (promptTokens) => positions - promptTokens,
      },
      promptIds: (text) => [startId, ...tokenizer.encode(text)],
      encode: (text) => tokenizer.encode(text),
      decode: (ids) => tokenizer.decode(ids).trim(),
      countedIds: (ids) => ids,
      eosIds: () => endIds,
    })
    try {
      yield* discussion.answer(prompt, options)
    } finally {
      discussion.dispose()
    }
  }

  /**
   * How likely each token of a caption is behind those before it: natural logarithms. `ids` are the caption's own, the
   * ending one included where it is to be counted. Throws as `write`.
   */
  async logProbabilities(
    { features }: EncodedPicture,
    ids: readonly number[],
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<Float32Array<ArrayBuffer>> {
    const { startId } = this.#required()
    const before = [startId, ...ids.slice(0, -1)]
    const rows = await this.#qFormer.eachNextWord(features, before, { signal })
    return Float32Array.from(ids, (id, i) => (rows[i]?.[id] ?? -Infinity) - logSumExp(rowAt(rows, i)))
  }

  #required(): { tokenizer: Tokenizer; startId: number; endIds: readonly number[] } {
    const { name, startId, tokenizer } = this.#means
    if (startId === null)
      throw new AppError(
        'unsupported-model',
        `${name} has no captioning head, so it writes nothing; convert blip2_pretrained.pth of LAVIS, which has one.`,
      )
    const endIds = tokenizer?.frame?.after
    if (tokenizer === null || endIds === undefined || endIds.length === 0)
      throw new AppError(
        'bad-usage',
        'This pack has no tokenizer with an end of texts, so it writes nothing; convert a checkpoint with its tokenizer files.',
      )
    return { tokenizer, startId, endIds }
  }
}
