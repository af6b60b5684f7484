import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { decoder as treaty } from '../../pack/parts.ts'
import { openCompute } from '../device/open-compute.ts'
import { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import { liveTensorCount, type DeviceTensor } from '../ort/tensor.ts'
import { CacheMemory } from './cache-memory.ts'
import { DecoderOnly } from './decoder-only.ts'
import type { DecoderRun, DecoderRuns } from './decoder-parts.ts'
import { cacheLayout, positionBytes, tensorAt, type Tensors } from './kv-cache.ts'
import type { Sequence } from './language-model.ts'

const SHAPE = {
  queries: 3,
  hiddenSize: 4,
  layers: 1,
  heads: 2,
  headSize: 2,
  cacheHeadSize: 2,
  vocabulary: 5,
  positions: 32,
  bosId: 0,
  eosIds: [1],
  imageTokenIds: [],
  padId: 1,
}
const LAYOUT = cacheLayout(SHAPE, 'float32')

/** A graph of no arithmetic: its cache grows as a decoder's does, and it refuses one that is out of step. */
class ScriptedDecoder {
  readonly records = false
  /** What becomes of the next run. */
  next: 'numbers' | 'no numbers' | 'failure' = 'numbers'
  /** Positions that each run was told are there in all. */
  readonly totals: number[] = []
  readonly #runtime: Runtime

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    const int32 = runtime.int32.bind(runtime)
    vi.spyOn(runtime, 'int32').mockImplementation((values, onDevice) => {
      this.#told = values[0] ?? NaN
      return int32(values, onDevice)
    })
  }

  /** The total length is the last that is made of 32 bits. */
  #told = NaN

  run(feeds: Tensors): Promise<Tensors> {
    const fate = this.next
    this.next = 'numbers'
    this.totals.push(this.#told)
    const rows = tensorAt(feeds, treaty.input.rows).dims[0] ?? 0
    const batch = tensorAt(feeds, treaty.input.tokens).dims[0] ?? 0
    const past = tensorAt(feeds, treaty.pastKey(0)).dims[2] ?? 0
    if (past + rows !== this.#told)
      return Promise.reject(new Error(`${past} + ${rows} positions, told of ${this.#told}`))
    if (fate === 'failure') return Promise.reject(new Error('the run failed'))
    const make = (dims: number[], value: number): DeviceTensor => {
      const count = dims.reduce((product, size) => product * size, 1)
      return this.#runtime.tensor('float32', new Float32Array(count).fill(value), dims)
    }
    const present = LAYOUT.names.map(({ present: name }) => [
      name,
      make([batch, SHAPE.heads, past + rows, SHAPE.cacheHeadSize], 1),
    ])
    const logitRows = tensorAt(feeds, treaty.input.logitRows).dims[0] ?? 0
    const logits = make([batch, logitRows, SHAPE.vocabulary], fate === 'numbers' ? 1 : NaN)
    return Promise.resolve({ ...(Object.fromEntries(present) as Tensors), [treaty.output.logits]: logits })
  }

  dispose(): Promise<void> {
    return Promise.resolve()
  }
}

let decoder: ScriptedDecoder
let language: DecoderOnly
let sequence: Sequence

async function open(cacheBytes: number): Promise<void> {
  const runtime = await Runtime.open(await openCompute('wasm'))
  decoder = new ScriptedDecoder(runtime)
  const session = decoder as unknown as Session
  language = await DecoderOnly.open(runtime, {
    openSession: () => Promise.resolve(session),
    openPlain: () => Promise.reject(new Error('Nothing is recorded here.')),
    shape: SHAPE,
    cacheType: 'float32',
    ownKernels: 'no-gpu',
    context: SHAPE.positions,
    cacheBytes,
  })
  const queries = new Float32Array(SHAPE.queries * SHAPE.hiddenSize)
  sequence = language.start(runtime.tensor('float32', queries, [1, SHAPE.queries, SHAPE.hiddenSize]))
}

beforeEach(() => open(Infinity))
afterEach(async () => {
  sequence.dispose()
  await language.dispose()
  expect(liveTensorCount()).toBe(0)
})

describe.each([
  ['computes no numbers', 'no numbers', { code: 'bad-pack' }],
  ['fails', 'failure', { message: 'the run failed' }],
] as const)('a sequence whose run %s', (_, fate, failure) => {
  it('while the prompt is read begins anew', async () => {
    decoder.next = fate
    await expect(sequence.begin([0, 2], 4)).rejects.toMatchObject(failure)
    expect((await sequence.begin([0, 2], 4)).ran).toBe(5)
    await sequence.step(3)
    expect(decoder.totals).toEqual([5, 5, 6])
  })

  it('in the middle of an answer cannot be continued, but begun anew, and shares nothing with before', async () => {
    await sequence.begin([0, 2], 4)
    await sequence.step(3)
    decoder.next = fate
    await expect(sequence.step(4)).rejects.toMatchObject(failure)
    const { ran } = await sequence.begin([0, 2, 3], 4)
    expect(ran).toBe(6)
    await sequence.step(4)
    expect(decoder.totals.slice(-2)).toEqual([6, 7])
  })

  it('in its branches ends these, and nothing else', async () => {
    await sequence.begin([0, 2], 4)
    const branches = await sequence.fork(2)
    await branches.step([3, 4])
    decoder.next = fate
    await expect(branches.step([3, 4], [1, 0])).rejects.toMatchObject(failure)
    const runs = decoder.totals.length
    await expect(branches.step([3, 4])).rejects.toMatchObject(failure)
    expect(decoder.totals).toHaveLength(runs)
    branches.dispose()
    await sequence.step(3)
    expect(decoder.totals.at(-1)).toBe(6)
  })
})

it('a row that the device finds no numbers in is no row, and reading begins anew', async () => {
  const runtime = await Runtime.open(await openCompute('wasm'))
  const rows = [null, { found: new Map([[2, 7]]), norm: 8 }]
  const runs: DecoderRuns = {
    records: false,
    useRecordings: () => undefined,
    run: () => Promise.resolve(new Float32Array()),
    top: () => Promise.resolve(rows.splice(0, 1)),
    dispose: () => Promise.resolve(),
  }
  const memory = new CacheMemory(runtime, LAYOUT)
  const model = new DecoderOnly({ runtime, runs, shape: SHAPE, context: SHAPE.positions, memory }, 'used')
  const queries = new Float32Array(SHAPE.queries * SHAPE.hiddenSize)
  const read = model.start(runtime.tensor('float32', queries, [1, SHAPE.queries, SHAPE.hiddenSize]))
  const wanted = { count: 1, besides: [] }
  await expect(read.top?.begin([0, 2], 4, wanted)).rejects.toMatchObject({ code: 'bad-pack' })
  const logits = Float32Array.of(-Infinity, -Infinity, 7, -Infinity, -Infinity)
  expect(await read.top?.begin([0, 2], 4, wanted)).toEqual({ logits, norm: 8, ran: 5 })
  read.dispose()
  await model.dispose()
})

it('counts nothing that ran ahead of an answer, wherever that was left, and goes on behind what was said', async () => {
  const runtime = await Runtime.open(await openCompute('wasm'))
  /** Positions that lie in the cache, and tokens that run. */
  const ran: [past: number, tokens: readonly number[]][] = []
  const note = ({ past: [past = NaN], tokens }: DecoderRun): void => void ran.push([past, tokens])
  const runs: DecoderRuns = {
    records: false,
    useRecordings: () => undefined,
    run: (_, run) => {
      note(run)
      return Promise.resolve(new Float32Array(SHAPE.vocabulary))
    },
    async *greedy(_, run, most) {
      note(run)
      for (let i = 0; i < most; i += 1) yield await Promise.resolve({ token: 2 + (i % 3), logProbability: 0 })
    },
    dispose: () => Promise.resolve(),
  }
  const memory = new CacheMemory(runtime, LAYOUT)
  const model = new DecoderOnly({ runtime, runs, shape: SHAPE, context: SHAPE.positions, memory }, 'used')
  const queries = new Float32Array(SHAPE.queries * SHAPE.hiddenSize)
  const read = model.start(runtime.tensor('float32', queries, [1, SHAPE.queries, SHAPE.hiddenSize]))
  const said = async (prompt: number[], count: number): Promise<number[]> => {
    const tokens: number[] = []
    for await (const { token } of read.greedy?.(prompt, 8) ?? []) {
      tokens.push(token)
      if (tokens.length === count) break
    }
    return tokens
  }
  // Left at the third token, which nothing was read behind; the next turn runs it and what comes on top.
  expect(await said([0, 2], 3)).toEqual([2, 3, 4])
  await said([0, 2, 2, 3, 4, 1, 2], 2)
  // Another beginning: of the two tokens of before nothing is left.
  await said([0, 2, 2, 3, 3], 8)
  // To the end, and the same again.
  expect((await read.begin([0, 2, 2, 3, 3, 2, 3, 4, 2, 3, 4, 2, 3], 4)).ran).toBe(1)
  expect(ran).toEqual([
    [0, [0, 2]],
    [7, [4, 1, 2]],
    [7, [3]],
    [15, [3]],
  ])
  read.dispose()
  await model.dispose()
})

describe('branches', () => {
  it('need what prompt and answer need, however long the context is', async () => {
    sequence.dispose()
    // Prompt and answer have 8 positions; two sets of three rows are 48, and the sequence itself has 5.
    await open(53 * positionBytes(LAYOUT))
    await sequence.begin([0, 2], 4)
    const branches = await sequence.fork(3)
    for (let step = 0; step < 3; step += 1) await branches.step([2, 3, 4])
    await expect(branches.step([2, 3, 4])).rejects.toMatchObject({ code: 'bug' })
    branches.dispose()
  })

  it('that do not fit are refused before anything is run or taken', async () => {
    sequence.dispose()
    await open(52 * positionBytes(LAYOUT))
    await sequence.begin([0, 2], 4)
    const live = liveTensorCount()
    await expect(sequence.fork(3)).rejects.toMatchObject({
      code: 'out-of-memory',
      message: expect.stringMatching(/^3 answers side by side, over 8 positions each/) as string,
    })
    expect(liveTensorCount()).toBe(live)
    // The conversation goes on.
    await sequence.step(3)
  })
})
