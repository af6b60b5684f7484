import { describe, expect, it } from 'vitest'
import { GREEDY } from '../../pack/decoding.ts'
import { argmax, logSoftmax, logSumExp, penalise, penalises } from './logits.ts'

describe('penalties', () => {
  const context = { ids: [0, 1, 2, 0, 1], newTokens: 2, eosIds: [3] }

  it('divide positive and multiply negative scores of tokens that are there', () => {
    const scores = Float32Array.from([2, -2, 0, 5])
    penalise(scores, { ...GREEDY, repetitionPenalty: 2 }, context)
    expect([...scores]).toEqual([1, -4, 0, 5])
  })

  it('forbid what would repeat an n-gram, and an early end', () => {
    const scores = Float32Array.from([1, 1, 1, 1])
    penalise(scores, { ...GREEDY, noRepeatNgram: 3, minNewTokens: 3 }, context)
    expect([...scores]).toEqual([1, 1, -Infinity, -Infinity])
  })

  it.each([
    { settings: GREEDY, newTokens: 0, changes: false },
    { settings: { ...GREEDY, repetitionPenalty: 0.9 }, newTokens: 0, changes: true },
    { settings: { ...GREEDY, noRepeatNgram: 2 }, newTokens: 0, changes: true },
    { settings: { ...GREEDY, minNewTokens: 3 }, newTokens: 2, changes: true },
    { settings: { ...GREEDY, minNewTokens: 3 }, newTokens: 3, changes: false },
  ])('say beforehand whether there are any: $changes', ({ settings, newTokens, changes }) => {
    expect(penalises(settings, newTokens)).toBe(changes)
    const scores = Float32Array.from([2, -2, 1, 5])
    penalise(scores, settings, { ...context, newTokens })
    expect(scores.join() !== '2,-2,1,5').toBe(changes)
  })
})

describe('log-probabilities', () => {
  it('add up to one, however large the logits', () => {
    const scores = Float32Array.from([1000, 1001, -50])
    expect(logSumExp(scores)).toBeCloseTo(1001 + Math.log(1 + Math.exp(-1)), 6)
    logSoftmax(scores)
    expect(scores.reduce((total, x) => total + Math.exp(x), 0)).toBeCloseTo(1, 4)
  })

  it('are rounded to float32 one by one, as a tensor is', () => {
    const logits = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 7)
    const norm = logSumExp(logits)
    const expected = Float32Array.from(logits, (logit) => logit - norm)
    logSoftmax(logits)
    expect(logits).toEqual(expected)
  })
})

it('the first of the largest is chosen', () => {
  expect(argmax(Float32Array.of(1, 3, 2, 3))).toBe(1)
  expect(argmax(Float32Array.of(-Infinity, -5, -5))).toBe(1)
})
