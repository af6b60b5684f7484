/** What the sequences of an encoder–decoder share, and one step of its decoder. */
import { textDecoder } from '../../pack/parts.ts'
import { AppError } from '../../pack/failure.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import { disposeTensors } from '../ort/tensor.ts'
import type { CacheMemory } from './cache-memory.ts'
import type { KvCache } from './kv-cache.ts'
import type { Logits } from './language-model.ts'
import type { ReadPrompt } from './read-prompt.ts'
import { decoderBuckets, type BucketRule } from './relative-buckets.ts'

/** What the caches are made of: two tensors for each layer. */
export interface CacheShape {
  layers: number
  heads: number
  cacheHeadSize: number
}

export interface EncoderDecoderShape extends CacheShape, BucketRule {
  /** Query embeddings of a picture. */
  queries: number
  hiddenSize: number
  /** What the decoder begins with; no part of the answer. */
  startId: number
  /** Positions that query embeddings and prompt may have together. */
  promptPositions: number
  /** Tokens that an answer may have. */
  answerPositions: number
}

export interface EncoderDecoderParts {
  runtime: Runtime
  encoder: Session
  decoder: Session
  shape: EncoderDecoderShape
  memory: CacheMemory
}

/** The smallest GPU cache, in positions. Answers are short; each next is twice as large. */
const SMALLEST_CAPACITY = 64

/** Positions of the cache that holds `length` and some more. The last token of an answer is never run. */
export function capacityFor(length: number, { answerPositions }: EncoderDecoderShape): number {
  let capacity = SMALLEST_CAPACITY
  while (capacity < length) capacity *= 2
  return Math.min(capacity, answerPositions)
}

export interface DecoderStep {
  /** One for each row of the batch. */
  tokens: readonly number[]
  /** Positions in the cache. */
  past: number
}

/**
 * Runs one token of each row over the cache, which has one position more behind it. Returns logits [batch, vocabulary].
 */
export async function runStep(
  { runtime, decoder, shape }: Pick<EncoderDecoderParts, 'runtime' | 'decoder' | 'shape'>,
  cache: KvCache,
  { cross }: Pick<ReadPrompt, 'cross'>,
  { tokens, past }: DecoderStep,
): Promise<Logits> {
  if (past >= cache.capacity) await cache.reserve(capacityFor(past + 1, shape), past)
  const { input, output } = textDecoder
  const total = past + 1
  const own = {
    [input.tokens]: runtime.int64(tokens, [tokens.length, 1]),
    [input.buckets]: runtime.tensor('int64', decoderBuckets(past, 1, shape), [1, total]),
    [input.lastPosition]: runtime.int32(tokens.map(() => past)),
    [input.totalLength]: runtime.int32([total]),
  }
  try {
    const { [output.logits]: logits, ...present } = await decoder.run(
      { ...own, ...cross, ...cache.past() },
      cache.into(),
    )
    cache.keep(present)
    if (logits === undefined) throw new AppError('bug', 'The text decoder returned no logits.')
    try {
      return await logits.read()
    } finally {
      logits.dispose()
    }
  } finally {
    disposeTensors(own)
  }
}

/** A number out of range spoils every logit of a row by way of the norms. */
export function checkNumbers(logits: Logits): void {
  if (Number.isFinite(logits.at(-1))) return
  throw new AppError(
    'bad-pack',
    'The model computed no numbers: memory ran out on this device, or its weights hold none. Load it again, or use another model.',
  )
}
