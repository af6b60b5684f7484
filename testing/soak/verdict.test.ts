import { describe, expect, it } from 'vitest'
import { median, verdicts, type Sample } from './verdict.ts'

const samples = (count: number, of: (i: number) => number): Sample[] =>
  Array.from({ length: count }, (_, i) => ({ heap: of(i) }))

const grows = (all: Sample[]): boolean | undefined => verdicts(all)[0]?.grows

describe('a soak', () => {
  it.each<[string, (i: number) => number, boolean]>([
    ['stays the same', () => 1000, false],
    ['wavers by a hundredth', (i) => 1000 + 10 * (i % 2), false],
    ['fills up at first', (i) => 1000 * Math.min(1, 0.5 + i), false],
    ['shrinks', (i) => 2000 - i, false],
    ['grows by a thousandth each time', (i) => 1000 + i, true],
    ['grows by a tenth in the middle', (i) => (i < 50 ? 1000 : 1100), true],
    ['begins with none and ends with one', (i) => (i < 50 ? 0 : 1), true],
  ])('of something that %s says so', (_, of, expected) => {
    expect(grows(samples(100, of))).toBe(expected)
  })

  it('of a few cycles can tell, and of fewer says that it cannot', () => {
    expect(grows(samples(8, () => 1000))).toBe(false)
    expect(grows(samples(8, (i) => 1000 + 20 * i))).toBe(true)
    expect(() => verdicts(samples(4, () => 1000))).toThrow('take more')
  })

  it('of something that is there only later says so', () => {
    const all: Sample[] = Array.from({ length: 100 }, (_, i) => (i < 60 ? {} : { thread: 1 }))
    expect(verdicts(all)).toEqual([{ what: 'thread', early: 0, late: 1, grows: true }])
  })

  it('goes by medians', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([])]).toEqual([2, 2.5, NaN])
    expect(grows(samples(100, (i) => (i % 10 === 0 ? 5000 : 1000)))).toBe(false)
  })
})
