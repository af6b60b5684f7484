/** What the sequences of a decoder-only model share, and what runs it. */
import { AppError } from '../../pack/failure.ts'
import type { DecoderShape } from '../../pack/shapes.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import type { CacheMemory } from './cache-memory.ts'
import type { KvCache } from './kv-cache.ts'
import type { Choice, Logits } from './language-model.ts'

export interface DecoderParts {
  runtime: Runtime
  runs: DecoderRuns
  shape: DecoderShape
  /** Positions that a sequence may have here, queries included. */
  context: number
  memory: CacheMemory
}

/** What runs a decoder over a cache: ONNX Runtime's graph, or kernels of our own. */
export interface DecoderRuns {
  /** Steps of one token are recorded. */
  readonly records: boolean
  useRecordings(use: boolean): void
  /** Runs over the cache, which has the new positions behind it. Returns logits [batch · logit rows, vocabulary]. */
  run(cache: KvCache, run: DecoderRun): Promise<Logits>
  /**
   * Where the device chooses tokens itself: runs, and goes on by the best token each time, `most` choices in all. Steps
   * may have run ahead of what was taken when it ends: what they left behind in the cache counts for nothing.
   */
  greedy?(cache: KvCache, run: DecoderRun, most: number): AsyncGenerator<Choice, void, undefined>
  /** The same once, and the best token behind the last row of each sequence; null where that row has no numbers. */
  choose?(cache: KvCache, run: DecoderRun): Promise<(Choice | null)[]>
  dispose(): Promise<void>
}

/** The smallest GPU cache, in positions. Each next is twice as large, so that a conversation seldom moves. */
const SMALLEST_CAPACITY = 128

/** Positions that a sequence may have, once the device may have shown that it has no room for more. */
export function longestOf({ context, memory }: Pick<DecoderParts, 'context' | 'memory'>): number {
  return memory.longest < SMALLEST_CAPACITY ? context : Math.min(context, memory.longest)
}

/** Positions of the cache that holds `length` and some more. */
export function capacityFor(length: number, context: number): number {
  let capacity = SMALLEST_CAPACITY
  while (capacity < length) capacity *= 2
  return Math.min(capacity, context)
}

export interface DecoderRun {
  /** [batch, Q, hidden] */
  queries: DeviceTensor
  /** [batch · T] */
  tokens: readonly number[]
  batch: number
  /** Which of the Q + T rows run. */
  rows: number[]
  /** Positions in the cache, of each sequence. Different ones only where one row of each runs. */
  past: readonly number[]
  logitRows: number[]
}

/**
 * A number beyond float16's range, or memory that the device could not give, spoils every logit of a row by way of the
 * layer norms. Better said than answered with nonsense.
 */
export function checkRange(logits: Float32Array): void {
  if (!areNumbers(logits)) throw noNumbers()
}

/** Of one row's logits: see `checkRange`. */
export function areNumbers(logits: Float32Array): boolean {
  return Number.isFinite(logits.at(-1))
}

export function noNumbers(): AppError {
  return new AppError(
    'bad-pack',
    'The model computed no numbers: on this device they leave the range of 16 bits, or memory ran out. Try it converted in 4 bits.',
  )
}

/** first, first + 1, … end - 1. */
export function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i)
}
