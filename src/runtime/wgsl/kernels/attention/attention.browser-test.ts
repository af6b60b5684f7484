import { expect, it } from 'vitest'
import {
  kernelBench,
  numbersOf,
  shapes,
  stateBytes,
  worstError,
  type Way,
  WIDTHS,
} from '../../../../../testing/gpu/kernel-bench.ts'
import { f16ToF32 } from '../../../../pack/float16.ts'
import { f32ToF16 } from '../../../../convert/dtypes.ts'
import type { FloatType } from '../../gpu/weights-format.ts'
import { attentionKernel } from './attention.ts'
import { combineKernel, combineWorkgroups } from './combine.ts'
import { ownersWords } from './owners.ts'
import { attentionReference } from './reference.ts'

const bench = kernelBench()

interface Case {
  headSize: number
  lengths: number[]
  type: FloatType
  splits: number
  threads: number
  way: Way
}

const few: Case[] = [
  { headSize: 80, lengths: [1, 33], type: 'float32', splits: 1, threads: 64, way: 'memory' },
  { headSize: 12, lengths: [7, 64, 65], type: 'float16', splits: 4, threads: 32, way: 'own' },
]
const lengths = [1, 31, 32, 33, 127, 128, 129, 511, 512, 513]
const more = [64, 80, 88, 128].flatMap((headSize): Case[] => [
  { headSize, lengths, type: 'float32', splits: 1, threads: 128, way: 'memory' },
  { headSize, lengths, type: 'float16', splits: 2, threads: 256, way: 'own' },
  ...WIDTHS.map((way): Case => ({
    headSize,
    lengths: [1, 33, 129],
    type: 'float32',
    splits: 1,
    threads: 128,
    way,
  })),
])

it.each(shapes(few, more))(
  'looks at all positions and no other: head size $headSize, $type, $splits parts, $way',
  async (of) => {
    const { headSize, splits, type, threads, way } = of
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
    const shape = {
      heads,
      headSize,
      cacheHeadSize,
      cacheType: type,
      scale,
      positions: capacity,
      splits,
      owned: false,
    }
    await bench.run(
      bench.kernel(way, (by) => attentionKernel(shape, threads, by)),
      [
        bench.buffer(queries),
        ...stored.map((tensor) => bench.buffer(tensor)),
        bench.buffer(stateBytes({ capacity, logitRow: 0, rows })),
        output,
        parts,
      ],
      [heads, rows.length, splits],
    )
    const together = bench.buffer(new Float32Array(expected.length).fill(NaN))
    await bench.run(combineKernel(shape), [output, parts, together], combineWorkgroups(shape, rows.length))
    const got = await bench.floats(splits === 1 ? output : together, expected.length)
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
    owned: false,
  } as const
  await bench.run(
    bench.kernel(8, (by) => attentionKernel(shape, 32, by)),
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

it.each(
  shapes<[FloatType, number, number]>(
    [['float32', 9, 2]],
    [
      ['float16', 40, 5],
      ['float32', 130, 16],
    ],
  ),
)(
  'finds positions of %s in the rows that have them, behind %i that are all the same, in %i branches',
  async (type, base, count) => {
    const numbers = numbersOf(base)
    const [heads, headSize, cacheHeadSize, span] = [2, 20, 24, 4]
    const capacity = base + span
    const length = base + 3
    // Whose positions they are, each row's last its own.
    const owners = {
      base,
      span,
      rows: Uint32Array.from({ length: count * span }, (_, i) =>
        i % span === 2 ? Math.floor(i / span) : numbers.below(count),
      ),
    }
    const size = count * heads * capacity * cacheHeadSize
    const values = (): Float32Array<ArrayBuffer> => f16ToF32(f32ToF16(numbers.uniform(size)).values)
    const cached = [values(), values()]
    // The same rows, each with all of its positions.
    const whole = cached.map((tensor) =>
      Float32Array.from(tensor, (_, i) => {
        const [column, row] = [i % cacheHeadSize, Math.floor(i / cacheHeadSize)]
        const [key, head] = [row % capacity, Math.floor(row / capacity) % heads]
        const slot = Math.floor(row / capacity / heads)
        const owner = key < base ? 0 : (owners.rows[slot * span + key - base] ?? 0)
        return tensor[((owner * heads + head) * capacity + key) * cacheHeadSize + column] ?? NaN
      }),
    )
    const queries = numbers.uniform(count * heads * headSize)
    const rows = Array.from({ length: count }, (_, slot) => ({
      slot,
      position: length - 1,
      source: { token: 0 },
    }))
    const [keys = new Float32Array(), stored = new Float32Array()] = whole
    const sizes = { heads, headSize, cacheHeadSize, capacity }
    const expected = attentionReference({ queries, keys, values: stored, ...sizes, rows })
    const output = bench.buffer(new Float32Array(expected.length).fill(NaN))
    const shape = { ...sizes, cacheType: type, scale: 1, positions: capacity, splits: 1, owned: true }
    await bench.run(
      attentionKernel(shape, 32),
      [
        bench.buffer(queries),
        ...cached.map((tensor) => bench.buffer(type === 'float32' ? tensor : f32ToF16(tensor).values)),
        bench.buffer(stateBytes({ capacity, logitRow: 0, rows })),
        output,
        bench.buffer(new Float32Array(2 * count * heads)),
        bench.buffer(ownersWords(owners, length)),
      ],
      [heads, count, 1],
    )
    const got = await bench.floats(output, expected.length)
    expect(worstError(got, expected, new Float32Array(expected.length).fill(1))).toBeLessThan(100)
  },
)
