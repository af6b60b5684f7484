import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { GREEDY, type Sampling } from '../../pack/decoding.ts'
import { draw, logSoftmax, penalise, samplingProbabilities, seededUniform } from './logits.ts'

interface SamplingCase extends Omit<Sampling, 'seed'> {
  logits: number[]
  probabilities: number[]
}

const cases = JSON.parse(readFileSync('models/reference/sampling.json', 'utf8')) as SamplingCase[]

describe('sampling', () => {
  it.each(cases)(
    'leaves the probabilities that transformers leaves (temperature $temperature, top-k $topK, top-p $topP)',
    ({ logits, probabilities, ...settings }) => {
      const ours = samplingProbabilities(Float32Array.from(logits), { ...settings, seed: 0 })
      expect(ours.length).toBe(probabilities.length)
      for (const [id, probability] of probabilities.entries()) expect(ours[id]).toBeCloseTo(probability, 5)
    },
  )

  it('draws each token as often as its probability says', () => {
    const probabilities = Float64Array.from([0.5, 0, 0.25, 0.125, 0.125])
    const uniform = seededUniform(11)
    const counts = [0, 0, 0, 0, 0]
    const draws = 40_000
    for (let i = 0; i < draws; i += 1) {
      const id = draw(probabilities, uniform())
      counts[id] = (counts[id] ?? 0) + 1
    }
    const chiSquare = [...probabilities.entries()]
      .filter(([, p]) => p > 0)
      .reduce((sum, [id, p]) => sum + ((counts[id] ?? 0) - draws * p) ** 2 / (draws * p), 0)
    // 99.9 % quantile for three degrees of freedom.
    expect(chiSquare).toBeLessThan(16.27)
    expect(counts[1]).toBe(0)
  })

  it('keeps at least the likeliest token', () => {
    const ours = samplingProbabilities(Float32Array.from([0, 3, 1]), {
      temperature: 1,
      topK: 0,
      topP: 0.01,
      seed: 0,
    })
    expect([...ours]).toEqual([0, 1, 0])
  })
})

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

  it('take log-probabilities that add up to one', () => {
    const sum = logSoftmax(Float32Array.from([100, 101, -50])).reduce((total, x) => total + Math.exp(x), 0)
    expect(sum).toBeCloseTo(1, 6)
  })
})
