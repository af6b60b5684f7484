import { describe, expect, it } from 'vitest'
import { toFailure } from '../../../pack/failure.ts'
import { openCompute } from '../../device/open-compute.ts'
import { argmax, logSumExp } from '../../decode/logits.ts'
import type { Batch, LanguageModel, Logits, Sequence } from '../../language/language-model.ts'
import { Runtime } from '../../ort/runtime.ts'
import { liveTensorCount } from '../../ort/tensor.ts'
import { differenceOf } from '../../language/rows-check.ts'
import { agreesInAllElse, givesLogits, judgedLogits, tokenMs, type Expected } from './self-test.ts'
import { SMALL_DECODER as SHAPE } from '../../../../testing/gpu/small-decoder.ts'

interface Faults {
  /** Factor on logits behind a prompt, behind a step, and what the chain chooses behind its best token. */
  prompt?: number
  step?: number
  skip?: number
  probability?: number
  /** Factors on logits behind so many tokens that go on in one run, and in the rows of a batch. */
  run?: Record<number, number>
  rows?: number
  /** What the device chooses in rows, behind the best. */
  rowsSkip?: number
  /** Told of each run. */
  onRun?: () => void
}

/** A model whose logits follow from how many tokens there are. */
function model({
  prompt: ofPrompt = 1,
  step: ofStep = 1,
  skip = 0,
  probability = 0,
  run = {},
  rows: ofRows = 1,
  rowsSkip = 0,
  onRun,
}: Faults): LanguageModel {
  const logitsAt = (length: number, factor: number): Logits => {
    onRun?.()
    return Float32Array.from({ length: SHAPE.vocabulary }, (_, i) => factor * 10 * Math.sin(i * length))
  }
  const sequence = (dispose: () => void): Sequence => {
    let length = 0
    return {
      begin: (prompt) => {
        const factor = run[prompt.length - length] ?? ofPrompt
        length = prompt.length
        return Promise.resolve({ logits: logitsAt(length, factor), ran: length })
      },
      step: () => Promise.resolve(logitsAt((length += 1), ofStep)),
      async *greedy(prompt, newTokens) {
        for (let i = 0; i < newTokens; i += 1) {
          const logits = logitsAt(prompt.length + i, 1)
          const token = argmax(logits) + (i === newTokens - 1 ? skip : 0)
          const logProbability = (logits[token] ?? NaN) - logSumExp(logits) + probability
          yield await Promise.resolve({ token, logProbability, ran: prompt.length })
        }
      },
      rewind: () => Promise.resolve(),
      fork: () => Promise.reject(new Error('not asked for')),
      dispose,
    }
  }
  const batch: Batch = {
    rows: 3,
    takes: () => true,
    begin: (queries, prompt) => {
      queries.dispose()
      const row = { length: prompt.length }
      return Promise.resolve({ row, next: { logits: logitsAt(row.length, 1), norm: null }, ran: row.length })
    },
    step: (tokens, wanted) =>
      Promise.resolve(
        tokens.map(({ row }) => {
          const logits = logitsAt(((row as { length: number }).length += 1), ofRows)
          return wanted === 'logits'
            ? { logits, norm: null }
            : { token: argmax(logits) + rowsSkip, logProbability: 0 }
        }),
      ),
    end: () => undefined,
    dispose: () => undefined,
  }
  const some: Pick<LanguageModel, 'start' | 'openBatch'> = {
    start: (queries) => sequence(() => queries.dispose()),
    openBatch: () => Promise.resolve(batch),
  }
  return some as LanguageModel
}

async function agrees(runtime: Runtime, language: LanguageModel, test: Expected): Promise<boolean> {
  return (await givesLogits(runtime, language, test)) && agreesInAllElse(runtime, language, test)
}

describe('the self-test of our kernels', () => {
  it.each<[string, Faults, boolean]>([
    ['passes what is the same', {}, true],
    ['passes what rounding explains', { prompt: 1 + 1e-4 }, true],
    ['fails a wrong prompt', { prompt: 1.01 }, false],
    ['fails a wrong step', { step: 0.99 }, false],
    ['fails what is no number', { step: NaN }, false],
    ['fails a chain that chooses otherwise', { skip: 1 }, false],
    ['fails a chain that is surer than its logits', { probability: 0.01 }, false],
    ['fails a run of a few rows', { run: { 5: 1.01 } }, false],
    ['fails a run of some more', { run: { 9: 1.01 } }, false],
    ['fails rows of one batch', { rows: 1.01 }, false],
    ['fails rows in which the device chooses otherwise', { rowsSkip: 1 }, false],
  ])('%s', async (_, faults, passes) => {
    const runtime = await Runtime.open(await openCompute('wasm'))
    const expected = await judgedLogits(runtime, model({}), SHAPE)
    const verdict = await agrees(runtime, model(faults), { shape: SHAPE, cacheType: 'float32', expected })
    expect(verdict).toBe(passes)
    expect(liveTensorCount()).toBe(0)
  })

  it('allows a graph of float16 more', async () => {
    const runtime = await Runtime.open(await openCompute('wasm'))
    const expected = await judgedLogits(runtime, model({ prompt: 1.01, step: 0.99 }), SHAPE)
    expect(await agrees(runtime, model({}), { shape: SHAPE, cacheType: 'float16', expected })).toBe(true)
  })

  it('takes the median of several spans behind some tokens, of a chain and of logits alike', async () => {
    const runtime = await Runtime.open(await openCompute('wasm'))
    for (const chains of [true, false]) {
      // A token takes 2, but 100 as long as the device warms up, and once a while later.
      let tokens = 0
      let at = 0
      const now = (): number => {
        tokens += 1
        at += tokens <= 5 || tokens === 7 ? 100 : 2
        return at
      }
      const start: LanguageModel['start'] = (queries) => {
        const sequence = model({}).start(queries)
        return chains ? sequence : { ...sequence, greedy: undefined }
      }
      expect(await tokenMs(runtime, { start }, SHAPE, { now })).toBe(2)
      expect(tokens).toBe(14)
    }
    expect(liveTensorCount()).toBe(0)
  })

  it('is stopped wherever it is, a few runs later at most', async () => {
    const runtime = await Runtime.open(await openCompute('wasm'))
    const expected = await judgedLogits(runtime, model({}), SHAPE)
    /** Runs until it ends, where it is stopped in the nth. */
    const runsOf = async (stopped: number): Promise<[runs: number, how: string]> => {
      const stop = new AbortController()
      let runs = 0
      const onRun = (): void => {
        runs += 1
        if (runs === stopped) stop.abort()
      }
      const language = model({ onRun })
      const { signal } = stop
      const test = { shape: SHAPE, cacheType: 'float32' as const, expected, signal }
      const how = await agrees(runtime, language, test)
        .then(() => tokenMs(runtime, language, SHAPE, { signal }))
        .then(
          () => 'ended',
          (error: unknown) => toFailure(error).code,
        )
      expect(liveTensorCount()).toBe(0)
      return [runs, how]
    }
    const [all] = await runsOf(Infinity)
    for (let stopped = 1; stopped < all; stopped += 1) {
      const [runs, how] = await runsOf(stopped)
      expect([how, runs - stopped <= 3]).toEqual(['cancelled', true])
    }
  })

  it('finds rows of other lengths different', () => {
    expect(differenceOf(new Float32Array(3), new Float32Array(4))).toBeNaN()
  })
})
