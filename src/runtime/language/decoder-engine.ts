/** What the sequences of a decoder-only model share, and one run of its graph. */
import { decoder as treaty, POSITION_OFFSET } from '../../pack/parts.ts'
import { AppError } from '../../pack/failure.ts'
import type { DecoderShape } from '../../pack/shapes.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import type { CacheMemory } from './cache-memory.ts'
import type { KvCache } from './kv-cache.ts'
import type { Logits } from './language-model.ts'
import type { OneTokenStep } from './one-token-step.ts'

export interface DecoderEngine {
  runtime: Runtime
  session: Session
  shape: DecoderShape
  /** Positions that a sequence may have here, queries included. */
  context: number
  memory: CacheMemory
  /** Steps of one token, recorded; null where nothing is. */
  step: OneTokenStep | null
  usesRecordings: boolean
}

/** The smallest GPU cache, in positions. Each next is twice as large, so that a conversation seldom moves. */
const SMALLEST_CAPACITY = 128

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
  /** Positions in the cache. */
  past: number
  logitRows: number[]
}

/** Runs the graph over the cache, which has the new positions behind it. Returns logits [batch · logit rows, vocabulary]. */
export async function runDecoder(
  { runtime, session }: DecoderEngine,
  cache: KvCache,
  step: DecoderRun,
): Promise<Logits> {
  const { batch, rows, past } = step
  const { input } = treaty
  const total = past + rows.length
  const positions = range(past + POSITION_OFFSET, total + POSITION_OFFSET)
  const own = {
    [input.tokens]: runtime.int64(step.tokens, [batch, step.tokens.length / batch]),
    [input.rows]: runtime.int64(rows),
    [input.positions]: runtime.int64(
      range(0, batch).flatMap(() => positions),
      [batch, rows.length],
    ),
    [input.logitRows]: runtime.int64(step.logitRows),
    // Where steps are recorded, attention wants its lengths on the GPU in every run.
    [input.lastPosition]: runtime.int32(
      range(0, batch).map(() => total - 1),
      session.records,
    ),
    [input.totalLength]: runtime.int32([total], session.records),
  }
  try {
    const feeds = { ...own, [input.queries]: step.queries, ...cache.past() }
    const { [treaty.output.logits]: wanted, ...present } = await session.run(feeds, cache.into())
    cache.keep(present)
    return await readAndDispose(wanted)
  } finally {
    for (const tensor of Object.values(own)) tensor.dispose()
  }
}

/**
 * A number beyond float16's range, or memory that the device could not give, spoils every logit of a row by way of the
 * layer norms. Better said than answered with nonsense.
 */
export function checkRange(logits: Float32Array): void {
  if (Number.isFinite(logits.at(-1))) return
  throw new AppError(
    'bad-pack',
    'The model computed no numbers: on this device they leave the range of 16 bits, or memory ran out. Try it converted in 4 bits.',
  )
}

async function readAndDispose(tensor: DeviceTensor | undefined): Promise<Logits> {
  if (tensor === undefined) throw new AppError('bug', 'The decoder returned no logits.')
  try {
    return await tensor.read()
  } finally {
    tensor.dispose()
  }
}

/** first, first + 1, … end - 1. */
export function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i)
}
