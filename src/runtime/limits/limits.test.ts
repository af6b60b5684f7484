import { describe, expect, it } from 'vitest'
import { GREEDY } from '../../pack/decoding.ts'
import { openPackFolder } from '../../cli/files.ts'
import { syntheticPack } from '../../synthetic/pack.ts'
import { limitsOf, outside, outsideOf, outsideOfCaption, pooled } from './limits.ts'

const { manifest } = await openPackFolder('public/models/drawn-scenes')

it('takes mean and deviation of each column over the queries', () => {
  const embeddings = Float32Array.from([1, 10, 3, 10, 5, 10, 7, 10])
  const found = pooled(embeddings, 4)
  expect(Array.from(found)).toEqual([4, 10, expect.closeTo(Math.sqrt(5), 5), 0])
})

it('is a logistic of them', () => {
  expect(outside({ weights: [1, -2], bias: 0.5 }, Float32Array.of(1.5, 1))).toBe(0.5)
  expect(outside({ weights: [1, -2], bias: 0.5 }, Float32Array.of(9, 1))).toBeGreaterThan(0.99)
})

it('is known of the built-in model, with a weight for each feature', () => {
  const width = manifest.family === 'blip2-opt' ? manifest.parts['q-former'].shape.embeddingSize : 0
  expect(limitsOf(manifest)?.weights).toHaveLength(2 * width)
})

it('is not known of other weights, of which nothing is said', () => {
  const other = syntheticPack({ size: 'tiny', precision: 'q4', seed: 1 }).manifest
  expect(limitsOf(other)).toBeNull()
  expect(outsideOf(other, new Float32Array(32 * 64))).toBeNull()
})

describe('of a caption', () => {
  /** Five tokens, of which the model was as sure as that on average. */
  const said = (score: number): { score: number; tokenIds: number[] } => ({
    score,
    tokenIds: [1, 2, 3, 4, 5],
  })
  const asked = { prompt: '', settings: GREEDY }
  const of = (score: number, picture: number | null = 0.2, how = asked): number | null =>
    outsideOfCaption(manifest, picture, said(score), how)

  it('lies farther outside the less sure the model was, and the farther its picture does', () => {
    expect(of(-1.5)).toBeGreaterThan(of(-0.1) ?? NaN)
    expect(of(-0.3, 0.9)).toBeGreaterThan(of(-0.3, 0.1) ?? NaN)
    expect(of(-0.05, 0.001)).toBeLessThan(0.5)
    expect(of(-1.5, 0.2)).toBeGreaterThan(0.5)
    for (const picture of [0, 1]) expect(of(-0.3, picture)).toEqual(expect.toSatisfy(Number.isFinite))
  })

  it('is the same however long captions are preferred', () => {
    const settings = { ...GREEDY, lengthPenalty: 0 }
    expect(outsideOfCaption(manifest, 0.2, said(-2), { prompt: '', settings })).toBeCloseTo(of(-0.4) ?? NaN)
  })

  it('goes by the picture alone where words were sampled or go on from others', () => {
    const sampling = { temperature: 1, topK: 0, topP: 1, seed: 1 }
    expect(of(-1.5, 0.2, { prompt: '', settings: { ...GREEDY, sampling } })).toBe(0.2)
    expect(of(-1.5, 0.2, { prompt: 'a drawing of', settings: GREEDY })).toBe(0.2)
  })

  it.each([
    ['be of some length', { minNewTokens: 8 }],
    ['not repeat themselves', { repetitionPenalty: 1.5 }],
    ['have no phrase twice', { noRepeatNgram: 2 }],
    ['have a word', { words: { begin: '', ban: [], force: ['bell'] } }],
  ])('goes by the picture alone where words had to %s', (_, rule) => {
    expect(of(-1.5, 0.2, { prompt: '', settings: { ...GREEDY, ...rule } })).toBe(0.2)
  })

  it('goes by its words where more beams looked for likelier ones', () => {
    expect(of(-1.5, 0.2, { prompt: '', settings: { ...GREEDY, beams: 5 } })).toBeGreaterThan(0.5)
  })

  it('is not known where limits are not', () => {
    const other = syntheticPack({ size: 'tiny', precision: 'q4', seed: 1 }).manifest
    expect(of(-1.5, null)).toBeNull()
    expect(outsideOfCaption(other, null, said(-1.5), asked)).toBeNull()
  })
})
