import { describe, expect, it } from 'vitest'
import { kernelBench, numbersOf, shapes, worstError } from '../../../../../testing/gpu/kernel-bench.ts'
import { byChannel, byToken } from '../wide-tile/reference.ts'
import { tokenTiles } from '../wide-tile/token-tiles.ts'
import {
  attentionBlocks,
  blockAttentionBytes,
  blockAttentionKernel,
  blockAttentionWorkgroups,
} from './block-attention.ts'
import { blockAttentionReference } from './reference.ts'

const bench = kernelBench()

interface Case {
  tokens: number
  heads: number
  headSize: number
  /** Bytes of workgroup memory. */
  room: number
  /** How far scores lie apart. */
  spread?: number
}

const all: Case[] = [
  { tokens: 37, heads: 2, headSize: 12, room: 16_384 },
  ...[64, 80, 88, 128].map((headSize): Case => ({ tokens: 70, heads: 2, headSize, room: 32_768 })),
  { tokens: 40, heads: 2, headSize: 88, room: 16_384 },
  { tokens: 40, heads: 1, headSize: 128, room: 16_384 },
  ...[1, 2, 15, 16, 17, 31, 32, 33].map((tokens): Case => ({ tokens, heads: 3, headSize: 16, room: 32_768 })),
  { tokens: 257, heads: 1, headSize: 88, room: 32_768 },
  { tokens: 677, heads: 1, headSize: 88, room: 32_768 },
  { tokens: 100, heads: 1, headSize: 8, room: 32_768, spread: 60 },
]

describe('attention of all tokens over all', () => {
  // The vision encoder's own test has it in every browser.
  it.each(shapes([], all))(
    'is the softmax of all scores: $tokens tokens, $heads heads of $headSize, $room bytes',
    async ({ tokens, heads, headSize, room, spread = 2 }) => {
      const tiles = tokenTiles(tokens, room)
      const blocks = attentionBlocks(headSize, room)
      if (blocks === null) throw new Error('No blocks fit.')
      const numbers = numbersOf(tokens + headSize)
      const hidden = heads * headSize
      const [queries, keys, values] = [0, 1, 2].map(() => numbers.uniform(tokens * hidden))
      if (queries === undefined || keys === undefined || values === undefined) throw new Error('none')
      queries.forEach((value, i) => (queries[i] = spread * value))
      const rows = 4 * tiles.quads * hidden
      // Behind the last token there is nothing that may count.
      const poisoned = (of: Float32Array): Float32Array => {
        const all = new Float32Array(rows).fill(NaN)
        all.set(of)
        return all
      }
      const output = bench.buffer(new Float32Array(rows))
      const shape = { heads, headSize, tiles }
      await bench.run(
        blockAttentionKernel(shape, blocks),
        [
          bench.buffer(byChannel(queries, tiles, NaN)),
          bench.buffer(poisoned(keys)),
          bench.buffer(poisoned(values)),
          output,
        ],
        blockAttentionWorkgroups(shape, blocks),
      )
      const expected = blockAttentionReference({ queries, keys, values }, { tokens, heads, headSize })
      const ones = new Float32Array(tokens * hidden).fill(spread * headSize)
      const got = byToken(await bench.floats(output, rows), tiles)
      expect(worstError(got, expected, ones)).toBeLessThan(8)
    },
  )

  it('has blocks for every published head on every device', () => {
    for (const headSize of [64, 80, 88, 128])
      for (const room of [16_384, 32_768, 49_152]) {
        const blocks = attentionBlocks(headSize, room)
        expect(blocks && blockAttentionBytes(headSize, blocks)).toBeLessThanOrEqual(room)
      }
    expect(attentionBlocks(1024, 16_384)).toBeNull()
  })
})
