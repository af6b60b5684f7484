import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../pack/failure.ts'
import { openCompute } from '../device/open-compute.ts'
import { Runtime } from '../ort/runtime.ts'
import { liveTensorCount } from '../ort/tensor.ts'
import { CacheMemory } from './cache-memory.ts'
import { DecoderBatch } from './decoder-batch.ts'
import { DecoderOnly } from './decoder-only.ts'
import type { DecoderParts, DecoderRun, DecoderRuns } from './decoder-parts.ts'
import { cacheLayout, type KvCache } from './kv-cache.ts'
import type { Choice, Logits } from './language-model.ts'
import { queriesFor } from './rows-check.ts'

const SHAPE = {
  queries: 3,
  hiddenSize: 4,
  layers: 1,
  heads: 2,
  headSize: 2,
  cacheHeadSize: 2,
  vocabulary: 16,
  positions: 32,
  bosId: 0,
  eosIds: [1],
  imageTokenIds: [],
  padId: 1,
}
const NEED = { promptTokens: 2, newTokens: 4 }

/** What follows from how many positions a row has. */
class ScriptedRuns implements DecoderRuns {
  readonly records = false
  /** Rows of a batch that have no numbers. */
  spoilt: readonly number[] = []
  /** What becomes of the next run of several rows. */
  failure: AppError | null = null

  useRecordings(): void {
    // There are none.
  }

  run(_: KvCache, { batch, past, rows }: DecoderRun): Promise<Logits> {
    const { failure } = this
    if (batch > 1 && failure !== null) {
      this.failure = null
      return Promise.reject(failure)
    }
    const logits = new Float32Array(batch * SHAPE.vocabulary)
    for (let row = 0; row < batch; row += 1) {
      const length = (past[row] ?? NaN) + rows.length
      const factor = batch > 1 && this.spoilt.includes(row) ? NaN : 1
      for (let i = 0; i < SHAPE.vocabulary; i += 1)
        logits[row * SHAPE.vocabulary + i] = factor * Math.sin(i * length)
    }
    return Promise.resolve(logits)
  }

  dispose(): Promise<void> {
    return Promise.resolve()
  }
}

/** The same on a device that chooses. */
class ChoosingRuns extends ScriptedRuns {
  async choose(cache: KvCache, run: DecoderRun): Promise<(Choice | null)[]> {
    const logits = await this.run(cache, run)
    return Array.from({ length: run.batch }, (_, row) =>
      Number.isNaN(logits[row * SHAPE.vocabulary]) ? null : { token: row, logProbability: 0 },
    )
  }
}

let runtime: Runtime
let memory: CacheMemory

beforeEach(async () => {
  runtime = await Runtime.open(await openCompute('wasm'))
  memory = new CacheMemory(runtime, cacheLayout(SHAPE, 'float32'))
})
afterEach(() => {
  memory.dispose()
  expect(liveTensorCount()).toBe(0)
})

const partsOver = (runs: DecoderRuns): DecoderParts => ({ runtime, runs, shape: SHAPE, context: 32, memory })

describe('a row without numbers', () => {
  it.each<[string, ScriptedRuns, 'logits' | 'choice']>([
    ['whose logits are wanted', new ScriptedRuns(), 'logits'],
    ['that the device is to choose in', new ChoosingRuns(), 'choice'],
  ])('%s takes nothing from the others', async (_, runs, wanted) => {
    const batch = await DecoderBatch.open(partsOver(runs), 3, NEED)
    if (batch === null) throw new Error('There is room.')
    const rows = []
    for (const i of [0, 1, 2]) rows.push(await batch.begin(queriesFor(runtime, SHAPE, i), [0, 2], wanted))
    runs.spoilt = [1]
    const next = await batch.step(
      rows.map(({ row }) => ({ row, token: 3 })),
      wanted,
    )
    batch.dispose()
    expect(next.map((of) => (of instanceof AppError ? of.code : 'numbers'))).toEqual([
      'numbers',
      'bad-pack',
      'numbers',
    ])
  })
})

describe('rows of one batch where graphs are tried first', () => {
  /** Of a graphics device, as far as anybody asks; all is computed on the processor. */
  function languageOver(runs: DecoderRuns): DecoderOnly {
    const compute = { ...runtime.compute, device: {} }
    const onDevice = { compute, resident: runtime.resident.bind(runtime) } as unknown as Runtime
    return new DecoderOnly({ ...partsOver(runs), runtime: onDevice }, 'unfit')
  }

  it('are there when they come out right', async () => {
    const batch = await languageOver(new ScriptedRuns()).openBatch(2, NEED)
    expect(batch).not.toBeNull()
    batch?.dispose()
  })

  it('are not there when no numbers come out, and nobody hears of a failure', async () => {
    const runs = new ScriptedRuns()
    const language = languageOver(runs)
    runs.spoilt = [0, 1, 2]
    expect(await language.openBatch(2, NEED)).toBeNull()
  })

  it('are not there when not even a prompt has numbers', async () => {
    const runs = new ScriptedRuns()
    runs.run = ({}, { batch }) => Promise.resolve(new Float32Array(batch * SHAPE.vocabulary).fill(NaN))
    expect(await languageOver(runs).openBatch(2, NEED)).toBeNull()
  })

  it('are tried again after what passes', async () => {
    const runs = new ScriptedRuns()
    const language = languageOver(runs)
    runs.failure = new AppError('out-of-memory', 'No room.')
    await expect(language.openBatch(2, NEED)).rejects.toMatchObject({ code: 'out-of-memory' })
    const batch = await language.openBatch(2, NEED)
    expect(batch).not.toBeNull()
    batch?.dispose()
  })
})
