/** Decoding: from logits to tokens. Greedy search as `transformers.generate` defines it. */
import { throwIfCancelled } from '../pack/failure.ts'
import type { Decoding } from './language-model.ts'

export interface GreedyOptions {
  maxNewTokens: number
  /** Ids that end the answer; the one that does is part of it, as in transformers. */
  eosIds: readonly number[]
  signal?: AbortSignal | undefined
}

/**
 * Yields each new token as it is chosen. `prompt` holds BOS and the prompt's ids. Looks at the signal before each run
 * of the model and throws `cancelled`; tokens yielded before stay valid.
 */
export async function* generateGreedy(
  decoding: Decoding,
  prompt: number[],
  options: GreedyOptions,
): AsyncGenerator<number, void, undefined> {
  const { maxNewTokens, eosIds, signal } = options
  let next = prompt
  for (let count = 0; count < maxNewTokens; count += 1) {
    throwIfCancelled(signal)
    const token = argmax(await decoding.extend(next))
    yield token
    if (eosIds.includes(token)) return
    next = [token]
  }
}

/** Index of the largest value, the first one among equals. */
export function argmax(values: Float32Array): number {
  let best = 0
  for (let i = 1; i < values.length; i += 1) {
    if ((values[i] ?? -Infinity) > (values[best] ?? -Infinity)) best = i
  }
  return best
}
