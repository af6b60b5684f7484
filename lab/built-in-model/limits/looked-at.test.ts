import { appendFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { LookedAt } from './looked-at.ts'

/** Rows of seeds, of which there are none from `end` on, and how many were made so far. */
function rowsUntil(end: number): {
  make: (from: number, count: number) => Promise<Float32Array[]>
  made: () => number
} {
  let made = 0
  const make = (from: number, count: number): Promise<Float32Array[]> => {
    const rows = Array.from({ length: Math.max(0, Math.min(count, end - from)) }, (_, i) =>
      Float32Array.of(from + i),
    )
    made += rows.length
    return Promise.resolve(rows)
  }
  return { make, made: () => made }
}

const seedsOf = (rows: Float32Array[]): number[] => rows.map(([seed = NaN]) => seed)
const upwards = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)

it('What was looked at is not looked at again, and a run that asks for more looks at the rest', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'looked-at-')), 'rows')
  const first = rowsUntil(Infinity)
  await new LookedAt<Float32Array>(path).upTo('drawn', 7, 120, first.make)
  expect(first.made()).toBe(120)
  // The same name from other seeds is something else.
  await new LookedAt<Float32Array>(path).upTo('drawn', 1000, 3, first.make)
  const second = rowsUntil(Infinity)
  const kept = new LookedAt<Float32Array>(path)
  expect(seedsOf(await kept.upTo('drawn', 7, 200, second.make))).toEqual(upwards(7, 200))
  expect(second.made()).toBe(80)
  expect(seedsOf(await kept.upTo('drawn', 7, 9, second.make))).toEqual(upwards(7, 9))
  expect(second.made()).toBe(80)
})

it('A run that was ended goes on behind the last whole line', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'looked-at-')), 'rows')
  await new LookedAt<Float32Array>(path).upTo('drawn', 0, 100, rowsUntil(Infinity).make)
  appendFileSync(path, '{"name":"drawn","seed":100,"rows":[[10')
  const again = rowsUntil(Infinity)
  const rows = await new LookedAt<Float32Array>(path).upTo('drawn', 0, 150, again.make)
  expect(seedsOf(rows)).toEqual(upwards(0, 150))
  expect(again.made()).toBe(50)
  // What came behind the broken line is read, too.
  const once = rowsUntil(Infinity)
  expect(seedsOf(await new LookedAt<Float32Array>(path).upTo('drawn', 0, 150, once.make))).toEqual(
    upwards(0, 150),
  )
  expect(once.made()).toBe(0)
})

it('Where there are no more pictures there are fewer rows', async () => {
  const { make } = rowsUntil(65)
  expect(seedsOf(await new LookedAt<Float32Array>(undefined).upTo('photographs', 0, 200, make))).toEqual(
    upwards(0, 65),
  )
})
