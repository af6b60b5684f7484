import { expect, it } from 'vitest'
import { kernelBench, numbersOf, shapes, type Numbers } from '../../../../../testing/gpu/kernel-bench.ts'
import type { TopRow, TopWanted } from '../../../language/language-model.ts'
import { topReference } from './reference.ts'
import { foundBytes, foundRows, topBytes, topParts, topPartsKernel, topRowsKernel, topWords } from './top.ts'

const bench = kernelBench()

async function found(
  logits: Float32Array,
  vocabulary: number,
  wanted: readonly TopWanted[],
): Promise<(TopRow | null)[]> {
  const shape = { vocabulary }
  const rows = wanted.length
  const bytes = topBytes(shape, rows)
  // What is left over from other runs must not be found.
  const poisoned = (count: number): GPUBuffer => bench.buffer(new Uint32Array(count / 4).fill(0x7f7fffff))
  const [parts, records, out] = [poisoned(bytes.parts), poisoned(bytes.records), poisoned(bytes.found)]
  const wantedBuffer = bench.buffer(topWords(wanted))
  await bench.run(
    topPartsKernel(shape),
    [bench.buffer(logits), wantedBuffer, parts, records, out],
    [topParts(shape), rows, 1],
  )
  await bench.run(topRowsKernel(shape), [wantedBuffer, parts, records, out], [rows, 1, 1])
  const words = await bench.words(out)
  return foundRows(words.slice(0, foundBytes(wanted) / 4), wanted)
}

/** Some ids, each once; the likeliest is among them. */
function named(numbers: Numbers, logits: Float32Array, count: number): number[] {
  const ids = new Set(count === 0 ? [] : [logits.indexOf(Math.max(...logits))])
  while (ids.size < Math.min(count, logits.length)) ids.add(numbers.below(logits.length))
  return [...ids]
}

it.each(
  shapes(
    [
      { vocabulary: 1500, rows: 2, count: 10, besides: 7 },
      { vocabulary: 40, rows: 1, count: 1, besides: 0 },
    ],
    [
      { vocabulary: 50_304, rows: 5, count: 10, besides: 60 },
      { vocabulary: 50_304, rows: 1, count: 64, besides: 512 },
      { vocabulary: 1024, rows: 9, count: 3, besides: 1 },
      { vocabulary: 1025, rows: 3, count: 64, besides: 0 },
      { vocabulary: 33, rows: 2, count: 50, besides: 30 },
      { vocabulary: 65_537, rows: 1, count: 2, besides: 3 },
    ],
  ),
)('finds $count of $vocabulary besides $besides in $rows rows', async (shape) => {
  const { vocabulary, rows, count, besides } = shape
  const numbers = numbersOf(vocabulary + count)
  // Whole numbers, so that there are equals, and some that are not.
  const values = numbers.whole(rows * vocabulary)
  numbers.uniform(vocabulary).forEach((value, i) => {
    if (i % 3 === 0) values[i] = 8 * value
  })
  const row = (i: number): Float32Array => values.subarray(i * vocabulary, (i + 1) * vocabulary)
  const wanted = Array.from({ length: rows }, (_, i) => ({
    count: Math.max(1, count - i),
    besides: named(numbers, row(i), Math.max(0, besides - i)),
  }))
  const got = await found(values, vocabulary, wanted)
  wanted.forEach((one, i) => {
    const expected = topReference(row(i), one)
    const ids = [...expected.ids, ...one.besides]
    const logits = [...expected.logits, ...expected.besides]
    expect([...(got[i]?.found ?? [])]).toEqual(ids.map((id, j) => [id, logits[j]]))
    expect(got[i]?.norm).toBeCloseTo(expected.norm, 5)
  })
})

it('tells a row that has no numbers from its neighbours', async () => {
  const logits = numbersOf(1).uniform(3 * 70)
  logits[70 + 69] = NaN
  const got = await found(logits, 70, Array<TopWanted>(3).fill({ count: 2, besides: [69] }))
  expect(got.map((row) => row === null)).toEqual([false, true, false])
})
