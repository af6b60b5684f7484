import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import {
  KernelBench,
  numbersOf,
  shapes,
  stateBytes,
  worstError,
} from '../../../../../testing/gpu/kernel-bench.ts'
import { f16ToF32 } from '../../../../pack/float16.ts'
import { f32ToF16 } from '../../../../convert/dtypes.ts'
import type { FloatType } from '../../gpu/weights-format.ts'
import { attentionKernel } from './attention.ts'
import { attentionReference } from './reference.ts'

let bench: KernelBench
beforeAll(async () => {
  bench = await KernelBench.open()
})
afterEach(() => bench.clear())
afterAll(() => bench.close())

interface Case {
  headSize: number
  lengths: number[]
  type: FloatType
  splits: number
  threads: number
}

const few: Case[] = [
  { headSize: 80, lengths: [1, 33], type: 'float32', splits: 1, threads: 64 },
  { headSize: 12, lengths: [7, 64, 65], type: 'float16', splits: 4, threads: 32 },
]
const lengths = [1, 31, 32, 33, 127, 128, 129, 511, 512, 513]
const more = [64, 80, 88, 128].flatMap((headSize): Case[] => [
  { headSize, lengths, type: 'float32', splits: 1, threads: 128 },
  { headSize, lengths, type: 'float16', splits: 2, threads: 256 },
])

/** Puts the parts of each row's keys together. */
function combine(
  output: Float32Array,
  parts: Float32Array,
  { rows, splits, heads, headSize }: { rows: number; splits: number; heads: number; headSize: number },
): Float32Array {
  const all = new Float32Array(rows * heads * headSize)
  for (let row = 0; row < rows; row += 1) {
    for (let head = 0; head < heads; head += 1) {
      const at = (split: number): number => (row * splits + split) * heads + head
      const share = Array.from(
        { length: splits },
        (_, s) => [parts[2 * at(s)] ?? 0, parts[2 * at(s) + 1] ?? 0] as const,
      )
      const most = Math.max(...share.map(([best]) => best))
      const weights = share.map(([best, sum]) => sum * Math.exp(best - most))
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      const to = (row * heads + head) * headSize
      weights.forEach((weight, split) => {
        for (let i = 0; i < headSize; i += 1)
          all[to + i] = (all[to + i] ?? 0) + (weight / total) * (output[at(split) * headSize + i] ?? NaN)
      })
    }
  }
  return all
}

it.each(shapes(few, more))(
  'looks at all positions and no other: head size $headSize, $type, $splits parts',
  async (of) => {
    const { headSize, splits, type, threads } = of
    const numbers = numbersOf(headSize)
    const heads = 2
    const cacheHeadSize = Math.ceil(headSize / 8) * 8
    const capacity = Math.max(...of.lengths) + 3
    const rows = of.lengths.map((length, slot) => ({ slot, position: length - 1, source: { token: 0 } }))
    const scale = headSize ** -0.5
    const queries = numbers.uniform(rows.length * heads * headSize).map((value) => 4 * value * scale)
    const cache = (): Float32Array<ArrayBuffer> => {
      const values = numbers.uniform(rows.length * heads * capacity * cacheHeadSize)
      return type === 'float32' ? values : f16ToF32(f32ToF16(values).values)
    }
    const [keys, values] = [cache(), cache()]
    const expected = attentionReference({
      queries,
      keys,
      values,
      heads,
      headSize,
      cacheHeadSize,
      capacity,
      rows,
    })
    // Behind each length lies poison: one look at it and nothing is a number any more.
    for (const tensor of [keys, values]) {
      rows.forEach(({ slot, position }) => {
        for (let head = 0; head < heads; head += 1) {
          const at = (slot * heads + head) * capacity
          tensor.fill(NaN, (at + position + 1) * cacheHeadSize, (at + capacity) * cacheHeadSize)
        }
      })
    }
    const stored = [keys, values].map((tensor) => (type === 'float32' ? tensor : f32ToF16(tensor).values))
    const output = bench.buffer(new Float32Array(expected.length * splits).fill(NaN))
    const parts = bench.buffer(new Float32Array(2 * rows.length * splits * heads).fill(NaN))
    const shape = { heads, headSize, cacheHeadSize, cacheType: type, scale, positions: capacity, splits }
    await bench.run(
      attentionKernel(shape, threads),
      [
        bench.buffer(queries),
        ...stored.map((tensor) => bench.buffer(tensor)),
        bench.buffer(stateBytes({ capacity, logitRow: 0, rows })),
        output,
        parts,
      ],
      [heads, rows.length, splits],
    )
    const got = combine(
      await bench.floats(output, expected.length * splits),
      await bench.floats(parts, 2 * rows.length * splits * heads),
      { rows: rows.length, splits, heads, headSize },
    )
    // Values lie within ±1; exp of float32 is allowed some units of the last place by WGSL.
    expect(worstError(got, expected, new Float32Array(expected.length).fill(1))).toBeLessThan(100)
  },
)

it('weighs equal keys equally, however large their scores', async () => {
  const headSize = 16
  const capacity = 40
  const keys = new Float32Array(capacity * headSize).fill(30)
  const values = Float32Array.from({ length: capacity * headSize }, (_, i) => Math.floor(i / headSize))
  const output = bench.buffer(new Float32Array(headSize))
  const shape = {
    heads: 1,
    headSize,
    cacheHeadSize: 16,
    cacheType: 'float32',
    scale: 1,
    positions: 40,
    splits: 1,
  } as const
  await bench.run(
    attentionKernel(shape, 32),
    [
      bench.buffer(new Float32Array(headSize).fill(30)),
      bench.buffer(keys),
      bench.buffer(values),
      bench.buffer(
        stateBytes({ capacity, logitRow: 0, rows: [{ source: { token: 0 }, position: 32, slot: 0 }] }),
      ),
      output,
      bench.buffer(new Float32Array(2)),
    ],
    [1, 1, 1],
  )
  expect(await bench.floats(output, headSize)).toEqual(new Float32Array(headSize).fill(16))
})
