import { expect, it } from 'vitest'
import { kernelBench, numbersOf, shapes, WIDTHS, type Way } from '../../../../../testing/gpu/kernel-bench.ts'
import { CHOICE_BYTES, choiceOf } from './choose.ts'
import { chooseRowsKernel } from './choose-rows.ts'
import { bestScoreReference } from './reference.ts'

const bench = kernelBench()

async function chosen(
  scores: Float32Array,
  vocabulary: number,
  way: Way = 'memory',
): Promise<ReturnType<typeof choiceOf>[]> {
  const rows = scores.length / vocabulary
  const choices = bench.buffer(new Uint32Array((rows * CHOICE_BYTES) / 4))
  const kernel = bench.kernel(way, (by) => chooseRowsKernel(vocabulary, 64, by))
  await bench.run(kernel, [bench.buffer(scores), choices], [rows, 1, 1])
  const words = await bench.words(choices)
  return Array.from({ length: rows }, (_, i) => choiceOf(words.slice(4 * i, 4 * i + 4)))
}

it.each(
  shapes(
    [[3, 831]],
    [
      [1, 1],
      [2, 63],
      [4, 64],
      [5, 65],
      [9, 5000],
    ],
  ),
)('finds the best of each of %i rows of %i scores, with its probability', async (rows, vocabulary) => {
  const scores = numbersOf(8)
    .uniform(rows * vocabulary)
    .map((value) => 9 * value)
  const choices = await chosen(scores, vocabulary)
  choices.forEach((choice, i) => {
    const best = bestScoreReference(scores.subarray(i * vocabulary, (i + 1) * vocabulary))
    expect(choice?.token).toBe(best.token)
    expect(choice?.logProbability).toBeCloseTo(best.score - best.norm, 4)
  })
})

const ways = shapes<Way>(['own'], ['memory', ...WIDTHS])
it.each(ways)(
  'is the first of equals, and none where a score is no number, in its own row alone (%s)',
  async (way) => {
    const scores = numbersOf(9).uniform(3 * 400)
    for (const at of [130, 131, 399]) scores[at] = 7
    scores[400 + 200] = NaN
    scores[800 + 71] = 7
    expect((await chosen(scores, 400, way)).map((choice) => choice?.token ?? null)).toEqual([130, null, 71])
  },
)
