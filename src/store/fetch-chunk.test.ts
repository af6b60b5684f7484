import { describe, expect, it } from 'vitest'
import { sha256Hex } from '../pack/bytes.ts'
import { plainNetwork } from '../remote/network.ts'
import { fetchChunk, NO_METER } from './fetch-chunk.ts'
import type { PackSource } from './pack-source.ts'
import { tableInMemory } from './table.ts'

const PIECE_BYTES = 8 * 2 ** 20
const PIECES = 3

/** Bytes written aside while a chunk of three pieces comes, each of which takes so long. */
async function writtenAside(pieceMs: number): Promise<number> {
  const bytes = new Uint8Array(PIECES * PIECE_BYTES)
  const chunk = { path: 'vision.weights', bytes: bytes.length, sha256: await sha256Hex(bytes) }
  let clock = 0
  const source: PackSource = {
    stream: (_, start) => Promise.resolve({ start, etag: null, pieces: pieces(), cancel: () => undefined }),
  }
  async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    for (let i = 0; i < PIECES; i += 1) {
      clock += pieceMs
      yield await Promise.resolve(bytes.subarray(i * PIECE_BYTES, (i + 1) * PIECE_BYTES))
    }
  }
  let written = 0
  const parts = tableInMemory<Blob>()
  const counted = {
    ...parts,
    set: (key: string, value: Blob) => {
      written += value.size
      return parts.set(key, value)
    },
  }
  const kept: string[] = []
  const shelf = { parts: counted, keep: (hash: string) => Promise.resolve(void kept.push(hash)) }
  const network = { ...plainNetwork(), now: () => clock }
  await fetchChunk(shelf, chunk, source, { network, signal: new AbortController().signal, meter: NO_METER })
  expect(kept).toEqual([chunk.sha256])
  expect(await parts.keys()).toEqual([])
  return written
}

describe('the beginning of a chunk', () => {
  it('is not written aside on a line that brings the whole within two seconds', async () => {
    expect(await writtenAside(600)).toBe(0)
  })

  it('is on a slow one, so that a crash costs little', async () => {
    expect(await writtenAside(3000)).toBe(2 * PIECE_BYTES)
  })
})
