/** How far a download is: adds up what its lanes report. */
import { chunksOf, type PackManifest } from '../pack/manifest.ts'
import type { Network } from '../remote/network.ts'
import type { Delay } from '../remote/retry.ts'
import type { ChunkMeter } from './fetch-chunk.ts'
import { Pace } from './pace.ts'
import type { PlacedChunk } from './records.ts'

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
  delay: Delay | null
}

export class DownloadMeter implements ChunkMeter {
  readonly #network: Network
  readonly #onProgress: ((progress: DownloadProgress) => void) | undefined
  readonly #pace: Pace
  readonly #parts = new Map<string, PartProgress>()
  /** File of each chunk, and how much of it is there. */
  readonly #chunks = new Map<string, { files: string[]; done: number }>()
  #delay: Delay | null = null
  #lastReport = -Infinity
  /** The next report, where something has come too soon behind the last one. */
  #soon: ReturnType<typeof setTimeout> | undefined

  constructor(
    manifest: PackManifest,
    missing: readonly PlacedChunk[],
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

  set({ sha256 }: PlacedChunk, done: number): void {
    this.#note(sha256, done)
    this.#delay = null
    const ms = REPORT_MS - (this.#network.now() - this.#lastReport)
    if (ms <= 0) this.report()
    // A server may have stopped sending by then: what came before is told of all the same.
    else this.#soon ??= setTimeout(() => this.report(), ms)
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

  delay(delay: Delay | null): void {
    this.#delay = delay
    if (delay === null) this.#pace.restart()
    this.report()
  }

  report(): void {
    clearTimeout(this.#soon)
    this.#soon = undefined
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
      delay: this.#delay,
    })
  }
}
