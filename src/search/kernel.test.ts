import { expect, it, vi } from 'vitest'
import { contrast } from '../runtime/retrieval/scores.ts'
import { seededRandom } from '../scenes/random.ts'
import type { Block } from './entries.ts'
import { ScoredBlocks } from './scored-blocks.ts'
import { likenessOf, meanRow, rounded, unrounded } from './vectors.ts'

const random = seededRandom(7)

/** [rows, width], each row of length 1 */
function unitRows(rows: number, width: number): Float32Array<ArrayBuffer> {
  const values = Float32Array.from({ length: rows * width }, () => random.between(-1, 1))
  for (let row = 0; row < rows; row += 1) {
    const own = values.subarray(row * width, (row + 1) * width)
    const length = Math.hypot(...own)
    own.forEach((value, i) => (own[i] = value / length))
  }
  return values
}

function blockOf(pictures: readonly Float32Array[], width: number): Block {
  const parts = pictures.map((vectors) => rounded(vectors, width))
  const file = { source: '', path: '', bytes: 0, modified: 0 }
  const facts = { ...file, name: '', sha256: '', width: 0, height: 0, thumbnailBytes: 0 }
  return {
    pictures: parts.map(() => facts),
    vectors: Int8Array.from(parts.flatMap(({ vectors }) => [...vectors])),
    scales: Float32Array.from(parts.flatMap(({ scales }) => [...scales])),
    refused: [],
  }
}

it.each([
  [32, 256],
  [32, 64],
  [3, 16],
  // Widths that fill no step, and the largest sums that there can be.
  [5, 20],
  [2, 1],
  [1, 1024],
])('finds the best of %i queries of %i numbers as plain arithmetic does', (queries, width) => {
  const blocks = new ScoredBlocks({ queries, width }, 4)
  const pictures = Array.from({ length: 7 }, () => unitRows(queries, width))
  // One whose numbers are all as large as they can be.
  pictures.push(new Float32Array(queries * width).fill(1 / Math.sqrt(width)))
  blocks.set(0, blockOf(pictures.slice(0, 4), width))
  blocks.set(5, blockOf(pictures.slice(4), width))
  for (const text of [unitRows(1, width), new Float32Array(width).fill(1 / Math.sqrt(width))]) {
    const scores = blocks.score(text)
    const ours = [...(scores.get(0) ?? []), ...(scores.get(5) ?? [])]
    expect(ours).toHaveLength(8)
    pictures.forEach((vectors, i) => {
      const exact = contrast(unrounded(rounded(vectors, width)), text)
      expect(ours[i]).toBeCloseTo(exact, 3)
      expect(ours[i]).toBeCloseTo(contrast(vectors, text), 1.5)
    })
  }
})

it('takes the place of blocks that go, and refuses shapes and texts of other models', () => {
  const blocks = new ScoredBlocks({ queries: 2, width: 16 }, 2)
  const [one, other] = [unitRows(2, 16), unitRows(2, 16)]
  const text = unitRows(1, 16)
  blocks.set(0, blockOf([one, one], 16))
  blocks.set(1, blockOf([other], 16))
  const { bytes } = blocks
  blocks.delete(0)
  expect([...blocks.score(text).keys()]).toEqual([1])
  blocks.set(7, blockOf([one], 16))
  expect(blocks.bytes).toBe(bytes)
  expect(blocks.score(text).get(7)?.[0]).toBeCloseTo(contrast(one, text), 1.5)
  expect(blocks.score(text).get(1)?.[0]).toBeCloseTo(contrast(other, text), 1.5)
  expect(() => blocks.set(2, blockOf([unitRows(3, 16)], 16))).toThrow()
  expect(() => blocks.score(unitRows(1, 32))).toThrow()
})

it('rounds rows to one part in 254 of their largest number, and nothing to nothing', () => {
  const rows = unitRows(4, 64)
  const back = unrounded(rounded(rows, 64))
  rows.forEach((value, i) => expect(Math.abs(value - (back[i] ?? NaN))).toBeLessThan(1 / 254))
  expect([...unrounded(rounded(new Float32Array(8), 4))]).toEqual(Array(8).fill(0))
})

it('says that a picture is most like itself', () => {
  const [one, other] = [unitRows(4, 16), unitRows(4, 16)]
  expect(likenessOf(one, one, 16)).toBeCloseTo(1, 5)
  expect(likenessOf(one, other, 16)).toBeLessThan(1)
  expect(Math.hypot(...meanRow(one, 16))).toBeCloseTo(1, 5)
})

it('scores nothing of a block for which there was no memory', () => {
  const blocks = new ScoredBlocks({ queries: 64, width: 1024 }, 64)
  const vectors = unitRows(64, 1024)
  const full = vi.spyOn(WebAssembly.Memory.prototype, 'grow').mockImplementation(() => {
    throw new RangeError('No memory.')
  })
  expect(() => blocks.set(0, blockOf([vectors], 1024))).toThrow(/not enough memory/)
  full.mockRestore()
  expect(blocks.score(vectors.slice(0, 1024)).size).toBe(0)
  blocks.set(1, blockOf([vectors], 1024))
  expect(blocks.score(vectors.slice(0, 1024)).get(1)?.[0]).toBeCloseTo(1, 2)
})
