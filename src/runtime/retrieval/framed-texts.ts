/** Texts as the Q-Former of stage 1 reads them: ids in their frame, whole or not at all. */
import { AppError } from '../../pack/failure.ts'
import type { TextQFormerShape } from '../../pack/shapes.ts'
import type { Tokenizer } from '../talk/tokenizer.ts'

export class FramedTexts {
  readonly #tokenizer: Tokenizer | null
  readonly #bounds: Pick<TextQFormerShape, 'positions' | 'vocabulary'>

  /** `tokenizer` is null where the pack has none. */
  constructor(tokenizer: Tokenizer | null, bounds: Pick<TextQFormerShape, 'positions' | 'vocabulary'>) {
    this.#tokenizer = tokenizer
    this.#bounds = bounds
  }

  /**
   * Ids of a text in its frame. Throws `prompt-too-long`: no text is cut; `bad-usage` for an empty one, or without a
   * tokenizer; `bad-pack` for words that the model does not know.
   */
  idsOf(text: string): number[] {
    if (this.#tokenizer === null)
      throw new AppError(
        'bad-usage',
        'This pack has no tokenizer, so it reads no text; convert a checkpoint with its tokenizer files.',
      )
    const { frame } = this.#tokenizer
    const ids = [...(frame?.before ?? []), ...this.#tokenizer.encode(text), ...(frame?.after ?? [])]
    if (ids.length === 0) throw new AppError('bad-usage', 'A text is empty; say something of the picture.')
    const { positions, vocabulary } = this.#bounds
    if (ids.length > positions)
      throw new AppError(
        'prompt-too-long',
        `A text has ${ids.length} tokens, and this model reads at most ${positions}; make it shorter.`,
      )
    if (ids.some((id) => id >= vocabulary))
      throw new AppError(
        'bad-pack',
        'The tokenizer of this pack knows words that its model does not; convert it again.',
      )
    return ids
  }
}
