import { expect, it } from 'vitest'
import {
  exactMatrix,
  kernelBench,
  numbersOf,
  randomMatrix,
  shapes,
  worstError,
} from '../../../../../testing/gpu/kernel-bench.ts'
import { f32ToF16 } from '../../../../convert/dtypes.ts'
import type { StoredMatrix } from '../product/reference.ts'
import { byChannel, byToken, wideReference, type FloatMatrix } from './reference.ts'
import { tokenTiles, type TokenTiles } from './token-tiles.ts'
import { wideSizes, wideTileKernel, wideWorkgroups, type WideFormat, type WideShape } from './wide-tile.ts'

const bench = kernelBench()

interface Case {
  tokens: number
  outputs: number
  inputs: number
  splits: number
  weights: WideFormat
  /** Bytes of workgroup memory that tiles may take. */
  room?: number
}

const Q4 = { bits: 4, blockSize: 32, scales: 'float16' } as const
const Q8 = { bits: 8, blockSize: 32, scales: 'float32' } as const

// Of dense ones the vision encoder's own test runs a shape.
const few: Case[] = [{ tokens: 7, outputs: 68, inputs: 96, splits: 2, weights: Q4 }]
const more: Case[] = [
  { tokens: 17, outputs: 72, inputs: 96, splits: 2, weights: Q4 },
  { tokens: 5, outputs: 132, inputs: 44, splits: 1, weights: { dense: 'float16' } },
  ...[1, 7, 8, 9, 16, 40, 65].map((tokens): Case => ({
    tokens,
    outputs: 64,
    inputs: 96,
    splits: 3,
    weights: Q8,
  })),
  { tokens: 257, outputs: 68, inputs: 1408, splits: 5, weights: Q4 },
  { tokens: 257, outputs: 128, inputs: 64, splits: 1, weights: Q8, room: 16_384 },
  { tokens: 677, outputs: 64, inputs: 128, splits: 2, weights: { ...Q4, blockSize: 64, scales: 'float32' } },
  { tokens: 257, outputs: 72, inputs: 588, splits: 4, weights: { dense: 'float32' } },
  { tokens: 33, outputs: 60, inputs: 256, splits: 2, weights: { ...Q4, blockSize: 128 } },
  { tokens: 20, outputs: 64, inputs: 6144, splits: 8, weights: { dense: 'float16' } },
]

/** Partial sums, added up: [tokens, outputs]. */
async function product(
  { weights, ...shape }: WideShape & { weights: WideFormat },
  matrix: FloatMatrix | StoredMatrix,
  input: Float32Array,
  packed4x8 = bench.packed4x8,
): Promise<Float32Array> {
  const { tiles, outputs, splits } = shape
  const size = outputs * 4 * tiles.quads
  const partial = bench.buffer(new Float32Array(splits * size).fill(NaN))
  // Nothing of what fills the tiles may come into a sum.
  const columns = bench.buffer(byChannel(input, tiles, NaN))
  await bench.run(
    wideTileKernel(weights, tiles, packed4x8),
    [columns, ...buffersOf(matrix, weights), bench.buffer(wideSizes(shape)), partial],
    wideWorkgroups(shape),
  )
  const sums = await bench.floats(partial, splits * size)
  const all = new Float32Array(size)
  for (let i = 0; i < size; i += 1)
    for (let part = 0; part < splits; part += 1) all[i] = (all[i] ?? 0) + (sums[part * size + i] ?? NaN)
  return byToken(all, tiles)
}

function buffersOf(matrix: FloatMatrix | StoredMatrix, weights: WideFormat): GPUBuffer[] {
  if ('packed' in matrix) return [bench.buffer(matrix.packed), bench.buffer(matrix.scales)]
  const values = Float32Array.from(matrix.values)
  return [bench.buffer('dense' in weights && weights.dense === 'float16' ? f32ToF16(values).values : values)]
}

function tilesOf({ tokens, room = 32_768 }: Pick<Case, 'tokens' | 'room'>): TokenTiles {
  return tokenTiles(tokens, room)
}

it.each(shapes(few, more))(
  'is exact for whole numbers: $tokens tokens, $inputs to $outputs, in $splits, $weights',
  async ({ outputs, inputs, splits, weights, ...of }) => {
    const numbers = numbersOf(inputs + outputs)
    const matrix =
      'bits' in weights
        ? exactMatrix(numbers, outputs, inputs, weights)
        : { inputs, outputs, values: numbers.whole(inputs * outputs) }
    const input = numbers.whole(of.tokens * inputs)
    const expected = Float32Array.from(wideReference(matrix, input).values)
    const shape = { inputs, outputs, splits, weights, tiles: tilesOf(of) }
    for (const packed4x8 of shapes([bench.packed4x8], [false]))
      expect(await product(shape, matrix, input, packed4x8)).toEqual(expected)
  },
)

it('loses no more than rounding', async () => {
  const numbers = numbersOf(4)
  const [tokens, outputs, inputs] = [7, 68, 96]
  const matrix = randomMatrix(numbers, outputs, inputs, Q4)
  const input = numbers.uniform(tokens * inputs)
  const shape = { inputs, outputs, splits: 2, weights: Q4, tiles: tilesOf({ tokens }) }
  const { values, sizes } = wideReference(matrix, input)
  expect(worstError(await product(shape, matrix, input), values, sizes)).toBeLessThan(16)
})
