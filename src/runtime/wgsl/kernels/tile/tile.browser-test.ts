import { describe, expect, it } from 'vitest'
import {
  exactMatrix,
  kernelBench,
  numbersOf,
  randomMatrix,
  shapes,
  stateBytes,
  worstError,
  type Way,
  WIDTHS,
} from '../../../../../testing/gpu/kernel-bench.ts'
import type { BlockFormat } from '../../gpu/weights-format.ts'
import type { RunState } from '../../gpu/state.ts'
import { TILE_OUTPUTS } from '../../gpu/weights-tile.ts'
import { finishKernel, finishWorkgroups, type FinishTarget } from '../finish/finish.ts'
import { normReference } from '../norm/reference.ts'
import { productReference, type StoredMatrix } from '../product/reference.ts'
import { partialRow, splitsOf, tileKernel, tileSizes, tileWorkgroups } from './tile.ts'

const bench = kernelBench()

const F32 = { bits: 4, blockSize: 32, scales: 'float32' } as const

function runOf(rows: number): RunState {
  const places = Array.from({ length: rows }, (_, i) => ({
    source: { token: 0 },
    position: i % 4,
    slot: i >> 2,
  }))
  return { capacity: 4, logitRow: 0, rows: places }
}

interface Given {
  matrix: StoredMatrix
  input: Float32Array
  rows: number
  splits: number
  tileRows: number
  packed4x8?: boolean
}

/** Workgroups that come to so many parts. */
function wantedFor(splits: number, outputs: number, rows: number): number {
  return splits * Math.ceil(outputs / TILE_OUTPUTS) * Math.ceil(rows / 32)
}

/** The partial sums and the state, as buffers. */
async function tile({
  matrix,
  input,
  rows,
  splits,
  tileRows,
  packed4x8 = bench.packed4x8,
}: Given): Promise<GPUBuffer[]> {
  const { outputs, inputs, format } = matrix
  const shape = { inputs, outputs, format, wanted: wantedFor(splits, outputs, rows) }
  expect(splitsOf(shape, rows)).toBe(splits)
  const partial = bench.buffer(new Float32Array(splits * rows * partialRow(outputs)).fill(NaN))
  const state = bench.buffer(stateBytes(runOf(rows)))
  await bench.run(
    tileKernel(format, { rows: tileRows, packed4x8 }),
    [
      bench.buffer(input),
      bench.buffer(matrix.packed),
      bench.buffer(matrix.scales),
      state,
      bench.buffer(tileSizes(shape)),
      partial,
    ],
    tileWorkgroups(shape, tileRows, rows),
  )
  return [partial, state]
}

async function finished(
  given: Given,
  into: FinishTarget,
  {
    floats = new Float32Array(4),
    biasAt = null,
    output,
    more = [],
    way = 'memory',
  }: {
    floats?: Float32Array
    biasAt?: number | null
    output: GPUBuffer
    more?: GPUBuffer[]
    way?: Way
  },
): Promise<void> {
  const [partial, state] = await tile(given)
  if (partial === undefined || state === undefined) throw new Error('no sums')
  const { outputs, inputs } = given.matrix
  const wanted = wantedFor(given.splits, outputs, given.rows)
  const shape = { inputs, outputs, wanted, floats: floats.length, biasAt, into }
  await bench.run(
    bench.kernel(way, (by) => finishKernel(shape, 64, by)),
    [partial, bench.buffer(floats), state, output, ...more],
    finishWorkgroups(shape, 64, given.rows),
  )
}

interface Case {
  rows: number
  outputs: number
  inputs: number
  format: BlockFormat
  splits: number
  tileRows: number
}

const few: Case[] = [
  { rows: 9, outputs: 67, inputs: 160, format: F32, splits: 2, tileRows: 16 },
  {
    rows: 3,
    outputs: 130,
    inputs: 64,
    format: { ...F32, bits: 8, scales: 'float16' },
    splits: 1,
    tileRows: 8,
  },
]
const more: Case[] = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 40].map((rows): Case => ({
    rows,
    outputs: 128,
    inputs: 96,
    format: F32,
    splits: 3,
    tileRows: rows > 8 ? 16 : 8,
  })),
  { rows: 40, outputs: 96, inputs: 1408, format: { ...F32, blockSize: 64 }, splits: 4, tileRows: 32 },
  {
    rows: 200,
    outputs: 70,
    inputs: 256,
    format: { ...F32, blockSize: 128, scales: 'float16' },
    splits: 1,
    tileRows: 64,
  },
  { rows: 20, outputs: 64, inputs: 10240, format: F32, splits: 8, tileRows: 32 },
  { rows: 5, outputs: 831, inputs: 160, format: { ...F32, bits: 8 }, splits: 1, tileRows: 8 },
]

describe('several rows times a quantised matrix', () => {
  it.each(shapes(few, more))(
    'is exact for whole numbers: $rows rows, $outputs x $inputs, $format.bits bits of $format.blockSize, in $splits',
    async ({ rows, outputs, inputs, format, splits, tileRows }) => {
      const numbers = numbersOf(rows)
      const matrix = exactMatrix(numbers, outputs, inputs, format)
      const input = numbers.whole(rows * inputs)
      const expected = Float32Array.from(productReference(matrix, input, null).values)
      for (const packed4x8 of shapes([bench.packed4x8], [false])) {
        const output = bench.buffer(new Float32Array(rows * outputs))
        await finished({ matrix, input, rows, splits, tileRows, packed4x8 }, { kind: 'plain' }, { output })
        expect(await bench.floats(output, rows * outputs)).toEqual(expected)
      }
    },
  )

  const ways = shapes<Way>(['own'], ['memory', ...WIDTHS])
  it.each(ways)('takes bias, residual and the next norm with it (%s)', async (way) => {
    const numbers = numbersOf(11)
    const [rows, outputs, inputs] = [5, 96, 64]
    const matrix = randomMatrix(numbers, outputs, inputs, F32)
    const input = numbers.uniform(rows * inputs)
    const floats = numbers.uniform(3 * outputs)
    const before = numbers.uniform(rows * outputs)
    const [output, normed] = [bench.buffer(before), bench.buffer(new Float32Array(rows * outputs))]
    const norm = { weightAt: 0, biasAt: outputs, epsilon: 1e-5 }
    await finished(
      { matrix, input, rows, splits: 2, tileRows: 8 },
      { kind: 'residual', norm },
      {
        floats,
        biasAt: 2 * outputs,
        output,
        more: [bench.buffer(floats), normed],
        way,
      },
    )
    const { values, sizes } = productReference(matrix, input, floats.subarray(2 * outputs))
    const sums = values.map((value, i) => value + (before[i] ?? 0))
    const units = sizes.map((size) => size + 1)
    expect(worstError(await bench.floats(output, rows * outputs), sums, units)).toBeLessThan(32)
    const [weight, bias] = [floats.subarray(0, outputs), floats.subarray(outputs, 2 * outputs)]
    const expected = normReference(sums, weight, bias, 1e-5)
    expect(worstError(await bench.floats(normed, rows * outputs), expected, units)).toBeLessThan(64)
  })

  it('puts keys and values of each row where they belong, and ReLU cuts off below 0', async () => {
    const numbers = numbersOf(12)
    const heads = { heads: 2, headSize: 12, cacheHeadSize: 16, cacheType: 'float32', scale: 0.5 } as const
    const matrix = exactMatrix(numbers, 72, 32, F32)
    const rows = 6
    const input = numbers.whole(rows * 32)
    const { values } = productReference(matrix, input, null)
    const given = { matrix, input, rows, splits: 1, tileRows: 8 }
    const query = bench.buffer(new Float32Array(rows * 24))
    const caches = [0, 1].map(() => bench.buffer(new Float32Array(2 * 2 * 4 * 16).fill(-7)))
    await finished(given, { kind: 'qkv', ...heads }, { output: query, more: caches })
    const expected = [0, 1].map(() => new Float32Array(2 * 2 * 4 * 16).fill(-7))
    const queries = new Float32Array(rows * 24)
    for (let row = 0; row < rows; row += 1) {
      for (let i = 0; i < 24; i += 1) {
        queries[row * 24 + i] = 0.5 * (values[row * 72 + i] ?? NaN)
        const at = (((row >> 2) * 2 + Math.floor(i / 12)) * 4 + (row % 4)) * 16 + (i % 12)
        expected.forEach((cache, part) => (cache[at] = values[row * 72 + 24 * (part + 1) + i] ?? NaN))
      }
    }
    expect(await bench.floats(query, rows * 24)).toEqual(queries)
    for (const [part, cache] of caches.entries())
      expect(await bench.floats(cache, 2 * 2 * 4 * 16)).toEqual(expected[part])
    const relu = bench.buffer(new Float32Array(rows * 72))
    await finished(given, { kind: 'relu' }, { output: relu })
    expect(await bench.floats(relu, rows * 72)).toEqual(
      Float32Array.from(values, (value) => Math.max(value, 0)),
    )
  })
})
