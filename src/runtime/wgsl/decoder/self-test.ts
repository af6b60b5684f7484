/**
 * Whether our kernels compute on this device what ONNX Runtime computes there with the same weights: a prompt behind
 * query embeddings and a step after it, logits against logits. Greedy search's own choices, runs of a few rows and rows
 * of one batch must then agree with such steps, so that every kernel that may be used was run. Both decoders run the same
 * work one after the other, so that their weights never lie in memory together. Whoever stops it in between is heard
 * before the next run.
 */
import { throwIfCancelled } from '../../../pack/failure.ts'
import type { DecoderShape } from '../../../pack/shapes.ts'
import type { CacheType } from '../../../pack/targets.ts'
import { argmax, logSumExp } from '../../decode/logits.ts'
import type { LanguageModel, Sequence } from '../../language/language-model.ts'
import {
  BOUNDS,
  differenceOf,
  queriesFor,
  rowsAgree,
  tokensFor,
  type CheckedModel,
} from '../../language/rows-check.ts'
import type { Runtime } from '../../ort/runtime.ts'
import { branchesAgree } from './branches-check.ts'

/** Tokens of the prompt: with a picture's query embeddings 40 rows. */
const PROMPT_TOKENS = 8
const GREEDY_TOKENS = 4

/** Tokens before the clock counts, in which recordings are made, and spans of so many tokens of which one is the median. */
const WARM_TOKENS = 4
const SPANS = 3
const SPAN_TOKENS = 3

/** To be raised when kernels or the test change: what was found out before holds no longer. */
export const SELF_TEST_VERSION = 7

/** What it may take on ours, in tokens of ONNX Runtime's: some five times what the work is. */
export const SELF_TEST_WORK = { firstRuns: 100, test: 1000 }

/**
 * Tokens that go on behind the prompt, in one run: few rows and some more take tiles of their own. Prompts of more rows
 * take the tiles of the prompt.
 */
const MORE_TOKENS = [5, 9]

/** Logits [vocabulary] behind the prompt, and behind one more token. */
export type JudgedLogits = [Float32Array<ArrayBuffer>, Float32Array<ArrayBuffer>]

/** Runs the work on whatever runs the decoder. */
export async function judgedLogits(
  runtime: Runtime,
  language: Pick<LanguageModel, 'start'>,
  shape: DecoderShape,
  signal?: AbortSignal,
): Promise<JudgedLogits> {
  throwIfCancelled(signal)
  const sequence = startSequence(runtime, language, shape)
  try {
    const { logits } = await sequence.begin(promptOf(shape), GREEDY_TOKENS)
    throwIfCancelled(signal)
    return [logits, await sequence.step(lastToken(shape))]
  } finally {
    sequence.dispose()
  }
}

/** What our decoder is held against. */
export interface Expected {
  shape: DecoderShape
  cacheType: CacheType
  /** `JudgedLogits` */
  expected: readonly Float32Array[]
  signal?: AbortSignal | undefined
}

/** Whether our decoder gives those logits: the first part of the test, and all of it where the rest has passed before. */
export async function givesLogits(
  runtime: Runtime,
  language: Pick<LanguageModel, 'start'>,
  { shape, cacheType, expected, signal }: Expected,
): Promise<boolean> {
  const got = await judgedLogits(runtime, language, shape, signal)
  return got.every(
    (logits, i) => differenceOf(logits, expected[i] ?? new Float32Array()) <= BOUNDS[cacheType],
  )
}

/**
 * Milliseconds of a token of a greedy answer, as answers are written: the median of several spans behind some tokens
 * that warm up. Over ONNX Runtime the choice of the token is part of it, and its log-probability.
 */
export async function tokenMs(
  runtime: Runtime,
  language: Pick<LanguageModel, 'start'>,
  shape: DecoderShape,
  { signal, now = () => performance.now() }: { signal?: AbortSignal | undefined; now?: () => number } = {},
): Promise<number> {
  const sequence = startSequence(runtime, language, shape)
  const count = WARM_TOKENS + SPANS * SPAN_TOKENS + 1
  const at: number[] = []
  try {
    const prompt = promptOf(shape)
    const steps = sequence.greedy?.(prompt, count) ?? chosenHere(sequence, prompt, count)
    try {
      while ((await steps.next()).done !== true) {
        at.push(now())
        throwIfCancelled(signal)
      }
    } finally {
      // Also where it is stopped: what ran ahead is waited for.
      await steps.return(undefined)
    }
  } finally {
    sequence.dispose()
  }
  const spans = Array.from({ length: SPANS }, (_, i) => {
    const from = WARM_TOKENS + i * SPAN_TOKENS
    return ((at[from + SPAN_TOKENS] ?? NaN) - (at[from] ?? NaN)) / SPAN_TOKENS
  })
  return spans.sort((a, b) => a - b)[SPANS >> 1] ?? NaN
}

/** Greedy search over logits, for a device that does not choose. */
async function* chosenHere(
  sequence: Sequence,
  prompt: readonly number[],
  count: number,
): AsyncGenerator<number, void, undefined> {
  let { logits } = await sequence.begin(prompt, count)
  for (let i = 0; i < count; i += 1) {
    const token = argmax(logits)
    yield (logits[token] ?? NaN) - logSumExp(logits)
    if (i < count - 1) logits = await sequence.step(token)
  }
}

/** Whether our decoder can choose by itself, and whether choices, runs of a few rows, branches and rows of one batch are what steps one by one give. */
export async function agreesInAllElse(
  runtime: Runtime,
  language: LanguageModel,
  { shape, cacheType, signal }: Omit<Expected, 'expected'>,
): Promise<boolean> {
  const checked: CheckedModel = { runtime, language, shape, cacheType, signal }
  return (
    (await choosesRightly(checked)) &&
    (await goesOnRightly(checked)) &&
    (await branchesAgree(checked)) &&
    (await rowsAgree(checked))
  )
}

/**
 * Whether runs of a few rows give what the same tokens give one by one: the tiles for 8 and for 16 rows, which neither
 * the prompt nor a step has taken.
 */
async function goesOnRightly({
  runtime,
  language,
  shape,
  cacheType,
  signal,
}: CheckedModel): Promise<boolean> {
  const [run, steps] = [startSequence(runtime, language, shape), startSequence(runtime, language, shape)]
  try {
    const prompt = promptOf(shape)
    for (const count of MORE_TOKENS) {
      const more = tokensFor(shape, count, count)
      throwIfCancelled(signal)
      await run.begin(prompt, GREEDY_TOKENS)
      const { logits } = await run.begin([...prompt, ...more], GREEDY_TOKENS)
      let expected = (await steps.begin(prompt, count + GREEDY_TOKENS)).logits
      for (const token of more) {
        throwIfCancelled(signal)
        expected = await steps.step(token)
      }
      if (!(differenceOf(logits, expected) <= BOUNDS[cacheType])) return false
    }
    return true
  } finally {
    run.dispose()
    steps.dispose()
  }
}

/** Whether the chain on the device chooses as the same decoder's logits say, token by token. */
async function choosesRightly({ runtime, language, shape, signal }: CheckedModel): Promise<boolean> {
  throwIfCancelled(signal)
  const [chain, steps] = [startSequence(runtime, language, shape), startSequence(runtime, language, shape)]
  try {
    if (chain.greedy === undefined) return false
    let { logits } = await steps.begin(promptOf(shape), GREEDY_TOKENS)
    for await (const { token, logProbability } of chain.greedy(promptOf(shape), GREEDY_TOKENS)) {
      const own = (logits[token] ?? NaN) - logSumExp(logits)
      if (token !== argmax(logits) || !(Math.abs(own - logProbability) < 1e-3)) return false
      throwIfCancelled(signal)
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
  language: Pick<LanguageModel, 'start'>,
  shape: DecoderShape,
): Sequence {
  return language.start(queriesFor(runtime, shape, 0))
}

function promptOf(shape: DecoderShape): number[] {
  return tokensFor(shape, PROMPT_TOKENS, 0)
}

function lastToken({ vocabulary }: DecoderShape): number {
  return vocabulary >> 1
}
