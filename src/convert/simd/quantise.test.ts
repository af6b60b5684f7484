import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { quantiseBlocks, type BlockSize, type ScaleType } from '../quantise.ts'
import { fastQuantise, quantiseWithLanes } from './quantise.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

/** Any bit pattern of a float32: NaN, infinities, both zeros and subnormals among them. */
const anyFloat = fc.nat(2 ** 32 - 1).map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0] ?? 0)
/** Multiples of a step, and halves between them: exact blocks, and ties. */
const onGrid = fc.integer({ min: -18, max: 18 }).map((halves) => halves * 0.125)
/** As weights are. */
const weight = fc.double({ min: -0.05, max: 0.05, noNaN: true }).map(Math.fround)
/** Hardly any or as good as nothing left to gain: the limit at which a search ends early. */
const nearlyExact = onGrid.chain((value) =>
  fc.integer({ min: -3, max: 3 }).map((ulps) => Math.fround(value * (1 + ulps * 2 ** -22))),
)
const subnormal = fc.integer({ min: -40, max: 40 }).map((steps) => steps * 2 ** -149)

const shape = fc.record({
  rowCount: fc.integer({ min: 1, max: 3 }),
  columns: fc.integer({ min: 1, max: 300 }),
  bits: fc.constantFrom<4 | 8>(4, 8),
  scaleType: fc.constantFrom<ScaleType>('float32', 'float16'),
  blockSize: fc.constantFrom<BlockSize>(32, 64, 128),
})

describe('quantising with lanes gives the bytes of the plain way', () => {
  it.each([
    ['weights', weight],
    ['multiples of a step and ties', onGrid],
    ['what is exact but for the last bits', nearlyExact],
    ['subnormal numbers', subnormal],
    ['any bits at all', anyFloat],
    ['weights among which is anything', fc.oneof({ weight: 30, arbitrary: weight }, anyFloat)],
  ])('%s', (_, value) => {
    const lanes = quantiseWithLanes() ?? expect.unreachable('Node runs WebAssembly with lanes.')
    const input = shape.chain((one) => {
      const length = one.rowCount * one.columns
      const values = fc.array(value, { minLength: length, maxLength: length, size: 'max' })
      return values.map((list) => ({ ...one, rows: Float32Array.from(list) }))
    })
    fc.assert(
      fc.property(input, ({ rows, rowCount, columns, bits, scaleType, blockSize }) => {
        const given = [rows, rowCount, columns, bits, scaleType, blockSize] as const
        expect(bytesOf(lanes(...given))).toEqual(bytesOf(quantiseBlocks(...given)))
      }),
      { seed: 1, numRuns: 60 },
    )
  })

  it('for more rows than are handed over at once, the last of them fewer', () => {
    const lanes = quantiseWithLanes() ?? expect.unreachable('Node runs WebAssembly with lanes.')
    const [rowCount, columns] = [70, 2000]
    const rows = Float32Array.from(
      { length: rowCount * columns },
      (_, i) => (((i * 7919) % 10_007) / 5000 - 1) * (i % 33),
    )
    for (const scaleType of ['float32', 'float16'] as const) {
      const given = [rows, rowCount, columns, 4, scaleType] as const
      expect(bytesOf(lanes(...given))).toEqual(bytesOf(quantiseBlocks(...given)))
    }
  })
})

/** Plain arrays compare faster than typed ones, and scales as bits: one NaN is not like another. */
function bytesOf({ packed, scales, overflows }: ReturnType<typeof quantiseBlocks>): object {
  return {
    packed: Buffer.from(packed).toString('hex'),
    scales: Buffer.from(scales.buffer, scales.byteOffset, scales.byteLength).toString('hex'),
    overflows,
  }
}

it('is the plain way where WebAssembly is withheld', async () => {
  vi.stubGlobal('WebAssembly', {
    Module: () => {
      throw new Error('Refused to compile: unsafe-eval is not allowed by the policy of this page.')
    },
  })
  expect(quantiseWithLanes()).toBeUndefined()
  vi.resetModules()
  const fresh = await import('./quantise.ts')
  const rows = Float32Array.of(1, 2, 3)
  expect(bytesOf(fresh.fastQuantise()(rows, 1, 3, 4, 'float16'))).toEqual(
    bytesOf(quantiseBlocks(rows, 1, 3, 4, 'float16')),
  )
  vi.unstubAllGlobals()
  expect(fastQuantise()).not.toBe(quantiseBlocks)
})
