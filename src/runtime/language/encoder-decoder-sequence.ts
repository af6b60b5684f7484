/** A prompt that was read and the answer to it, over a cache that holds the answer alone. */
import { AppError } from '../../pack/failure.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import { capacityFor, checkNumbers, runStep, type EncoderDecoderParts } from './encoder-decoder-parts.ts'
import type { KvCache } from './kv-cache.ts'
import type { Begun, Branches, Logits, Sequence } from './language-model.ts'
import { openCache } from './open-cache.ts'
import { ReadPrompt } from './read-prompt.ts'

export class EncoderDecoderSequence implements Sequence {
  readonly #parts: EncoderDecoderParts
  readonly #queries: DeviceTensor
  /** Whether what comes out must be numbers. */
  readonly #checked: boolean
  #read: ReadPrompt | null = null
  #cache: KvCache | null = null
  /** Positions in the cache: the start token and what of the answer has been run. */
  #length = 0
  /** Positions that the answer asked for may reach. Its last token is never run. */
  #reach = 0

  /** Takes over `queries`. */
  constructor(parts: EncoderDecoderParts, queries: DeviceTensor, { checked = true } = {}) {
    this.#parts = parts
    this.#queries = queries
    this.#checked = checked
  }

  async begin(prompt: readonly number[], newTokens: number): Promise<Begun> {
    const { shape, memory } = this.#parts
    const positions = shape.queries + prompt.length
    if (positions > shape.promptPositions || newTokens > shape.answerPositions) {
      const most = `picture and prompt may have ${shape.promptPositions} positions, an answer ${shape.answerPositions}`
      const needed = `this needs ${positions} and ${newTokens}`
      throw new AppError('prompt-too-long', `The prompt is too long here (${most}, ${needed}); shorten it.`)
    }
    this.#reach = newTokens
    const isKnown = this.#read?.isOf(prompt) === true
    if (!isKnown) {
      this.#forgetPrompt()
      this.#read = await ReadPrompt.read(this.#parts, this.#queries, prompt)
    }
    const capacity = capacityFor(newTokens, shape)
    this.#cache ??= await openCache(memory, capacity)
    await this.#truncate(0)
    if (capacity > this.#cache.capacity) await this.#cache.reserve(capacity, 0)
    const logits = await this.step(shape.startId)
    return { logits, ran: isKnown ? 1 : positions + 1 }
  }

  /** After a failure the answer has to be begun anew. */
  async step(token: number): Promise<Logits> {
    const [read, cache] = [this.#readNow(), this.#cacheNow()]
    try {
      const logits = await runStep(this.#parts, cache, read, { tokens: [token], past: this.#length })
      if (this.#checked) checkNumbers(logits)
      this.#length += 1
      return logits
    } catch (error) {
      // The cache may be longer than what is known of it, or hold no numbers.
      this.#forgetAnswer()
      throw error
    }
  }

  /** What the encoder made of picture and prompt: [1, Q + T, hidden] as float32. */
  encoderOutput(): Promise<Float32Array<ArrayBuffer>> {
    return this.#readNow().hidden.read()
  }

  rewind(count: number): Promise<void> {
    return this.#truncate(1 + count)
  }

  async fork(count: number): Promise<Branches> {
    const parents = Array<number>(count).fill(0)
    const room = Math.max(this.#reach, this.#length)
    this.#parts.memory.admitBranches(count, room)
    const cache = await this.#cacheNow().fork(parents, this.#length, room)
    return new EncoderDecoderBranches(this.#parts, this.#readNow(), cache, this.#length)
  }

  dispose(): void {
    this.#forgetPrompt()
    this.#forgetAnswer()
    this.#queries.dispose()
  }

  async #truncate(length: number): Promise<void> {
    if (length >= this.#length) return
    this.#length = length
    await this.#cache?.truncate(length)
  }

  #forgetPrompt(): void {
    this.#read?.dispose()
    this.#read = null
  }

  #forgetAnswer(): void {
    this.#cache?.dispose()
    this.#cache = null
    this.#length = 0
  }

  #readNow(): ReadPrompt {
    return this.#read ?? tooEarly()
  }

  #cacheNow(): KvCache {
    return this.#cache ?? tooEarly()
  }
}

/** Rows of one batch. They look at what their sequence has read, which must not begin anew while they are in use. */
class EncoderDecoderBranches implements Branches {
  readonly #parts: EncoderDecoderParts
  readonly #read: ReadPrompt
  readonly #cache: KvCache
  #length: number
  #failure: Error | null = null

  constructor(parts: EncoderDecoderParts, read: ReadPrompt, cache: KvCache, length: number) {
    this.#parts = parts
    this.#read = read
    this.#cache = cache
    this.#length = length
  }

  async step(tokens: readonly number[], parents?: readonly number[]): Promise<Logits> {
    // What is in the cache behind a failure is unknown.
    if (this.#failure !== null) throw this.#failure
    try {
      if (parents !== undefined) await this.#cache.reorder(parents, this.#length)
      const logits = await runStep(this.#parts, this.#cache, this.#read, { tokens, past: this.#length })
      checkNumbers(logits)
      this.#length += 1
      return logits
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error))
      throw error
    }
  }

  dispose(): void {
    this.#cache.dispose()
  }
}

function tooEarly(): never {
  throw new AppError('bug', 'A sequence was continued before it began.')
}
