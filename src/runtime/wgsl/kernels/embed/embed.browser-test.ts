import { expect, it } from 'vitest'
import {
  exactMatrix,
  kernelBench,
  numbersOf,
  shapes,
  stateBytes,
  type Way,
  WIDTHS,
} from '../../../../../testing/gpu/kernel-bench.ts'
import { normKernel } from '../norm/norm.ts'
import { normReference } from '../norm/reference.ts'
import { embedReference } from './reference.ts'
import { embedKernel } from './embed.ts'

const bench = kernelBench()

it.each(shapes<4 | 8>([8], [4]))(
  'looks tokens, queries and positions up, with a table of %i bits',
  async (bits) => {
    const numbers = numbersOf(bits)
    const hidden = 96
    const table = exactMatrix(numbers, 50, hidden, { bits, blockSize: 32, scales: 'float16' })
    const positions = numbers.whole(12 * hidden)
    const queries = numbers.whole(3 * hidden)
    const rows = [
      { source: { query: 2 }, position: 0, slot: 0 },
      { source: { token: 49 }, position: 9, slot: 0 },
      { source: { token: 0 }, position: 1, slot: 1 },
    ]
    const output = bench.buffer(new Float32Array(3 * hidden))
    const shape = {
      hidden,
      vocabulary: 50,
      format: table.format,
      positions: { rows: 12, type: 'float32', offset: 2 },
    } as const
    await bench.run(
      embedKernel(shape, { threads: 32, packed4x8: bench.packed4x8 }),
      [
        bench.buffer(table.packed),
        bench.buffer(table.scales),
        bench.buffer(positions),
        bench.buffer(queries),
        bench.buffer(stateBytes({ capacity: 16, logitRow: 0, rows })),
        output,
      ],
      [3, 1, 1],
    )
    const expected = embedReference(table, positions, queries, rows, 2)
    expect(await bench.floats(output, 3 * hidden)).toEqual(Float32Array.from(expected))
  },
)

it.each(shapes<Way>(['memory', 'own'], WIDTHS))('normalises rows (%s)', async (way) => {
  const numbers = numbersOf(3)
  const size = 96
  const floats = numbers.uniform(2 * size)
  const input = numbers.uniform(4 * size).map((value) => 3 + value)
  const output = bench.buffer(new Float32Array(4 * size))
  const shape = { size, floats: 2 * size, weightAt: 0, biasAt: size, epsilon: 1e-5 }
  const kernel = bench.kernel(way, (by) => normKernel(shape, 32, by))
  await bench.run(kernel, [bench.buffer(input), bench.buffer(floats), output], [4, 1, 1])
  const expected = normReference(input, floats.subarray(0, size), floats.subarray(size), 1e-5)
  const got = await bench.floats(output, 4 * size)
  expected.forEach((value, i) => expect(Math.abs((got[i] ?? NaN) - value)).toBeLessThan(1e-5))
})
