import { describe, expect, it } from 'vitest'
import { f16ToF32 } from '../pack/float16.ts'
import { bf16ToF32, f32ToF16, firstNonFinite } from './dtypes.ts'

const allPatterns = Uint16Array.from({ length: 2 ** 16 }, (_, pattern) => pattern)

/** The definition of binary16 (IEEE 754-2019, 3.4), with no bit tricks. */
function f16ByDefinition(pattern: number): number {
  const sign = pattern >> 15 ? -1 : 1
  const exponent = (pattern >> 10) & 31
  const fraction = (pattern & 1023) / 1024
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15)
}

function bitsOf(values: number[]): number[] {
  return [...f32ToF16(Float32Array.from(values)).values]
}

describe('f16ToF32', () => {
  it('gives the value that the standard defines for all 65536 patterns', () => {
    const values = f16ToF32(allPatterns)
    const wrong = [...allPatterns].filter((pattern) => !Object.is(values[pattern], f16ByDefinition(pattern)))
    expect(wrong).toEqual([])
  })
})

describe('f32ToF16', () => {
  it('gives back every pattern of binary16, zeros, subnormals, infinities and NaN with it', () => {
    const { values, overflows } = f32ToF16(f16ToF32(allPatterns))
    const wrong = [...allPatterns].filter((pattern) => {
      const isNaN = (pattern & 0x7c00) === 0x7c00 && (pattern & 0x3ff) !== 0
      // A signalling NaN comes back as a quiet one, which is the same number: none.
      return values[pattern] !== (isNaN ? pattern | 0x200 : pattern)
    })
    expect(wrong).toEqual([])
    expect(overflows).toBe(0)
  })

  it('rounds the middle between any two neighbours to the even one, and anything beyond it outwards', () => {
    const wrong: number[] = []
    for (let pattern = 0; pattern < 0x7bff; pattern++) {
      const low = f16ByDefinition(pattern)
      const middle = (low + f16ByDefinition(pattern + 1)) / 2
      // The middle needs one bit more than binary16 has, so it and its float32 neighbours are exact.
      const step = middle * 2 ** -23
      const [below, at, above] = bitsOf([middle - step, middle, middle + step])
      const even = pattern % 2 === 0 ? pattern : pattern + 1
      if (below !== pattern || at !== even || above !== pattern + 1) wrong.push(pattern)
    }
    expect(wrong).toEqual([])
  })

  it.each([
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65519.996, 0x7bff],
    [1 / 3, 0x3555],
    [6.103515625e-5, 0x0400],
    [5.960464477539063e-8, 0x0001],
    [2.980232238769531e-8, 0x0000],
    [2.98023259404089e-8, 0x0001],
    [1e-45, 0x0000],
    [-0, 0x8000],
  ])('stores %f as %i', (value, pattern) => {
    expect(bitsOf([value])).toEqual([pattern])
  })

  it('counts finite values that became infinite, and only those', () => {
    const { values, overflows } = f32ToF16(Float32Array.of(65504, 65520, -1e30, Infinity, NaN))
    expect([...values]).toEqual([0x7bff, 0x7c00, 0xfc00, 0x7c00, 0x7e00])
    expect(overflows).toBe(2)
  })
})

describe('bf16ToF32', () => {
  it('puts the bits into the upper half', () => {
    const values = bf16ToF32(Uint16Array.of(0x3f80, 0xc049, 0x0001, 0x7f80, 0x8000))
    expect([...values]).toEqual([1, -3.140625, 9.183549615799121e-41, Infinity, -0])
  })
})

describe('firstNonFinite', () => {
  it('finds NaN and infinities and is not fooled by the largest number', () => {
    expect(firstNonFinite(Float32Array.of(0, 3.4028234663852886e38, -1e-45))).toBe(-1)
    expect(firstNonFinite(Float32Array.of(0, 1, -Infinity, NaN))).toBe(2)
    expect(firstNonFinite(Float32Array.of(NaN))).toBe(0)
  })
})
