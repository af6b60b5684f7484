/**
 * Fetches one chunk. It counts only once its SHA-256 is right; until then its beginning lies among the `parts`, so that
 * a cut, a pause or a crash costs little.
 */
import { sha256Hex } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import type { Network } from '../remote/network.ts'
import { TemporaryError, withRetries, type Delay } from '../remote/retry.ts'
import type { PackSource } from './pack-source.ts'
import type { ChunkShelf } from './pack-store.ts'
import { parsePartKey, partKey, type PlacedChunk } from './records.ts'
import type { Table } from './table.ts'

/**
 * A crash costs at most this much of each chunk under way, or what comes in `PART_MS`; a pause costs nothing. On a fast line
 * a chunk is whole before then, and none of its bytes is written twice.
 */
const PART_BYTES = 8 * 2 ** 20
const PART_MS = 2_000

/** Hears how far a chunk is, and why nothing arrives just now. */
export interface ChunkMeter {
  set(chunk: PlacedChunk, doneBytes: number): void
  delay(delay: Delay | null): void
}

/** For whoever does not show it. */
export const NO_METER: ChunkMeter = { set: () => undefined, delay: () => undefined }

export interface ChunkOptions {
  network: Network
  signal: AbortSignal
  meter: ChunkMeter
  /** Where it is put together, as long as it has bytes; left out: in memory of its own. */
  memory?: Uint8Array<ArrayBuffer> | undefined
}

/** Fetches one chunk, from where a former attempt ended, and keeps it once its hash is right. Throws `corrupt` and what requests throw. */
export async function fetchChunk(
  shelf: ChunkShelf,
  chunk: PlacedChunk,
  source: PackSource,
  { network, signal, meter, memory }: ChunkOptions,
): Promise<void> {
  const beginning = await Beginning.open(shelf.parts, chunk, { meter, memory, now: () => network.now() })
  // Bytes that differ may have been garbled on the way, or be of two versions; fetched whole, they must be right.
  for (let attempt = 1; ; attempt += 1) {
    try {
      await withRetries(network, () => fill(beginning, source, signal), {
        signal,
        progress: () => beginning.received,
        onDelay: (delay) => meter.delay(delay),
      })
    } catch (error) {
      await beginning.putAside()
      throw error
    }
    if ((await sha256Hex(beginning.bytes)) === chunk.sha256) break
    await beginning.forget()
    if (attempt === 2) {
      throw new AppError(
        'corrupt',
        `${chunk.path} is damaged on the server: it is not what the pack's manifest promises; ask whoever offers it.`,
      )
    }
  }
  await shelf.keep(chunk.sha256, beginning.bytes)
  await beginning.clear()
}

/** One request, read into the chunk as far as it goes. */
async function fill(beginning: Beginning, source: PackSource, signal: AbortSignal): Promise<void> {
  const { path, bytes } = beginning.chunk
  if (beginning.end === bytes) return
  const { start, etag, pieces, cancel } = await source.stream(path, beginning.end, signal)
  const another = etag !== null && beginning.etag !== null && etag !== beginning.etag
  if (start !== beginning.end || another) await beginning.forget()
  if (start === 0) beginning.etag = etag
  // The rest of another version is of no use; the next request begins at the beginning.
  if (start !== beginning.end) {
    cancel()
    throw new TemporaryError('upstream-changed', `${path} was replaced on the server; it is fetched anew.`)
  }
  for await (const piece of pieces) await beginning.append(piece)
  if (beginning.end < bytes)
    throw new TemporaryError('network', 'The download broke off; check the connection and resume it.')
}

interface BeginningOptions {
  meter: ChunkMeter
  memory: Uint8Array<ArrayBuffer> | undefined
  now: () => number
}

/** What there is of a chunk so far: in memory, and in the store's `parts` for the next time. */
class Beginning {
  readonly chunk: PlacedChunk
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Bytes present. */
  end = 0
  /** Bytes that ever arrived: only grows. */
  received = 0
  /** Of the file that the bytes come from. */
  etag: string | null = null
  readonly #parts: Table<Blob>
  readonly #meter: ChunkMeter
  readonly #now: () => number
  /** Bytes that lie in the store, and since when. */
  #aside = 0
  #asideAt: number
  #keys: string[] = []

  private constructor(parts: Table<Blob>, chunk: PlacedChunk, { meter, memory, now }: BeginningOptions) {
    this.#parts = parts
    this.chunk = chunk
    this.#meter = meter
    this.#now = now
    this.#asideAt = now()
    this.bytes = memory ?? new Uint8Array(chunk.bytes)
  }

  static async open(parts: Table<Blob>, chunk: PlacedChunk, options: BeginningOptions): Promise<Beginning> {
    const beginning = new Beginning(parts, chunk, options)
    await beginning.#restore()
    return beginning
  }

  async #restore(): Promise<void> {
    const { sha256 } = this.chunk
    this.#keys = (await this.#parts.keys()).filter((key) => parsePartKey(key).sha256 === sha256)
    for (const key of this.#keys.sort()) {
      const { start, end } = parsePartKey(key)
      const blob = await this.#parts.get(key)
      // What lies behind a hole cannot be used.
      if (start !== this.end || end > this.chunk.bytes || blob?.size !== end - start) break
      // After a power cut the browser may know of a Blob whose file it has lost.
      const part = await blob.arrayBuffer().catch(() => undefined)
      if (part === undefined) break
      this.bytes.set(new Uint8Array(part), start)
      this.end = end
    }
    this.#aside = this.end
    this.#meter.set(this.chunk, this.end)
  }

  async append(piece: Uint8Array): Promise<void> {
    if (this.end + piece.length > this.chunk.bytes) {
      throw new AppError(
        'bad-response',
        `The server sends more of ${this.chunk.path} than the pack's manifest says; ask whoever offers it.`,
      )
    }
    this.bytes.set(piece, this.end)
    this.end += piece.length
    this.received += piece.length
    this.#meter.set(this.chunk, this.end)
    if (this.end === this.chunk.bytes || this.end - this.#aside < PART_BYTES) return
    if (this.#now() - this.#asideAt >= PART_MS) await this.putAside()
  }

  /** Writes what arrived since the last time to the store. Failing to is no failure: it only costs time later. */
  async putAside(): Promise<void> {
    if (this.end === this.#aside) return
    const key = partKey(this.chunk.sha256, this.#aside, this.end)
    const part = new Blob([this.bytes.subarray(this.#aside, this.end)])
    try {
      await this.#parts.set(key, part)
    } catch {
      return
    }
    this.#keys.push(key)
    this.#aside = this.end
    this.#asideAt = this.#now()
  }

  /** Drops everything: it was not the chunk's beginning. */
  async forget(): Promise<void> {
    await this.clear()
    this.end = 0
    this.etag = null
    this.#meter.set(this.chunk, 0)
  }

  /** Drops what lies in the store. */
  async clear(): Promise<void> {
    await this.#parts.remove(this.#keys)
    this.#keys = []
    this.#aside = 0
  }
}
