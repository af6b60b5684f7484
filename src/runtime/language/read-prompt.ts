/** What the encoder made of a picture and a prompt: all that the decoder ever sees of them. */
import { textEncoder } from '../../pack/parts.ts'
import { AppError } from '../../pack/failure.ts'
import { disposeTensors, type DeviceTensor } from '../ort/tensor.ts'
import type { EncoderDecoderParts } from './encoder-decoder-parts.ts'
import { encoderBuckets } from './relative-buckets.ts'

export class ReadPrompt {
  /** [1, Q + T, hidden] */
  readonly hidden: DeviceTensor
  /** Keys and values of every decoder layer's cross-attention, under the names of its inputs. */
  readonly cross: Readonly<Record<string, DeviceTensor>>
  readonly #ids: readonly number[]

  private constructor(ids: readonly number[], hidden: DeviceTensor, cross: Record<string, DeviceTensor>) {
    this.#ids = [...ids]
    this.hidden = hidden
    this.cross = cross
  }

  /** Runs the encoder over `queries` [1, Q, hidden] and the prompt of T ids. */
  static async read(
    { runtime, encoder, shape }: Pick<EncoderDecoderParts, 'runtime' | 'encoder' | 'shape'>,
    queries: DeviceTensor,
    ids: readonly number[],
  ): Promise<ReadPrompt> {
    const length = shape.queries + ids.length
    const { input, output } = textEncoder
    const own = {
      [input.tokens]: runtime.int64(ids, [1, ids.length]),
      [input.buckets]: runtime.tensor('int64', encoderBuckets(length, shape), [length, length]),
    }
    try {
      const made = await encoder.run({ ...own, [input.queries]: queries })
      const { [output.hidden]: hidden, ...cross } = made
      if (hidden === undefined) throw new AppError('bug', 'The text encoder returned nothing.')
      return new ReadPrompt(ids, hidden, cross)
    } finally {
      disposeTensors(own)
    }
  }

  isOf(ids: readonly number[]): boolean {
    return ids.length === this.#ids.length && ids.every((id, i) => id === this.#ids[i])
  }

  dispose(): void {
    this.hidden.dispose()
    disposeTensors(this.cross)
  }
}
