import { expect, it } from 'vitest'
import type { ProductShape, ProductTuning } from '../kernels/product/product.ts'
import type { CompiledKernel } from '../gpu/kernel.ts'
import { tuningsFor, type LayerProduct } from './layout.ts'
import { fastestTunings, type TunerOptions } from './tuner.ts'

const USUAL = { threads: 256, lanes: 16, rowsPerThread: 4 }
const OTHERS = [
  { threads: 256, lanes: 16, rowsPerThread: 2 },
  { threads: 64, lanes: 16, rowsPerThread: 4 },
]

/** A device on which a product takes so many milliseconds in each way; every run takes half a millisecond besides. */
class Device {
  clock = 0
  spans: [LayerProduct, number][] = []
  readonly #ms: (name: LayerProduct, tuning: ProductTuning, run: number) => number
  readonly #ways = new Map<CompiledKernel, ProductTuning>()

  constructor(ms: (name: LayerProduct, tuning: ProductTuning, run: number) => number) {
    this.#ms = ms
  }

  find(signal?: AbortSignal): ReturnType<typeof fastestTunings> {
    const kernels: TunerOptions['kernels'] = {
      usualTunings: { qkv: USUAL, output: USUAL, fc1: USUAL, fc2: USUAL },
      tuningsOf: () => [USUAL, ...OTHERS],
      stepProduct: (_, tuning) => {
        const kernel = {} as CompiledKernel
        this.#ways.set(kernel, tuning)
        return Promise.resolve({ kernel, workgroups: 1 })
      },
    }
    const timed: TunerOptions['runs']['timed'] = (name, { kernel }, times) => {
      this.spans.push([name, times])
      const took = 0.5 + times * this.#ms(name, this.#ways.get(kernel) ?? USUAL, this.spans.length)
      this.clock += took
      return Promise.resolve(took)
    }
    return fastestTunings({ kernels, runs: { timed }, together: 'memory', signal, now: () => this.clock })
  }
}

it('finds the fastest way for each product by itself', async () => {
  const best: Record<LayerProduct, ProductTuning | undefined> = {
    qkv: OTHERS[0],
    output: USUAL,
    fc1: OTHERS[1],
    fc2: USUAL,
  }
  const device = new Device((name, tuning) => (tuning === best[name] ? 0.4 : 0.5))
  expect(await device.find()).toEqual(best)
})

it('stays with the usual way where nothing else is clearly faster, however single spans came out', async () => {
  // Two runs in front, then three rounds of three ways: something else goes on until the last.
  const device = new Device((_, tuning, run) => (tuning === USUAL ? ((run - 1) % 11 === 8 ? 1 : 3) : 0.99))
  expect(await device.find()).toBeNull()
})

it('times spans that are long beside what sending them takes, and no longer ones', async () => {
  const [fast, slow] = [new Device(() => 0.05), new Device(() => 40)]
  await fast.find()
  await slow.find()
  // A run in front that warms up, and one by which the span is found.
  const timesOf = ({ spans }: Device): number[] => spans.map(([, times]) => times).slice(2, 11)
  expect(new Set(timesOf(fast))).toEqual(new Set([Math.ceil(10 / 0.55)]))
  expect(new Set(timesOf(slow))).toEqual(new Set([1]))
})

it('leaves what is left as usual where the device is so slow that the search takes too long', async () => {
  const device = new Device((_, tuning) => (tuning === OTHERS[0] ? 300 : 500))
  expect(await device.find()).toEqual({ qkv: OTHERS[0], output: USUAL, fc1: USUAL, fc2: USUAL })
  expect(new Set(device.spans.map(([name]) => name))).toEqual(new Set(['qkv']))
})

it('ends where loading is cancelled', async () => {
  const cancel = new AbortController()
  const device = new Device((_, __, run) => {
    if (run === 5) cancel.abort()
    return 1
  })
  await expect(device.find(cancel.signal)).rejects.toMatchObject({ code: 'cancelled' })
  expect(device.spans).toHaveLength(5)
})

const FORMAT = { bits: 4, blockSize: 32, scales: 'float16' } as const
const NORM = { weightAt: 0, biasAt: 0, epsilon: 1e-5 }

const productOf = (
  outputs: number,
  inputs: number,
  norm: ProductShape['norm'],
  kind: 'plain' | 'scores',
): ProductShape => ({ outputs, inputs, format: FORMAT, floats: 4, norm, biasAt: null, into: { kind } })

/** Of memory: what a thread sums up for each of its rows, the normalised row, and what scores leave for each row. */
function bytesOf(
  { inputs, norm, into }: ProductShape,
  { threads, lanes, rowsPerThread }: ProductTuning,
): number {
  const records = into.kind === 'scores' ? 2 * (threads / lanes) * rowsPerThread : 0
  return 4 * (threads * rowsPerThread + (norm === null ? 0 : inputs) + records)
}

it.each([
  [7680, 2560, NORM, 'plain', 256, 2 ** 14],
  [2560, 10_240, null, 'plain', 1024, 2 ** 15],
  [96, 32, NORM, 'plain', 256, 2 ** 14],
  [2560, 2560, NORM, 'plain', 128, 12 * 2 ** 10],
  [64, 64, null, 'plain', 32, 512],
  [50_272, 2560, NORM, 'scores', 256, 15_000],
] as const)('keeps every way of %i x %i within a workgroup of the device', (...given) => {
  const [outputs, inputs, norm, kind, threads, bytes] = given
  const shape = productOf(outputs, inputs, norm, kind)
  const all = tuningsFor(shape, { threads, bytes })
  expect(all.length).toBeGreaterThan(0)
  expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(all.length)
  for (const tuning of all) {
    const { threads: own, lanes, rowsPerThread } = tuning
    expect(own).toBeLessThanOrEqual(threads)
    expect(own % lanes).toBe(0)
    expect(bytesOf(shape, tuning)).toBeLessThanOrEqual(bytes)
    // Each of a workgroup's rows has a thread that writes it, in pairs where they go into a cache.
    const rows = (own / lanes) * rowsPerThread
    expect(rows).toBeLessThanOrEqual(own)
    expect(rows % 2).toBe(0)
  }
})

it('leaves out only what a workgroup has no memory for', () => {
  // With half the lanes a workgroup has twice as many rows, and a record of each.
  const shape = productOf(50_272, 2560, NORM, 'scores')
  const fewLanes = { threads: 256, lanes: 8, rowsPerThread: 4 }
  const bytes = bytesOf(shape, fewLanes)
  expect(tuningsFor(shape, { threads: 256, bytes })).toContainEqual(fewLanes)
  expect(tuningsFor(shape, { threads: 256, bytes: bytes - 4 })).not.toContainEqual(fewLanes)
})
