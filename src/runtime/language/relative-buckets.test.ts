import { describe, expect, it } from 'vitest'
import { decoderBuckets, encoderBuckets } from './relative-buckets.ts'

/** The first distance of each bucket, as transformers 5.18's `_relative_position_bucket` gives them. */
const RULES = [
  {
    rule: { buckets: 32, maxDistance: 128 },
    decoder: [...upTo(16), 16, 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113],
    encoder: [...upTo(8), 8, 12, 16, 23, 32, 46, 64, 91],
  },
  {
    rule: { buckets: 32, maxDistance: 100 },
    decoder: [...upTo(16), 16, 18, 21, 23, 26, 29, 32, 36, 40, 45, 51, 57, 64, 71, 80, 90],
    encoder: [...upTo(8), 8, 11, 16, 21, 29, 39, 54, 73],
  },
  {
    rule: { buckets: 8, maxDistance: 20 },
    decoder: [0, 1, 2, 3, 4, 6, 9, 14],
    encoder: [0, 1, 2, 7],
  },
]

function upTo(end: number): number[] {
  return Array.from({ length: end }, (_, i) => i)
}

/** The number of the bucket that each distance below `count` is in. */
function bucketsOf(firsts: readonly number[], count: number): number[] {
  return upTo(count).map((distance) => firsts.findLastIndex((first) => first <= distance))
}

const LENGTH = 300

describe.each(RULES)('buckets of $rule.buckets for distances up to $rule.maxDistance', (one) => {
  it('are those of transformers in the encoder, behind the query and before it', () => {
    const numbers = Array.from(encoderBuckets(LENGTH, one.rule), Number)
    const expected = bucketsOf(one.encoder, LENGTH)
    const half = one.rule.buckets / 2
    expect(numbers.slice(0, LENGTH)).toEqual(expected.map((bucket, i) => (i === 0 ? 0 : bucket + half)))
    expect(upTo(LENGTH).map((query) => numbers[query * LENGTH])).toEqual(expected)
    const [row, column] = [120, 170]
    expect(numbers[row * LENGTH + column]).toBe((expected[column - row] ?? 0) + half)
  })

  it('are those of transformers in the decoder, whatever lies in the cache', () => {
    const expected = bucketsOf(one.decoder, LENGTH).reverse()
    expect(Array.from(decoderBuckets(LENGTH - 1, 1, one.rule), Number)).toEqual(expected)
    const several = Array.from(decoderBuckets(2, 3, one.rule), Number)
    expect(several).toEqual(
      [2, 1, 0, 0, 0, 3, 2, 1, 0, 0, 4, 3, 2, 1, 0].map((d) => expected[LENGTH - 1 - d]),
    )
  })
})
