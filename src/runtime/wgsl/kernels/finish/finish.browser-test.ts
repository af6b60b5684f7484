import { expect, it } from 'vitest'
import {
  kernelBench,
  numbersOf,
  shapes,
  stateBytes,
  worstError,
  WIDTHS,
  type Numbers,
  type Way,
} from '../../../../../testing/gpu/kernel-bench.ts'
import { f32ToF16 } from '../../../../convert/dtypes.ts'
import { f16ToF32 } from '../../../../pack/float16.ts'
import type { RowState } from '../../gpu/state.ts'
import { CHUNK, type FloatType } from '../../gpu/weights-format.ts'
import { TILE_OUTPUTS } from '../../gpu/weights-tile.ts'
import { normReference } from '../norm/reference.ts'
import { partialRow, splitsOf } from '../tile/tile.ts'
import { finishKernel, finishWorkgroups, type FinishTarget } from './finish.ts'
import { finishReference, qkvReference, type PartialSums } from './reference.ts'

const bench = kernelBench()

const THREADS = 64
const CAPACITY = 5

/** Each row somewhere of its own: slots backwards, positions from the last to the first. */
function placesOf(rows: number): RowState[] {
  const slots = Math.ceil(rows / CAPACITY)
  return Array.from({ length: rows }, (_, i) => ({
    source: { token: 0 },
    slot: slots - 1 - Math.floor(i / CAPACITY),
    position: CAPACITY - 1 - (i % CAPACITY),
  }))
}

/** The first place where both differ; -1 where they are the same. What differs in all its length is not printed. */
function differsAt(got: Float32Array, expected: Float32Array): number {
  return got.length === expected.length ? expected.findIndex((value, i) => got[i] !== value) : got.length
}

interface Size {
  rows: number
  outputs: number
  splits: number
}

interface Given extends PartialSums {
  floats: Float32Array
  biasAt: number | null
}

/** Whole numbers, whose sums are exact in any order; what fills a row up, and what lies behind the parts, is none. */
function given({ rows, outputs, splits }: Size, numbers: Numbers, withBias: boolean): Given {
  const size = partialRow(outputs)
  const partial = new Float32Array((splits + 1) * rows * size).fill(NaN)
  for (let row = 0; row < splits * rows; row += 1) partial.set(numbers.whole(outputs), row * size)
  const bias = withBias ? numbers.whole(outputs) : null
  // Behind other values, which are none.
  const floats = new Float32Array(8 + size).fill(NaN)
  if (bias !== null) floats.set(bias, 8)
  return { partial, splits, rows, outputs, bias, floats, biasAt: bias === null ? null : 8 }
}

async function finish(
  { partial, splits, rows, outputs, floats, biasAt }: Given,
  into: FinishTarget,
  [output, ...more]: [GPUBuffer, ...GPUBuffer[]],
  way: Way = 'memory',
): Promise<void> {
  const inputs = 16 * CHUNK
  const wanted = splits * Math.ceil(outputs / TILE_OUTPUTS) * Math.ceil(rows / 32)
  const shape = { inputs, outputs, wanted, floats: floats.length, biasAt, into }
  expect(splitsOf(shape, rows)).toBe(splits)
  const run = stateBytes({ capacity: CAPACITY, logitRow: 0, rows: placesOf(rows) })
  await bench.run(
    bench.kernel(way, (by) => finishKernel(shape, THREADS, by)),
    [bench.buffer(partial), bench.buffer(floats), bench.buffer(run), output, ...more],
    finishWorkgroups(shape, THREADS, rows),
  )
}

const SIZES = shapes<Size>(
  [
    { rows: 9, outputs: 68, splits: 3 },
    { rows: 2, outputs: 2052, splits: 1 },
  ],
  [
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33, 40, 256].map((rows) => ({ rows, outputs: 96, splits: 2 })),
    ...[1, 2, 7, 16].map((splits) => ({ rows: 3, outputs: 2560, splits })),
    // Shared by one workgroup as they just fit, and by two.
    { rows: 5, outputs: 1024, splits: 4 },
    { rows: 5, outputs: 1028, splits: 4 },
    { rows: 1, outputs: 4, splits: 16 },
    { rows: 2, outputs: 50_272, splits: 2 },
  ],
)

it.each(SIZES)(
  'adds parts up, with a bias or without, and ReLU cuts off below 0: $rows rows, $outputs outputs, $splits parts',
  async (size) => {
    const numbers = numbersOf(size.rows + size.outputs)
    for (const withBias of [true, false]) {
      const of = given(size, numbers, withBias)
      const sums = Float32Array.from(finishReference(of))
      const output = bench.buffer(new Float32Array(sums.length).fill(NaN))
      await finish(of, { kind: 'relu' }, [output])
      expect(
        differsAt(
          await bench.floats(output, sums.length),
          sums.map((sum) => Math.max(sum, 0)),
        ),
      ).toBe(-1)
    }
  },
)

it.each([...SIZES, ...shapes([{ rows: 3, outputs: 67, splits: 2 }], [1, 2, 3, 831].map(odd))])(
  'writes rows as they are, of no multiple of four as well: $rows rows, $outputs outputs, $splits parts',
  async (size) => {
    const of = given(size, numbersOf(size.outputs), size.outputs % 4 === 0)
    const sums = Float32Array.from(finishReference(of))
    const output = bench.buffer(new Float32Array(sums.length + 4).fill(-7))
    await finish(of, { kind: 'plain' }, [output])
    const got = await bench.floats(output, sums.length + 4)
    expect(differsAt(got.subarray(0, sums.length), sums)).toBe(-1)
    expect(differsAt(got.subarray(sums.length), new Float32Array(4).fill(-7))).toBe(-1)
  },
)

function odd(outputs: number): Size {
  return { rows: 9, outputs, splits: 3 }
}

const ways = shapes<Way>(['own'], ['memory', ...WIDTHS])
it.each(
  ways.flatMap((way) =>
    shapes([{ rows: 5, outputs: 96, splits: 2 }], SIZES.slice(2)).map((size) => ({ way, ...size })),
  ),
)('adds to the stream and normalises it for what comes next (%o)', async ({ way, ...size }) => {
  const { rows, outputs } = size
  const numbers = numbersOf(rows + outputs)
  const of = given(size, numbers, true)
  const before = numbers.whole(rows * outputs)
  const expected = finishReference(of).map((sum, i) => sum + (before[i] ?? NaN))
  const [weight, bias] = [numbers.uniform(outputs), numbers.uniform(outputs)]
  // The norm lies in floats of its own, another layer's perhaps; as many as of this one.
  const next = new Float32Array(Math.max(of.floats.length, 2 * outputs + 4)).fill(NaN)
  next.set(bias, 4)
  next.set(weight, 4 + outputs)
  const floats = new Float32Array(next.length).fill(NaN)
  floats.set(of.floats)
  const norm = { weightAt: 4 + outputs, biasAt: 4, epsilon: 1e-2 }
  const stream = bench.buffer(before)
  const normed = bench.buffer(new Float32Array(rows * outputs).fill(NaN))
  await finish({ ...of, floats }, { kind: 'residual', norm }, [stream, bench.buffer(next), normed], way)
  expect(differsAt(await bench.floats(stream, rows * outputs), Float32Array.from(expected))).toBe(-1)
  const normalised = normReference(expected, weight, bias, norm.epsilon)
  const units = normalised.map((value) => 4 + Math.abs(value))
  expect(worstError(await bench.floats(normed, rows * outputs), normalised, units)).toBeLessThan(16)
})

it.each(
  shapes<[FloatType, number, number, number, number]>(
    [
      ['float32', 2, 12, 16, 6],
      ['float16', 2, 12, 16, 6],
    ],
    (['float32', 'float16'] as const).flatMap((type) => [
      [type, 3, 64, 64, 1] as [FloatType, number, number, number, number],
      [type, 2, 80, 80, 9],
      [type, 2, 88, 88, 40],
      [type, 4, 128, 128, 5],
      [type, 1, 20, 24, 256],
    ]),
  ),
)(
  'puts keys and values of %s where their rows belong, and nothing elsewhere: %i heads of %i in %i, %i rows',
  async (cacheType, heads, headSize, cacheHeadSize, rows) => {
    const hidden = heads * headSize
    const of = given({ rows, outputs: 3 * hidden, splits: 2 }, numbersOf(rows), true)
    const target = { heads, headSize, cacheHeadSize, cacheType, scale: 0.5 }
    const places = placesOf(rows)
    const slots = Math.ceil(rows / CAPACITY)
    const empty = new Float32Array(slots * heads * CAPACITY * cacheHeadSize).fill(-7)
    const caches = { keys: empty.slice(), values: empty.slice(), capacity: CAPACITY }
    const queries = qkvReference(finishReference(of), target, places, caches)
    const stored = (): GPUBuffer => bench.buffer(cacheType === 'float32' ? empty : f32ToF16(empty).values)
    const output = bench.buffer(new Float32Array(rows * hidden).fill(NaN))
    const [keys, values] = [stored(), stored()]
    await finish(of, { kind: 'qkv', ...target }, [output, keys, values])
    expect(differsAt(await bench.floats(output, rows * hidden), Float32Array.from(queries))).toBe(-1)
    const read = async (buffer: GPUBuffer): Promise<Float32Array> => {
      const { buffer: words } = await bench.words(buffer)
      const all = cacheType === 'float32' ? new Float32Array(words) : f16ToF32(new Uint16Array(words))
      return all.subarray(0, empty.length)
    }
    expect(differsAt(await read(keys), caches.keys)).toBe(-1)
    expect(differsAt(await read(values), caches.values)).toBe(-1)
  },
)
