import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { textDecoder, textEncoder } from '../../pack/parts.ts'
import { openCompute } from '../device/open-compute.ts'
import { Runtime } from '../ort/runtime.ts'
import type { Session } from '../ort/session.ts'
import { liveTensorCount, type DeviceTensor } from '../ort/tensor.ts'
import { EncoderDecoder } from './encoder-decoder.ts'
import { tensorAt, type Tensors } from './kv-cache.ts'
import type { Sequence } from './language-model.ts'

const SHAPE = {
  queries: 3,
  hiddenSize: 4,
  layers: 1,
  heads: 2,
  cacheHeadSize: 2,
  startId: 0,
  promptPositions: 8,
  answerPositions: 6,
  buckets: 4,
  maxDistance: 8,
}

type Fate = 'numbers' | 'no numbers' | 'failure'

/** Graphs of no arithmetic. The decoder's cache grows by a position in each run, and one out of step is refused. */
interface Scripted {
  language: EncoderDecoder
  sequence: Sequence
  /** How often the encoder has run. */
  read: number
  /** Positions that the decoder was told are in the cache with the new one, run by run. */
  totals: number[]
  /** What becomes of the decoder's next run. */
  next: Fate
}

async function open(): Promise<Scripted> {
  const runtime = await Runtime.open(await openCompute('wasm'))
  const make = (dims: number[], value = 1): DeviceTensor => {
    const count = dims.reduce((product, size) => product * size, 1)
    return runtime.tensor('float32', new Float32Array(count).fill(value), dims)
  }
  const dispose = (): Promise<void> => Promise.resolve()
  const encoder = {
    dispose,
    run: (feeds: Tensors): Promise<Tensors> => {
      all.read += 1
      const length = SHAPE.queries + (tensorAt(feeds, textEncoder.input.tokens).dims[1] ?? 0)
      const cross = [1, SHAPE.heads, length, SHAPE.cacheHeadSize]
      return Promise.resolve({
        [textEncoder.output.hidden]: make([1, length, SHAPE.hiddenSize]),
        [textEncoder.crossKey(0)]: make(cross),
        [textEncoder.crossValue(0)]: make(cross),
      })
    },
  }
  const decoder = {
    dispose,
    run: (feeds: Tensors): Promise<Tensors> => {
      const fate = all.next
      all.next = 'numbers'
      const batch = tensorAt(feeds, textDecoder.input.tokens).dims[0] ?? 0
      const past = tensorAt(feeds, textDecoder.pastKey(0)).dims[2] ?? 0
      const told = tensorAt(feeds, textDecoder.input.buckets).dims[1] ?? 0
      all.totals.push(told)
      if (past + 1 !== told) return Promise.reject(new Error(`${past} + 1 positions, told of ${told}`))
      if (fate === 'failure') return Promise.reject(new Error('the run failed'))
      const present = [batch, SHAPE.heads, told, SHAPE.cacheHeadSize]
      return Promise.resolve({
        [textDecoder.output.logits]: make([batch, 5], fate === 'numbers' ? 1 : NaN),
        [textDecoder.presentKey(0)]: make(present),
        [textDecoder.presentValue(0)]: make(present),
      })
    },
  }
  const language = new EncoderDecoder(
    runtime,
    // What is called of sessions is all here.
    { encoder: encoder as unknown as Session, decoder: decoder as unknown as Session },
    SHAPE,
  )
  const sequence = language.start(make([1, SHAPE.queries, SHAPE.hiddenSize]))
  const all: Scripted = { language, sequence, read: 0, totals: [], next: 'numbers' }
  return all
}

let scripted: Scripted

beforeEach(async () => {
  scripted = await open()
})
afterEach(async () => {
  scripted.sequence.dispose()
  await scripted.language.dispose()
  expect(liveTensorCount()).toBe(0)
})

describe('an encoder–decoder', () => {
  it('reads a prompt once, and another one afresh', async () => {
    const { sequence } = scripted
    expect((await sequence.begin([1, 2], 4)).ran).toBe(SHAPE.queries + 3)
    await sequence.step(3)
    expect((await sequence.begin([1, 2], 4)).ran).toBe(1)
    expect(scripted.read).toBe(1)
    await sequence.begin([1, 3], 4)
    expect([scripted.read, scripted.totals]).toEqual([2, [1, 2, 1, 1]])
  })

  it('refuses what has no room, whatever was read before', async () => {
    const { sequence } = scripted
    await sequence.begin([1, 2], 4)
    for (const [prompt, newTokens] of [
      [[1, 2, 3, 4, 5, 6], 4],
      [[1], 7],
    ] as const)
      await expect(sequence.begin(prompt, newTokens)).rejects.toMatchObject({ code: 'prompt-too-long' })
    expect((await sequence.begin([1, 2], 4)).ran).toBe(1)
  })
})

describe.each([
  ['computes no numbers', 'no numbers', { code: 'bad-pack' }],
  ['fails', 'failure', { message: 'the run failed' }],
] as const)('an answer whose run %s', (_, fate, failure) => {
  it('at its beginning is begun anew, and the prompt is not read again', async () => {
    const { sequence } = scripted
    scripted.next = fate
    await expect(sequence.begin([1, 2], 4)).rejects.toMatchObject(failure)
    expect((await sequence.begin([1, 2], 4)).ran).toBe(1)
    await sequence.step(3)
    expect([scripted.read, scripted.totals]).toEqual([1, [1, 1, 2]])
  })

  it('in its midst cannot be continued, but begun anew', async () => {
    const { sequence } = scripted
    await sequence.begin([1, 2], 4)
    scripted.next = fate
    await expect(sequence.step(3)).rejects.toMatchObject(failure)
    await expect(sequence.step(3)).rejects.toMatchObject({ code: 'bug' })
    await sequence.begin([1, 2], 4)
    await sequence.step(4)
    expect(scripted.totals).toEqual([1, 2, 1, 2])
  })

  it('in its branches ends these, and nothing else', async () => {
    const { sequence } = scripted
    await sequence.begin([1, 2], 4)
    const branches = await sequence.fork(2)
    await branches.step([3, 4])
    scripted.next = fate
    await expect(branches.step([3, 4], [1, 0])).rejects.toMatchObject(failure)
    const runs = scripted.totals.length
    await expect(branches.step([3, 4])).rejects.toMatchObject(failure)
    expect(scripted.totals).toHaveLength(runs)
    branches.dispose()
    await sequence.step(3)
    expect(scripted.totals.at(-1)).toBe(2)
  })
})
