/**
 * Fetches what a pack lacks into the store, several chunks at once. A chunk counts only once its SHA-256 is right; until
 * then its beginning lies among the `parts`, so that a cut, a pause or a crash costs little and a verified chunk is
 * never fetched again.
 */
import { sha256Hex } from '../pack/bytes.ts'
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import { chunksOf, parseManifest, type PackManifest } from '../pack/manifest.ts'
import type { Network } from '../remote/network.ts'
import { TemporaryError, withRetries, type Waiting } from '../remote/retry.ts'
import { Pace } from './pace.ts'
import { parsePartKey, partKey, type PackRecord, type PackStore } from './pack-store.ts'
import type { PackSource } from './pack-source.ts'

/** Chunks under way at once: enough to fill a line with latency, few enough for memory (32 MiB each at most). */
const LANES = 4
/** A crash costs at most this much of each chunk under way; a pause costs nothing. */
const PART_BYTES = 8 * 2 ** 20
/** A progress event at most this often, in milliseconds. */
const REPORT_MS = 100

export interface PartProgress {
  /** The pack's file. */
  path: string
  doneBytes: number
  totalBytes: number
}

export interface DownloadProgress {
  /** Verified bytes and those under way. */
  doneBytes: number
  totalBytes: number
  /** Null while unknown. */
  bytesPerSecond: number | null
  secondsLeft: number | null
  parts: PartProgress[]
  /** Why nothing arrives just now; null when something does. */
  waiting: Waiting | null
}

export interface DownloadOptions {
  network: Network
  signal: AbortSignal
  onProgress?: ((progress: DownloadProgress) => void) | undefined
}

interface Chunk {
  path: string
  bytes: number
  sha256: string
}

/** Fetches the missing chunks of a begun pack and declares it complete. What has arrived stays, however it ends. */
export async function downloadPack(
  store: PackStore,
  record: PackRecord,
  source: PackSource,
  { network, signal, onProgress }: DownloadOptions,
): Promise<void> {
  const manifest = parseManifest(record.manifest)
  const missing = await store.missing(manifest)
  const meter = new Meter(manifest, missing, network, onProgress)
  for (const { sha256, start, end } of (await store.parts.keys()).map(parsePartKey))
    meter.begin(sha256, end - start)
  meter.report()
  const stop = new AbortController()
  const onAbort = (): void => stop.abort()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) stop.abort()
  let first: unknown
  const lane = async (): Promise<void> => {
    for (let chunk = missing.shift(); chunk !== undefined; chunk = missing.shift()) {
      try {
        await fetchChunk(store, chunk, source, { network, signal: stop.signal, meter })
      } catch (error) {
        first ??= error
        // The others put aside what they have and end, too.
        stop.abort()
        return
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  signal.removeEventListener('abort', onAbort)
  meter.report()
  throwIfCancelled(signal)
  if (first !== undefined) throw first instanceof Error ? first : new Error('Not an error', { cause: first })
  await store.complete(record)
}

interface ChunkOptions {
  network: Network
  signal: AbortSignal
  meter: Pick<Meter, 'set' | 'wait'>
}

/** Fetches one chunk, from where a former attempt ended, and keeps it once its hash is right. */
export async function fetchChunk(
  store: PackStore,
  chunk: Chunk,
  source: PackSource,
  { network, signal, meter }: ChunkOptions,
): Promise<void> {
  const beginning = await Beginning.open(store, chunk, meter)
  // Bytes that differ may have been garbled on the way, or be of two versions; fetched whole, they must be right.
  for (let attempt = 1; ; attempt += 1) {
    try {
      await withRetries(network, () => fill(beginning, source, signal), {
        signal,
        progress: () => beginning.received,
        onWaiting: (waiting) => meter.wait(waiting),
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
  await store.keep(chunk.sha256, beginning.bytes)
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

/** What there is of a chunk so far: in memory, and in the store's `parts` for the next time. */
class Beginning {
  readonly chunk: Chunk
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Bytes present. */
  end = 0
  /** Bytes that ever arrived: only grows. */
  received = 0
  /** Of the file that the bytes come from. */
  etag: string | null = null
  readonly #store: PackStore
  readonly #meter: Pick<Meter, 'set'>
  /** Bytes that lie in the store. */
  #aside = 0
  #keys: string[] = []

  private constructor(store: PackStore, chunk: Chunk, meter: Pick<Meter, 'set'>) {
    this.#store = store
    this.chunk = chunk
    this.#meter = meter
    this.bytes = new Uint8Array(chunk.bytes)
  }

  static async open(store: PackStore, chunk: Chunk, meter: Pick<Meter, 'set'>): Promise<Beginning> {
    const beginning = new Beginning(store, chunk, meter)
    await beginning.#restore()
    return beginning
  }

  async #restore(): Promise<void> {
    const { sha256 } = this.chunk
    this.#keys = (await this.#store.parts.keys()).filter((key) => parsePartKey(key).sha256 === sha256)
    for (const key of this.#keys.sort()) {
      const { start, end } = parsePartKey(key)
      const blob = await this.#store.parts.get(key)
      // What lies behind a hole cannot be used.
      if (start !== this.end || end > this.chunk.bytes || blob?.size !== end - start) break
      this.bytes.set(new Uint8Array(await blob.arrayBuffer()), start)
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
    if (this.end - this.#aside >= PART_BYTES && this.end < this.chunk.bytes) await this.putAside()
  }

  /** Writes what arrived since the last time to the store. Failing to is no failure: it only costs time later. */
  async putAside(): Promise<void> {
    if (this.end === this.#aside) return
    const key = partKey(this.chunk.sha256, this.#aside, this.end)
    const part = new Blob([this.bytes.subarray(this.#aside, this.end)])
    try {
      await this.#store.parts.set(key, part)
    } catch {
      return
    }
    this.#keys.push(key)
    this.#aside = this.end
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
    await this.#store.parts.remove(this.#keys)
    this.#keys = []
    this.#aside = 0
  }
}

/** Adds up what the lanes report. */
class Meter {
  readonly #network: Network
  readonly #onProgress: ((progress: DownloadProgress) => void) | undefined
  readonly #pace: Pace
  readonly #parts = new Map<string, PartProgress>()
  /** File of each chunk, and how much of it is there. */
  readonly #chunks = new Map<string, { files: string[]; done: number }>()
  #waiting: Waiting | null = null
  #lastReport = -Infinity

  constructor(
    manifest: PackManifest,
    missing: readonly Chunk[],
    network: Network,
    onProgress: ((progress: DownloadProgress) => void) | undefined,
  ) {
    this.#network = network
    this.#onProgress = onProgress
    this.#pace = new Pace(() => network.now())
    const absent = new Set(missing.map(({ sha256 }) => sha256))
    for (const file of manifest.files) {
      const part = { path: file.path, doneBytes: 0, totalBytes: file.bytes }
      this.#parts.set(file.path, part)
      for (const { sha256, bytes } of chunksOf(file)) {
        const chunk = this.#chunks.get(sha256) ?? { files: [], done: 0 }
        chunk.files.push(file.path)
        this.#chunks.set(sha256, chunk)
        if (!absent.has(sha256)) part.doneBytes += bytes
      }
    }
  }

  /** Counts what a former attempt has put aside. */
  begin(sha256: string, bytes: number): void {
    const done = this.#chunks.get(sha256)?.done ?? 0
    this.#note(sha256, done + bytes)
  }

  set({ sha256 }: Chunk, done: number): void {
    this.#note(sha256, done)
    this.#waiting = null
    if (this.#network.now() - this.#lastReport >= REPORT_MS) this.report()
  }

  #note(sha256: string, done: number): void {
    const chunk = this.#chunks.get(sha256)
    if (chunk === undefined) return
    for (const path of chunk.files) {
      const part = this.#parts.get(path)
      if (part !== undefined) part.doneBytes += done - chunk.done
    }
    chunk.done = done
  }

  wait(waiting: Waiting | null): void {
    this.#waiting = waiting
    if (waiting === null) this.#pace.restart()
    this.report()
  }

  report(): void {
    this.#lastReport = this.#network.now()
    const parts = [...this.#parts.values()].map((part) => ({ ...part }))
    const doneBytes = parts.reduce((sum, part) => sum + part.doneBytes, 0)
    const totalBytes = parts.reduce((sum, part) => sum + part.totalBytes, 0)
    this.#pace.note(doneBytes)
    this.#onProgress?.({
      doneBytes,
      totalBytes,
      bytesPerSecond: this.#pace.bytesPerSecond(),
      secondsLeft: this.#pace.secondsLeft(totalBytes - doneBytes),
      parts,
      waiting: this.#waiting,
    })
  }
}
