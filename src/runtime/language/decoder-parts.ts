/** What the sequences of a decoder-only model share, and what runs it. */
import { AppError } from '../../pack/failure.ts'
import type { DecoderShape } from '../../pack/shapes.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import type { CacheMemory } from './cache-memory.ts'
import type { RunCache } from './kv-cache.ts'
import type { Choice, Logits, ScoreRow, TopRow, TopWanted } from './language-model.ts'

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
  /** Steps of one token are recorded; null as long as that was not found out. */
  readonly records: boolean | null
  useRecordings(use: boolean): void
  /** Finds out whether recordings come out right here, unless that is known; where not, there are none from then on. */
  checkRecording?(): Promise<void>
  /** Runs over the cache, which has the new positions behind it. Returns logits [batch · logit rows, vocabulary]. */
  run(cache: RunCache, run: DecoderRun): Promise<Logits>
  /**
   * Where the device chooses tokens itself: runs, and goes on by the best token each time, `most` choices in all. Steps
   * may have run ahead of what was taken when it ends: what they left behind in the cache counts for nothing.
   */
  greedy?(cache: RunCache, run: DecoderRun, most: number): AsyncGenerator<Choice, void, undefined>
  /** The same once, and the best token behind the last row of each sequence; null where that row has no numbers. */
  choose?(cache: RunCache, run: DecoderRun): Promise<(Choice | null)[]>
  /** The same once, and of the last row of each sequence what is wanted of it; null where it has no numbers. */
  top?(cache: RunCache, run: DecoderRun, wanted: readonly TopWanted[]): Promise<(TopRow | null)[]>
  /** It reads caches whose rows have positions of each other: see `BranchedCache`. */
  readonly readsOwners?: boolean
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
function checkRange(logits: Float32Array): void {
  if (!areNumbers(logits)) throw noNumbers()
}

/** Runs, and gets back logits that are numbers. */
export async function readLogits(
  { runs }: Pick<DecoderParts, 'runs'>,
  cache: RunCache,
  run: DecoderRun,
): Promise<Logits> {
  const logits = await runs.run(cache, run)
  checkRange(logits)
  return logits
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

/** A row [vocabulary] of what was found of it. Throws where it has no numbers: see `checkRange`. */
export function scoreRow(row: TopRow | null | undefined, { vocabulary }: DecoderShape): ScoreRow {
  if (row === null || row === undefined) throw noNumbers()
  const { found, norm } = row
  const logits = new Float32Array(vocabulary).fill(-Infinity)
  for (const [id, logit] of found) logits[id] = logit
  return { logits, norm }
}

/** first, first + 1, … end - 1. */
export function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i)
}
