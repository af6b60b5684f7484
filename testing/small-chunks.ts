/** Chunks of 1 MiB, for tests of what happens to chunks: at their full size most of the time would go into hashing. */
import type * as Chunks from '../src/pack/chunks.ts'

const CHUNK_BYTES = 2 ** 20

/** What `vi.mock` puts in the place of `src/pack/chunks.ts`. */
export function smallChunks(actual: typeof Chunks, chunkBytes = CHUNK_BYTES): typeof Chunks {
  return { ...actual, CHUNK_BYTES: chunkBytes, chunkSizes: (bytes) => actual.chunkSizes(bytes, chunkBytes) }
}
