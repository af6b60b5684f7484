import { expect, it } from 'vitest'
import { openPackFolder } from '../../cli/files.ts'
import { syntheticPack } from '../../synthetic/pack.ts'
import { limitsOf, outside, outsideOf, pooled } from './limits.ts'

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
