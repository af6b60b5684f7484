import { expect, it } from 'vitest'
import type { AttentionMaps } from './attention-maps.ts'
import { gridOf, pointingMaps } from './pointing.ts'

/** Two layers, of which the last has these shares on four patches, behind that of the class token. */
function maps(...patches: number[]): AttentionMaps {
  const first = [0, 0.25, 0.25, 0.25, 0.25]
  const last = [1 - patches.reduce((sum, share) => sum + share, 0), ...patches]
  return { layers: 2, heads: 1, queries: 1, tokens: 5, byHead: Float32Array.from([...first, ...last]) }
}

it('shows of each word what the others do not have, in the last layer', () => {
  const [heart, cat] = pointingMaps([maps(0.5, 0.1, 0.2, 0.1), maps(0.1, 0.1, 0.2, 0.5)], maps(0, 0, 0, 0))
  expect([...(heart ?? [])]).toEqual([1, 0, 0, 0])
  expect([...(cat ?? [])]).toEqual([0, 0, 0, 1])
})

it('compares a single word with no word, and points nowhere where nothing distinguishes it', () => {
  const [word] = pointingMaps([maps(0.1, 0.6, 0.1, 0.1)], maps(0.1, 0.2, 0.3, 0.1))
  expect([...(word ?? [])]).toEqual([0, 1, 0, 0])
  expect(pointingMaps([maps(0.2, 0.2, 0.2, 0.2), maps(0.2, 0.2, 0.2, 0.2)], maps())).toEqual([
    new Float32Array(4),
    new Float32Array(4),
  ])
  expect(gridOf({ tokens: 257 })).toBe(16)
  expect(() => gridOf({ tokens: 256 })).toThrow()
})
