import { expect, it, vi } from 'vitest'
import { textRows } from './masks.ts'
import { classProbabilities, contrast, contrastMatrix, matchProbability, retrieve } from './scores.ts'

it('likeness is that of the best query, undivided by anything', () => {
  const picture = Float32Array.of(1, 0, 0.6, 0.8)
  expect(contrast(picture, Float32Array.of(0, 1))).toBeCloseTo(0.8, 6)
  expect(contrastMatrix([picture], [Float32Array.of(1, 0), Float32Array.of(-1, 0)])).toEqual([
    [1, expect.closeTo(-0.6, 6)],
  ])
  expect(() => contrast(picture, Float32Array.of(1, 0, 0))).toThrow()
})

it('a match is one softmax of its two logits', () => {
  expect(matchProbability([0.1, 2.3])).toBeCloseTo(Math.exp(2.3) / (Math.exp(0.1) + Math.exp(2.3)), 12)
  expect(matchProbability([900, -900])).toBe(0)
})

it('classes share a probability of 1, more sharply where it is colder', () => {
  const [warm = 0, cold = 0] = [1, 0.07].map((temperature) => classProbabilities([0.3, 0.2], temperature)[0])
  expect(warm).toBeCloseTo(1 / (1 + Math.exp(-0.1)), 12)
  expect(cold).toBeCloseTo(1 / (1 + Math.exp(-0.1 / 0.07)), 12)
  expect(classProbabilities([5000, 4000], 0.07).reduce((a, b) => a + b)).toBe(1)
})

it('retrieval looks again at the best by likeness alone, best first, and keeps the rest behind them', async () => {
  const match = vi.fn(() => Promise.resolve([[0, -3] as const, [0, 2] as const]))
  const found = await retrieve([0.1, 0.9, 0.5, 0.4], match, 2)
  expect(match).toHaveBeenCalledExactlyOnceWith([1, 2])
  expect(found).toEqual([
    { index: 2, itc: 0.5, logits: [0, 2], score: 2.5 },
    { index: 1, itc: 0.9, logits: [0, -3], score: expect.closeTo(-2.1, 12) as number },
    { index: 3, itc: 0.4, logits: null, score: -99.6 },
    { index: 0, itc: 0.1, logits: null, score: -99.9 },
  ])
})

/** Which rows each row sees, as text. */
function seen(kind: 'apart' | 'together' | 'causal', lengths: number[]): string[] {
  const { mask, maskDims } = textRows(
    lengths.map((length) => Array<number>(length).fill(7)),
    2,
    kind,
  )
  const size = maskDims[3]
  return Array.from({ length: mask.length / size }, (_, row) =>
    [...mask.slice(row * size, (row + 1) * size)].map((value) => (value === 0 ? 'x' : '.')).join(''),
  )
}

it('the three masks hide what the paper hides', () => {
  expect(seen('apart', [2])).toEqual(['xx..', 'xx..', '..xx', '..xx'])
  expect(seen('together', [2])).toEqual(['xxxx', 'xxxx', 'xxxx', 'xxxx'])
  expect(seen('causal', [2])).toEqual(['xx..', 'xx..', 'xxx.', 'xxxx'])
})

it('nothing sees what fills up a shorter text, and equal lengths share one mask', () => {
  expect(seen('together', [1, 2]).slice(0, 4)).toEqual(['xxx.', 'xxx.', 'xxx.', 'xxx.'])
  expect(textRows([[1], [2, 3]], 2, 'apart')).toMatchObject({ ids: [1, 0, 2, 3], maskDims: [2, 1, 4, 4] })
  expect(textRows([[1], [2]], 2, 'apart').maskDims).toEqual([1, 1, 3, 3])
})
