/** Whether steps of one token can be recorded and replayed on this device, which ONNX Runtime does not promise. */
import { AppError } from '../../pack/failure.ts'
import { capacityFor, type DecoderParts } from './decoder-parts.ts'
import type { OneTokenStep } from './one-token-step.ts'
import { openCache } from './open-cache.ts'

/** How far a replayed step may be from the same step run plainly, relative to the largest logit. */
const SAME = 1e-3

/** Runs a token before anything is recorded, and again as the replay of a step that was recorded with another token. */
export async function recordsRightly(
  { shape, memory, context }: Pick<DecoderParts, 'shape' | 'memory' | 'context'>,
  step: OneTokenStep,
): Promise<boolean> {
  const { bosId } = shape
  const [token, other] = [bosId, bosId === 0 ? 1 : 0]
  const cache = await openCache(memory, capacityFor(1, context))
  try {
    const plain = await step.run(cache, token, 0)
    await step.run(cache, other, 0)
    const replayed = await step.run(cache, token, 0)
    const largest = plain.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
    return plain.every((value, i) => Math.abs(value - (replayed[i] ?? NaN)) <= SAME * largest)
  } catch (error) {
    if (error instanceof AppError) throw error
    return false
  } finally {
    cache.dispose()
  }
}
