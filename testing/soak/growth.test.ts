import { expect, it } from 'vitest'
import { grownClasses, growthOf, median } from './growth.ts'

const upwards = (by: number): number[] => Array.from({ length: 50 }, (_, i) => 1000 + i * by)
const grew = (values: readonly number[], ratio = 1.02, slack = 0): boolean =>
  growthOf({ name: 'a heap', values, ratio, slack }).grew

it('What grows with each cycle is seen, and what breathes is not', () => {
  expect(grew(upwards(1))).toBe(true)
  expect(grew(upwards(0.1))).toBe(false)
  expect(grew(upwards(0).map((value, i) => value + (i % 7) * 5))).toBe(false)
  // Once, at the beginning.
  expect(grew(upwards(0).map((value, i) => (i < 8 ? value / 2 : value)))).toBe(false)
  // One late measurement that stands out.
  expect(grew(upwards(0).map((value, i) => (i === 48 ? value * 3 : value)))).toBe(false)
})

it('Of what there is none at first there may be as little later', () => {
  expect(grew(Array.from({ length: 50 }, (_, i) => (i < 46 ? 0 : 1)))).toBe(false)
  expect(grew(Array.from({ length: 50 }, (_, i) => i))).toBe(true)
  expect(
    grew(
      Array.from({ length: 50 }, (_, i) => Math.min(i, 30)),
      1.02,
      20,
    ),
  ).toBe(false)
})

it('Objects that stay, one for each cycle, are named by their class', () => {
  const census = (leaked: number): Map<string, number> =>
    new Map([
      ['Blob', 5 + leaked],
      ['Array', 100],
    ])
  const found = grownClasses([census(10), census(11), census(12)], [census(30), census(31), census(33)], 20)
  expect(found).toEqual([{ name: 'Blob', early: 16, late: 36, grew: true }])
  expect(grownClasses([census(0)], [census(3)], 20)).toEqual([])
})

it('A median is in the middle of two, and of nothing there is none', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3])]).toEqual([2, 2.5])
  expect(() => median([])).toThrow(/nothing/)
})
