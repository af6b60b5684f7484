/**
 * Whether our kernels compute on this device what ONNX Runtime computes there with the same weights: a prompt behind
 * query embeddings and a step after it, logits against logits, and greedy search's own choices. Both decoders run the
 * same work one after the other, so that their weights never lie in memory together.
 */
import type { DecoderShape } from '../../../pack/shapes.ts'
import type { CacheType } from '../../../pack/targets.ts'
import { argmax, logSumExp } from '../../decode/logits.ts'
import { seededUniform } from '../../decode/sampling.ts'
import type { LanguageModel, Sequence } from '../../language/language-model.ts'
import type { Runtime } from '../../ort/runtime.ts'

/** Tokens of the prompt: with a picture's query embeddings 40 rows. */
const PROMPT_TOKENS = 8
const GREEDY_TOKENS = 4

/** To be raised when kernels or the test change: what was found out before holds no longer. */
export const SELF_TEST_VERSION = 1

/**
 * Root mean square of the difference, relative to that of the logits. In float32 only the order of sums differs
 * (below 1e-5); a graph that computes in float16 is itself up to 5.7e-3 off on a card.
 */
const BOUNDS: Record<CacheType, number> = { float32: 1e-3, float16: 2e-2 }

/** Logits [vocabulary] behind the prompt, and behind one more token. */
export type JudgedLogits = [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>]

/** Runs the work on whatever runs the decoder. */
export async function judgedLogits(
  runtime: Runtime,
  language: LanguageModel,
  shape: DecoderShape,
): Promise<JudgedLogits> {
  const sequence = startSequence(runtime, language, shape)
  try {
    const { logits } = await sequence.begin(promptOf(shape), GREEDY_TOKENS)
    return [logits, await sequence.step(lastToken(shape))]
  } finally {
    sequence.dispose()
  }
}

/** Whether our decoder, which must be able to choose by itself, gives those logits and chooses by them. */
export async function agrees(
  runtime: Runtime,
  language: LanguageModel,
  { shape, cacheType, expected }: { shape: DecoderShape; cacheType: CacheType; expected: JudgedLogits },
): Promise<boolean> {
  const got = await judgedLogits(runtime, language, shape)
  const near = got.every(
    (logits, i) => differenceOf(logits, expected[i] ?? new Float32Array()) <= BOUNDS[cacheType],
  )
  return near && (await choosesRightly(runtime, language, shape))
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

/** Whether the chain on the device chooses as the same decoder's logits say, token by token. */
async function choosesRightly(
  runtime: Runtime,
  language: LanguageModel,
  shape: DecoderShape,
): Promise<boolean> {
  const [chain, steps] = [startSequence(runtime, language, shape), startSequence(runtime, language, shape)]
  try {
    if (chain.greedy === undefined) return false
    let { logits } = await steps.begin(promptOf(shape), GREEDY_TOKENS)
    for await (const { token, logProbability } of chain.greedy(promptOf(shape), GREEDY_TOKENS)) {
      const own = (logits[token] ?? NaN) - logSumExp(logits)
      if (token !== argmax(logits) || !(Math.abs(own - logProbability) < 1e-3)) return false
      logits = await steps.step(token)
    }
    return true
  } finally {
    chain.dispose()
    steps.dispose()
  }
}

function startSequence(
  runtime: Runtime,
  language: LanguageModel,
  { queries, hiddenSize }: DecoderShape,
): Sequence {
  const next = seededUniform(1)
  const values = Float32Array.from({ length: queries * hiddenSize }, () => 2 * next() - 1)
  return language.start(runtime.resident('float32', values, [1, queries, hiddenSize]))
}

function promptOf({ bosId, vocabulary }: DecoderShape): number[] {
  const next = seededUniform(2)
  const others = Array.from({ length: PROMPT_TOKENS - 1 }, () => Math.floor(next() * vocabulary))
  return [bosId, ...others]
}

function lastToken({ vocabulary }: DecoderShape): number {
  return vocabulary >> 1
}
