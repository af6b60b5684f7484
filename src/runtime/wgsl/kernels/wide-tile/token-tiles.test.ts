import { expect, it } from 'vitest'
import { tileBytes } from '../../gpu/weights-tile.ts'
import { tokenTiles } from './token-tiles.ts'
import { wideSplits } from './wide-tile.ts'

it.each([
  // ViT-g at 224 and 364 pixels: 2.7 and 4 % of the columns are empty.
  { tokens: 257, room: 32_768, columns: 88, tiles: 3 },
  { tokens: 677, room: 32_768, columns: 88, tiles: 8 },
  // As much as every device has.
  { tokens: 257, room: 16_384, columns: 56, tiles: 5 },
  { tokens: 5, room: 32_768, columns: 8, tiles: 1 },
  { tokens: 1, room: 32_768, columns: 8, tiles: 1 },
])('cuts $tokens tokens into $tiles tiles of $columns', ({ tokens, room, columns, tiles }) => {
  expect(tokenTiles(tokens, room)).toEqual({ tokens, columns, tiles, quads: (columns * tiles) / 4 })
  expect(tileBytes(columns)).toBeLessThanOrEqual(room)
})

it('splits long products of few tiles only', () => {
  // ViT-g's: qkv, projection, fc1, fc2.
  expect([
    wideSplits(1408, 4224, 3),
    wideSplits(1408, 1408, 3),
    wideSplits(1408, 6144, 3),
    wideSplits(6144, 1408, 3),
  ]).toEqual([2, 6, 1, 6])
  // No more parts than there are chunks.
  expect(wideSplits(64, 64, 1)).toBe(2)
})
