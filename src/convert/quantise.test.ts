import { describe, expect, it } from 'vitest'
import { f16ToF32 } from '../pack/float16.ts'
import { dequantiseBlocks, quantiseBlocks, type ScaleType } from './quantise.ts'

/** Repeatable numbers in (0, 1): Numerical Recipes' linear congruential generator. */
function uniform(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
}

function gaussian(count: number, deviation = 0.02, seed = 1): Float32Array {
  const next = uniform(seed)
  return Float32Array.from(
    { length: count },
    () => deviation * Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next()),
  )
}

function laplace(count: number, seed = 2): Float32Array {
  const next = uniform(seed)
  return Float32Array.from({ length: count }, () => 0.02 * Math.log(next()) * (next() < 0.5 ? -1 : 1))
}

/** Gaussian with every 100th column ten times as large, as transformers grow them. */
function outliers(count: number): Float32Array {
  return gaussian(count, 0.02, 3).map((value, i) => (i % 100 === 0 ? value * 10 : value))
}

function squaredError(a: ArrayLike<number>, b: ArrayLike<number>, from = 0, to = a.length): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2
  return sum
}

/** Rounded to multiples of `scale` between `low` and `high`. */
function rounded(block: Float32Array, scale: number, low: number, high: number): number[] {
  return [...block].map((value) => Math.min(high, Math.max(low, Math.round(value / scale))) * scale)
}

function throughBlocks(
  values: Float32Array,
  columns: number,
  bits: 4 | 8,
  scaleType: ScaleType = 'float32',
): Float32Array {
  const rows = values.length / columns
  return dequantiseBlocks(quantiseBlocks(values, rows, columns, bits, scaleType), rows, columns, bits)
}

const distributions: [string, Float32Array][] = [
  ['Gaussian', gaussian(32 * 2000)],
  ['Laplace', laplace(32 * 2000)],
  ['outlier-column', outliers(32 * 2000)],
]

describe('blocks of more than 32 values', () => {
  it.each([64, 128] as const)(
    'are laid out as MatMulNBits reads them, %i values for a scale',
    (blockSize) => {
      const columns = blockSize * 2
      const values = Float32Array.from({ length: 2 * columns }, (_, i) => {
        // Each block has its own step, which 4 bits hold exactly.
        return ((i % 16) - 8) * 2 ** Math.floor(i / blockSize)
      })
      const { packed, scales } = quantiseBlocks(values, 2, columns, 4, 'float32', blockSize)
      expect([...scales]).toEqual([1, 2, 4, 8])
      expect(packed.length).toBe(values.length / 2)
      expect(packed[0]).toBe(0x10)
      expect(dequantiseBlocks({ packed, scales }, 2, columns, 4, blockSize)).toEqual(values)
    },
  )
})

describe('the layout that MatMulNBits reads', () => {
  it('has even elements in low nibbles, rows one after the other, and 8 for zero', () => {
    // -8 … 7 twice, times 0.5: exact, so the integers are known.
    const row = Float32Array.from({ length: 32 }, (_, i) => ((i % 16) - 8) / 2)
    const { packed, scales } = quantiseBlocks(
      Float32Array.of(...row, ...row.map(() => 0)),
      2,
      32,
      4,
      'float32',
    )
    const nibbles = [...packed.subarray(0, 16)].flatMap((byte) => [byte & 15, byte >> 4])
    expect(nibbles).toEqual([...row].map((value) => value * 2 + 8))
    expect([...packed.subarray(16)]).toEqual(Array(16).fill(0x88))
    expect([...scales]).toEqual([0.5, 0])
  })

  it('has one byte per element with 8 bits, and 128 for zero', () => {
    const row = Float32Array.from({ length: 32 }, (_, i) => (i - 128) / 4)
    const { packed, scales } = quantiseBlocks(row, 1, 32, 8, 'float32')
    expect([...packed]).toEqual([...row].map((value) => value * 4 + 128))
    expect([...scales]).toEqual([0.25])
  })

  it.each([4, 8] as const)('fills the last block of a ragged row with the zero point (%i bits)', (bits) => {
    const values = gaussian(3 * 40)
    const { packed, scales } = quantiseBlocks(values, 3, 40, bits, 'float32')
    const rowBytes = 8 * bits
    expect([packed.length, scales.length]).toEqual([3 * rowBytes, 6])
    const padding = [0, 1, 2].flatMap((row) => [
      ...packed.subarray(row * rowBytes + 5 * bits, (row + 1) * rowBytes),
    ])
    expect(padding).toEqual(Array(9 * bits).fill(bits === 4 ? 0x88 : 0x80))
  })

  it('does not depend on where a band of rows begins', () => {
    const values = gaussian(7 * 96)
    const whole = quantiseBlocks(values, 7, 96, 4, 'float16')
    const tail = quantiseBlocks(values.subarray(3 * 96), 4, 96, 4, 'float16')
    expect(tail.packed).toEqual(whole.packed.slice(3 * 48))
    expect(tail.scales).toEqual(whole.scales.slice(3 * 3))
  })

  it('stores float16 scales as bit patterns and dequantises with those', () => {
    const values = gaussian(32)
    const { packed, scales, overflows } = quantiseBlocks(values, 1, 32, 4, 'float16')
    expect(scales).toBeInstanceOf(Uint16Array)
    expect(overflows).toBe(0)
    const exact = f16ToF32(Uint16Array.from(scales))
    expect(dequantiseBlocks({ packed, scales }, 1, 32, 4)).toEqual(
      dequantiseBlocks({ packed, scales: exact }, 1, 32, 4),
    )
  })
})

describe('the scale search', () => {
  it.each(distributions)('is never worse than plain rounding, in any block of %s weights', (_, values) => {
    const result = throughBlocks(values, 32, 4)
    let worse = 0
    for (let from = 0; from < values.length; from += 32) {
      const block = values.subarray(from, from + 32)
      const largest = block.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0)
      const plain = Math.min(
        squaredError(block, rounded(block, Math.abs(largest) / 7, -8, 7)),
        squaredError(block, rounded(block, largest / -8, -8, 7)),
      )
      // The scale is stored as float32, which may cost the last digit.
      if (squaredError(values, result, from, from + 32) > plain * (1 + 1e-6)) worse++
    }
    expect(worse).toBe(0)
  })

  it.each([
    ['Gaussian', 8.15, 0.51],
    ['Laplace', 10.3, 0.66],
    ['outlier-column', 15, 0.96],
  ])(
    'keeps the relative error of %s weights below %f per cent with 4 bits and %f with 8',
    (name, at4, at8) => {
      const values = new Map(distributions).get(name) ?? new Float32Array()
      const relative = (bits: 4 | 8, scaleType: ScaleType): number =>
        100 *
        Math.sqrt(squaredError(values, throughBlocks(values, 32, bits, scaleType)) / squaredError(values, []))
      expect(relative(4, 'float32')).toBeLessThan(at4)
      expect(relative(4, 'float16')).toBeLessThan(at4)
      expect(relative(8, 'float32')).toBeLessThan(at8)
      expect(relative(8, 'float16')).toBeLessThan(at8)
    },
  )

  it('is exact where the weights already lie on a grid', () => {
    const next = uniform(5)
    const grid = Float32Array.from(
      { length: 320 },
      (_, i) => (i % 32 === 0 ? -8 : Math.floor(next() * 16) - 8) * 0.125,
    )
    expect(squaredError(grid, throughBlocks(grid, 32, 4))).toBe(0)
    const ternary = Float32Array.from({ length: 320 }, () => (Math.floor(next() * 3) - 1) * 0.3)
    expect(squaredError(ternary, throughBlocks(ternary, 32, 4))).toBe(0)
    const single = Float32Array.from({ length: 64 }, (_, i) => (i === 5 ? 3 : i === 40 ? -4 : 0))
    expect(squaredError(single, throughBlocks(single, 64, 4))).toBe(0)
  })

  it.each([3e38, 1e30, 1e-30, 1e-38])('holds its error bound for weights around %f', (size) => {
    const values = gaussian(32 * 50, 1, 7).map((value) => (Math.max(-3, Math.min(3, value)) / 3) * size)
    for (const bits of [4, 8] as const) {
      const result = throughBlocks(values, 32, bits)
      expect(result.every(Number.isFinite)).toBe(true)
      const error = Math.sqrt(squaredError(values, result) / squaredError(values, []))
      expect(error).toBeLessThan(bits === 4 ? 0.09 : 0.006)
    }
  })

  it.each([4, 8] as const)('survives the smallest numbers there are (%i bits)', (bits) => {
    const tiny = Float32Array.from({ length: 32 }, (_, i) => (i % 5) * 1.4e-45)
    const result = throughBlocks(tiny, 32, bits)
    expect(Math.max(...result.map((value, i) => Math.abs(value - (tiny[i] ?? 0))))).toBeLessThanOrEqual(6e-45)
  })

  it('chooses integers for the scale as stored, even where float16 rounds it coarsely', () => {
    // Scales around 2e-6 are subnormal in float16: steps of 6e-8, up to 1.5 % off.
    const values = gaussian(32 * 200, 1e-5, 9)
    const { packed, scales } = quantiseBlocks(values, 200, 32, 4, 'float16')
    const stored = f16ToF32(Uint16Array.from(scales))
    const notNearest = [...values].filter((value, i) => {
      const q = (((packed[i >> 1] ?? 0) >> ((i & 1) * 4)) & 15) - 8
      const exact = value / (stored[i >> 5] ?? NaN)
      return Math.abs(Math.min(7, Math.max(-8, exact)) - q) > 0.5 + 1e-9
    })
    expect(notNearest).toEqual([])
  })

  it('reports scales that float16 cannot hold', () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => (i < 32 ? 1e6 : 1e3))
    expect(quantiseBlocks(values, 1, 64, 4, 'float16').overflows).toBe(1)
    expect(quantiseBlocks(values, 1, 64, 4, 'float32').overflows).toBe(0)
  })
})
