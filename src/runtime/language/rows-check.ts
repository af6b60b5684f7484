/**
 * Whether rows of one batch compute what each computes by itself, although they differ in length: attention over a cache
 * whose rows are of different lengths is little used, and not every device's kernels are known to have it.
 */
import { AppError, throwIfCancelled } from '../../pack/failure.ts'
import type { DecoderShape } from '../../pack/shapes.ts'
import type { CacheType } from '../../pack/targets.ts'
import { argmax } from '../decode/logits.ts'
import { seededUniform } from '../decode/sampling.ts'
import type { Runtime } from '../ort/runtime.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import type { BatchRow, LanguageModel, Next } from './language-model.ts'

/**
 * Root mean square of the difference, relative to that of the logits. In float32 only the order of sums differs
 * (below 1e-5); a graph that computes in float16 is itself up to 5.7e-3 off on a card.
 */
export const BOUNDS: Record<CacheType, number> = { float32: 1e-3, float16: 2e-2 }

/** Tokens of the prompts of the rows: a short row lies between two longer ones. */
const PROMPTS = [6, 1, 3]
const STEPS = 2

export interface CheckedModel {
  runtime: Runtime
  language: Pick<LanguageModel, 'start' | 'openBatch'>
  shape: DecoderShape
  cacheType: CacheType
  /** Looked at between runs. */
  signal?: AbortSignal | undefined
}

/** Also true where there is no room for rows: then there are none. Throws `cancelled`. */
export async function rowsAgree({
  runtime,
  language,
  shape,
  cacheType,
  signal,
}: CheckedModel): Promise<boolean> {
  const prompts = PROMPTS.map((count, i) => tokensFor(shape, count, i))
  const need = { promptTokens: Math.max(...PROMPTS), newTokens: STEPS + 1 }
  const batch = await language.openBatch(PROMPTS.length, need)
  if (batch === null) return true
  const rows: { row: BatchRow; token: number }[] = []
  const got: (Next | AppError)[][] = []
  try {
    for (const [i, prompt] of prompts.entries()) {
      if (i === batch.rows) break
      throwIfCancelled(signal)
      const { row, next } = await batch.begin(queriesFor(runtime, shape, i), prompt, 'logits')
      rows.push({ row, token: shape.vocabulary >> (i + 1) })
      got.push([next])
    }
    // The first step gives logits, the second what the device chooses, where it does.
    for (const wanted of ['logits', 'choice'] as const) {
      throwIfCancelled(signal)
      const next = await batch.step(rows, wanted)
      next.forEach((of, i) => got[i]?.push(of))
    }
  } finally {
    batch.dispose()
  }
  for (const [i, row] of rows.entries()) {
    throwIfCancelled(signal)
    const sequence = language.start(queriesFor(runtime, shape, i))
    try {
      const { logits } = await sequence.begin(prompts[i] ?? [], STEPS + 1)
      const expected = [logits, await sequence.step(row.token), await sequence.step(row.token)]
      if (!expected.every((own, j) => same(got[i]?.[j], own, BOUNDS[cacheType]))) return false
    } finally {
      sequence.dispose()
    }
  }
  return true
}

function same(next: Next | AppError | undefined, expected: Float32Array, bound: number): boolean {
  if (next === undefined || next instanceof AppError) return false
  if ('logits' in next) return differenceOf(next.logits, expected) <= bound
  return next.token === argmax(expected)
}

/** Root mean square of the difference relative to that of `expected`; NaN where anything is none. */
export function differenceOf(values: Float32Array, expected: Float32Array): number {
  if (values.length !== expected.length) return NaN
  let difference = 0
  let size = 0
  for (let i = 0; i < values.length; i += 1) {
    difference += ((values[i] ?? NaN) - (expected[i] ?? NaN)) ** 2
    size += (expected[i] ?? NaN) ** 2
  }
  return Math.sqrt(difference / size)
}

/** Query embeddings that nobody saw, on the device. */
export function queriesFor(
  runtime: Runtime,
  { queries, hiddenSize }: DecoderShape,
  seed: number,
): DeviceTensor {
  const next = seededUniform(seed + 1)
  const values = Float32Array.from({ length: queries * hiddenSize }, () => 2 * next() - 1)
  return runtime.resident('float32', values, [1, queries, hiddenSize])
}

/** `count` ids behind which nothing is meant, the first that of every prompt. */
export function tokensFor({ bosId, vocabulary }: DecoderShape, count: number, seed: number): number[] {
  const next = seededUniform(seed + 2)
  return [bosId, ...Array.from({ length: count - 1 }, () => Math.floor(next() * vocabulary))]
}
