/**
 * An encoder–decoder (T5): the encoder reads picture and prompt once, the decoder answers from a start token on over a
 * KV cache that holds the answer alone. Each prompt is read afresh, unless it is the one that was read last.
 */
import type { OwnKernels } from '../../pack/device-report.ts'
import { textDecoder, textEncoder } from '../../pack/parts.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import { CacheMemory } from './cache-memory.ts'
import type { CacheShape, EncoderDecoderParts, EncoderDecoderShape } from './encoder-decoder-parts.ts'
import { EncoderDecoderSequence } from './encoder-decoder-sequence.ts'
import { range } from './decoder-parts.ts'
import { cacheLayout } from './kv-cache.ts'
import type { LanguageModel, Logits } from './language-model.ts'
import type { TracedTensor } from './traced.ts'

export class EncoderDecoder implements LanguageModel {
  /** Where runs can be recorded, ONNX Runtime's attention over a cache takes no biases. */
  readonly records = false
  readonly ownKernels: OwnKernels
  readonly kernelTimes = null
  readonly #parts: EncoderDecoderParts

  /** Takes over both sessions. `cacheBytes` is what all caches may take together; see `MemoryBudget`. */
  constructor(
    runtime: Runtime,
    { encoder, decoder, cacheBytes }: { encoder: Session; decoder: Session; cacheBytes?: number },
    shape: EncoderDecoderShape,
  ) {
    const memory = new CacheMemory(runtime, cacheLayout(shape, 'float32'), cacheBytes)
    // Ours are for OPT.
    this.ownKernels = runtime.compute.device === null ? 'no-gpu' : 'unfit'
    this.#parts = { runtime, encoder, decoder, shape, memory }
  }

  /** Names of the encoder's outputs that never leave the GPU. */
  static encoderOutputs({ layers }: CacheShape): string[] {
    return [
      textEncoder.output.hidden,
      ...range(0, layers).flatMap((i) => [textEncoder.crossKey(i), textEncoder.crossValue(i)]),
    ]
  }

  /** Names of the decoder's outputs that never leave the GPU. */
  static decoderOutputs({ layers }: CacheShape): string[] {
    return range(0, layers).flatMap((i) => [textDecoder.presentKey(i), textDecoder.presentValue(i)])
  }

  useRecordings(): void {
    // There are none.
  }

  promptRoom(): number {
    const { promptPositions, queries } = this.#parts.shape
    return promptPositions - queries
  }

  answerRoom(promptTokens: number): number {
    return promptTokens > this.promptRoom() ? 0 : this.#parts.shape.answerPositions
  }

  async warmUp(tokens: number): Promise<void> {
    const { runtime, shape } = this.#parts
    const { queries, hiddenSize } = shape
    const blank = runtime.tensor('float32', new Float32Array(queries * hiddenSize), [1, queries, hiddenSize])
    const sequence = new EncoderDecoderSequence(this.#parts, blank, { checked: false })
    try {
      const ids = Array<number>(Math.min(tokens, this.promptRoom())).fill(shape.startId)
      await sequence.begin(ids, 2)
      await sequence.step(shape.startId)
    } finally {
      sequence.dispose()
    }
  }

  start(queries: DeviceTensor): EncoderDecoderSequence {
    return new EncoderDecoderSequence(this.#parts, queries)
  }

  /** What the decoder looks at is one picture's and prompt's, for all rows alike. */
  openBatch(): Promise<null> {
    return Promise.resolve(null)
  }

  async trace(
    queries: DeviceTensor,
    prompt: readonly number[],
    answer: readonly number[],
  ): Promise<TracedTensor[]> {
    const sequence = new EncoderDecoderSequence(this.#parts, queries)
    try {
      const { logits } = await sequence.begin(prompt, Math.max(1, answer.length))
      const rows = answer.length === 0 ? [] : [logits]
      // Behind the last token nothing is asked any more.
      for (const token of answer.slice(0, -1)) rows.push(await sequence.step(token))
      const { queries: seen, hiddenSize } = this.#parts.shape
      const hidden = await sequence.encoderOutput()
      return [
        { name: 'encoder_output', shape: [1, seen + prompt.length, hiddenSize], values: hidden },
        { name: 'logits', shape: [1, rows.length, logits.length], values: joined(rows, logits.length) },
      ]
    } finally {
      sequence.dispose()
    }
  }

  async dispose(): Promise<void> {
    const { memory, encoder, decoder } = this.#parts
    memory.dispose()
    await encoder.dispose()
    await decoder.dispose()
  }
}

/** Rows of `size` numbers one behind the other. */
function joined(rows: readonly Logits[], size: number): Logits {
  const all = new Float32Array(rows.length * size)
  rows.forEach((row, i) => all.set(row, i * size))
  return all
}
