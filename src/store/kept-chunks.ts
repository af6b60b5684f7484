/**
 * The chunks of one kept pack as they are read: hashed before they are given out, or afterwards, when there is time. Every
 * chunk was verified when it was kept, so what a later hash finds is a disk or a browser that lost bytes since.
 */
import { BlobReader } from '../pack/blob-reader.ts'
import { sha256Hex } from '../pack/bytes.ts'
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import type { LaterCheck, PackChunk } from '../pack/manifest.ts'
import type { Locks } from './locks.ts'
import type { PlacedChunk } from './records.ts'
import type { Table } from './table.ts'

export interface ChunkSource {
  chunks: Table<Blob>
  locks: Locks
  /** Rejects `not-found` when the pack was deleted. */
  stillThere: () => Promise<void>
  /** Gets a chunk again, into `chunks`, from where the pack came; does nothing where it cannot be had. */
  refetch: (chunk: PlacedChunk) => Promise<void>
  /** The pack is not whole any more. */
  broken: () => Promise<void>
}

export class KeptChunks {
  readonly #source: ChunkSource
  /** Of `later`, while it hashes nothing. */
  #idle: BlobReader | null = null
  /** Given out and not hashed yet, by hash. */
  readonly #unchecked = new Map<string, { chunk: PlacedChunk; blob: Blob }>()
  /** Hashed since the pack was opened. */
  readonly #checked = new Set<string>()
  /** Nobody asks `later` any more. */
  #ended = false

  constructor(source: ChunkSource) {
    this.#source = source
  }

  /**
   * A chunk whose hash is right. One that has gone bad is mended first. Throws `corrupt` where it cannot be. `reader` is
   * the caller's alone until this settles: a chunk that is read while another is hashed would look bad.
   */
  async verified(chunk: PlacedChunk, reader: BlobReader): Promise<Blob> {
    const kept = await this.#source.chunks.get(chunk.sha256)
    if (kept !== undefined && (await isIntact(kept, chunk, reader))) return kept
    return this.#mended(chunk, reader)
  }

  /**
   * The chunk as it was kept, of the right length, to be hashed by `later`, or now when that has come to its end. One that
   * is not there is mended first. `reader` as in `verified`.
   */
  async asKept(chunk: PlacedChunk, reader: BlobReader): Promise<Blob> {
    const kept = await this.#source.chunks.get(chunk.sha256)
    if (kept?.size !== chunk.bytes) return this.#mended(chunk, reader)
    if (this.#checked.has(chunk.sha256)) return kept
    // Asked behind the wait: `later` may have come to its end meanwhile.
    if (this.#ended) return this.verified(chunk, reader)
    this.#unchecked.set(chunk.sha256, { chunk, blob: kept })
    return kept
  }

  /** What was given out is what is hashed: another tab may have put a good chunk in the place of a bad one since. */
  readonly later: LaterCheck = {
    next: async (signal) => {
      throwIfCancelled(signal)
      const [first] = this.#unchecked.values()
      if (first === undefined) {
        this.#ended = true
        this.#idle = null
        return 'done'
      }
      const { chunk, blob } = first
      const reader = this.#idle ?? new BlobReader()
      this.#idle = null
      try {
        // Read again before a model is stopped for it: what failed in passing says nothing of the chunk.
        const intact = (await isIntact(blob, chunk, reader)) || (await isIntact(blob, chunk, reader))
        this.#unchecked.delete(chunk.sha256)
        this.#checked.add(chunk.sha256)
        if (intact) return 'good'
        await this.verified(chunk, reader)
        return 'mended'
      } finally {
        this.#idle = reader
      }
    },
  }

  /** By one tab at a time, so that none throws away what another has just fetched. */
  #mended(chunk: PlacedChunk, reader: BlobReader): Promise<Blob> {
    const { chunks, locks, stillThere, refetch, broken } = this.#source
    return locks.exclusive(`pictalk-mend:${chunk.sha256}`, async () => {
      const meanwhile = await chunks.get(chunk.sha256)
      if (meanwhile !== undefined && (await isIntact(meanwhile, chunk, reader))) return meanwhile
      // A chunk of a deleted model is not damaged, and nothing of it may come back.
      await stillThere()
      await chunks.remove([chunk.sha256])
      await refetch(chunk)
      const again = await chunks.get(chunk.sha256)
      if (again !== undefined && (await isIntact(again, chunk, reader))) return again
      await broken()
      throw new AppError(
        'corrupt',
        `${chunk.path} was damaged in this browser's storage; resume the download and only that part is fetched again.`,
      )
    })
  }
}

async function isIntact(blob: Blob, { bytes, sha256 }: PackChunk, reader: BlobReader): Promise<boolean> {
  if (blob.size !== bytes) return false
  // Null where the browser has lost the file behind the Blob. Hashing that fails says nothing of the chunk.
  const read = await reader.read(blob).catch(() => null)
  return read !== null && (await sha256Hex(read)) === sha256
}
