import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { GREEDY } from '../../pack/decoding.ts'
import { AppError, toFailure } from '../../pack/failure.ts'
import type { Batch, LanguageModel } from '../language/language-model.ts'
import type { DeviceTensor } from '../ort/tensor.ts'
import type { Voice } from './discussion.ts'
import { Together } from './together.ts'

/** A batch of no arithmetic, in which each token is the number of its row. */
class ScriptedBatch implements Batch {
  readonly rows = 4
  isOpen = true
  /** Rows whose next step has no numbers. */
  spoilt: readonly number[] = []
  /** What becomes of the next beginning. */
  failure: AppError | null = null
  #begun = 0

  takes(): boolean {
    return true
  }

  begin: Batch['begin'] = (queries) => {
    queries.dispose()
    if (this.failure !== null) return Promise.reject(this.failure)
    const row = { length: this.#begun }
    this.#begun += 1
    return Promise.resolve({ row, next: { token: row.length, logProbability: 0 }, ran: 1 })
  }

  step: Batch['step'] = (tokens) =>
    Promise.resolve(
      tokens.map(({ row, token }) =>
        this.spoilt.includes(row.length)
          ? new AppError('bad-pack', 'No numbers.')
          : { token, logProbability: 0 },
      ),
    )

  end(): void {
    // All rows are the same.
  }

  dispose(): void {
    this.isOpen = false
  }
}

let batch: ScriptedBatch
let voice: Voice
let together: Together
/** Query embeddings that nobody disposed of. */
let live: number

beforeEach(() => {
  batch = new ScriptedBatch()
  live = 0
  const rooms = { promptRoom: () => 100, answerRoom: () => 100 }
  const language: Pick<LanguageModel, 'openBatch' | keyof typeof rooms> = {
    ...rooms,
    openBatch: () => Promise.resolve(batch),
  }
  voice = {
    language,
    promptIds: () => [0],
    encode: () => [],
    decode: (ids) => ids.join(' '),
    countedIds: (ids) => ids,
    eosIds: () => [],
  }
  together = new Together(language as LanguageModel, voice)
})
afterEach(() => {
  vi.restoreAllMocks()
  expect(live).toBe(0)
  expect(batch.isOpen).toBe(false)
})

function queries(): Promise<DeviceTensor> {
  live += 1
  const tensor: Pick<DeviceTensor, 'dispose'> = { dispose: () => void (live -= 1) }
  return Promise.resolve(tensor as DeviceTensor)
}

const settings = { ...GREEDY, maxNewTokens: 3 }

it('tells only the one whose row has no numbers', async () => {
  batch.spoilt = [1]
  const answers = [0, 1, 2].map(() => together.answer(queries(), '', { settings }))
  const texts = answers.map((answer) =>
    answer.then(
      ({ text }) => text,
      (error: unknown) => toFailure(error).code,
    ),
  )
  expect(await Promise.all(texts)).toEqual(['0 0 0', 'bad-pack', '2 2 2'])
})

describe('when the last hears that it failed, nothing of the model is held any more', () => {
  beforeEach(() => {
    // Whoever pauses pauses each time.
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => (now += 1000))
  })

  it('as it begins', async () => {
    batch.failure = new AppError('out-of-memory', 'No room.')
    const isOpen = together.answer(queries(), '', { settings }).catch(() => batch.isOpen)
    expect(await isOpen).toBe(false)
  })

  it('as it is stopped while it waits for a row', async () => {
    const stop = new AbortController()
    const written = [0, 1, 2, 3].map((i) =>
      together.answer(queries(), '', {
        settings,
        // All but the one that waits are over, and it is not wanted any more.
        report: ({ tokenIds }) => {
          if (i === 3 && tokenIds.length === settings.maxNewTokens) stop.abort()
        },
      }),
    )
    const last = together.answer(queries(), '', { settings, signal: stop.signal })
    const isOpen = last.catch(() => batch.isOpen)
    await Promise.all(written)
    expect(await isOpen).toBe(false)
  })
})

it('lets go of a picture that nothing can be said about', async () => {
  voice.eosIds = () => {
    throw new AppError('bug', 'No ends.')
  }
  const answer = together.answer(queries(), '', { settings })
  await expect(answer).rejects.toMatchObject({ code: 'bug' })
  batch.dispose()
})
