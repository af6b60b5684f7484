import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Sampling } from '../../pack/decoding.ts'
import { drawAt, Sampler, seededUniform } from './sampling.ts'

interface SamplingCase extends Omit<Sampling, 'seed'> {
  logits: number[]
  probabilities: number[]
}

const cases = JSON.parse(readFileSync('models/reference/sampling.json', 'utf8')) as SamplingCase[]

function probabilitiesOf(logits: Float32Array, sampling: Partial<Sampling>): number[] {
  const sampler = new Sampler({ temperature: 1, topK: 0, topP: 1, seed: 0, ...sampling }, 0)
  const weights = [...sampler.weights(logits)]
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return weights.map((weight) => weight / total)
}

/** The warpers as they are defined: everything sorted, top-k by its lowest value, top-p by the running sum. */
function defined(logits: Float32Array, { temperature, topK, topP }: Omit<Sampling, 'seed'>): number[] {
  const order = [...logits.keys()].sort((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0))
  const best = logits[order[0] ?? 0] ?? 0
  const lowest = topK > 0 ? (logits[order[topK - 1] ?? order.at(-1) ?? 0] ?? -Infinity) : -Infinity
  const kept = order.filter((id) => (logits[id] ?? 0) >= lowest)
  const weight = (id: number): number => Math.exp(((logits[id] ?? 0) - best) / temperature)
  const sum = kept.reduce((total, id) => total + weight(id), 0)
  const out = Array<number>(logits.length).fill(0)
  let before = 0
  for (const [rank, id] of kept.entries()) {
    if (rank > 0 && before >= topP * sum) break
    out[id] = weight(id)
    before += weight(id)
  }
  const total = out.reduce((all, value) => all + value, 0)
  return out.map((value) => value / total)
}

/** Logits of a published vocabulary, some of them equal. */
function manyLogits(seed: number): Float32Array {
  const uniform = seededUniform(seed)
  return Float32Array.from(
    { length: 50_304 },
    () => Math.round((8 * (uniform() + uniform() + uniform() - 1.5) + (uniform() < 0.001 ? 8 : 0)) * 64) / 64,
  )
}

describe('what is sampled from', () => {
  it.each(cases)(
    'is what transformers leaves (temperature $temperature, top-k $topK, top-p $topP)',
    ({ logits, probabilities, ...settings }) => {
      const ours = probabilitiesOf(Float32Array.from(logits), settings)
      expect(ours.length).toBe(probabilities.length)
      for (const [id, probability] of probabilities.entries()) expect(ours[id]).toBeCloseTo(probability, 5)
    },
  )

  it.each([
    { temperature: 1, topK: 0, topP: 1 },
    { temperature: 0.7, topK: 50, topP: 1 },
    { temperature: 1, topK: 1, topP: 1 },
    { temperature: 1.3, topK: 40_000, topP: 0.97 },
    { temperature: 1, topK: 0, topP: 0.9 },
    { temperature: 0.05, topK: 0, topP: 0.999 },
    { temperature: 5, topK: 300, topP: 0.5 },
    { temperature: 1, topK: 60_000, topP: 0.01 },
  ])('is what a sort of everything gives: $temperature, $topK, $topP', (settings) => {
    for (const seed of [1, 2, 3]) {
      const logits = manyLogits(seed)
      const ours = probabilitiesOf(logits, settings)
      const theirs = defined(logits, settings)
      const differ = ours.filter((value, id) => Math.abs(value - (theirs[id] ?? NaN)) > 1e-12)
      expect(differ).toEqual([])
    }
  })

  it('keeps at least the likeliest token, all that are equal to the k-th, and nothing that was forbidden', () => {
    expect(probabilitiesOf(Float32Array.of(0, 3, 1), { topP: 0.01 })).toEqual([0, 1, 0])
    expect(probabilitiesOf(Float32Array.of(1, 3, 1, 1, 0), { topK: 2 }).map((p) => p > 0)).toEqual([
      true,
      true,
      true,
      true,
      false,
    ])
    expect(probabilitiesOf(Float32Array.of(-Infinity, 0, 0), { topK: 3 })).toEqual([0, 0.5, 0.5])
  })
})

describe('drawing', () => {
  it('takes each token as often as its weight says', () => {
    const weights = Float64Array.of(4, 0, 2, 1, 1)
    const uniform = seededUniform(11)
    const counts = [0, 0, 0, 0, 0]
    const draws = 40_000
    for (let i = 0; i < draws; i += 1) {
      const id = drawAt(weights, uniform())
      counts[id] = (counts[id] ?? 0) + 1
    }
    const chiSquare = [...weights.entries()]
      .filter(([, weight]) => weight > 0)
      .map(([id, weight]) => [id, (draws * weight) / 8] as const)
      .reduce((sum, [id, wanted]) => sum + ((counts[id] ?? 0) - wanted) ** 2 / wanted, 0)
    // 99.9 % quantile for three degrees of freedom.
    expect(chiSquare).toBeLessThan(16.27)
    expect(counts[1]).toBe(0)
  })

  it('is the same for the same seed, row after row', () => {
    const settings = { temperature: 1, topK: 0, topP: 0.9, seed: 0 }
    const drawn = (): number[] => {
      const sampler = new Sampler(settings, 7)
      return [1, 2, 3, 1].map((seed) => sampler.draw(manyLogits(seed)))
    }
    expect(drawn()).toEqual(drawn())
    expect(new Set(drawn()).size).toBeGreaterThan(2)
  })
})
