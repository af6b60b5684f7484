/**
 * The packs that this browser keeps. Chunks are Blobs under their SHA-256, so packs share what they have in common; a
 * record says which chunks a pack consists of. Order is what makes it safe: a chunk is verified before it is written,
 * a record says `complete` only after the last chunk, and a chunk goes only when no record names it. A crash at any
 * moment leaves a verified chunk or none.
 */
import { BlobReader } from '../pack/blob-reader.ts'
import { sha256Hex, type PackSink } from '../pack/bytes.ts'
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import {
  chunksOf,
  MANIFEST_PATH,
  parseManifest,
  type PackChunk,
  type PackManifest,
  type PackReader,
  type Precision,
} from '../pack/manifest.ts'
import type { Locks } from './locks.ts'
import type { Table } from './table.ts'

/** Where a pack came from, enough to fetch it or a part of it again. */
export interface Origin {
  /** As in `remote/address.ts`, pinned to what was read; null for files of this computer. */
  address: string | null
  /** Where the files lie, ending in `/`; null for files of this computer. */
  base: string | null
  /** What the person gave: not pinned, for noticing a new version. */
  asked: string | null
  /** The precision that a checkpoint was converted to here; null for what was a pack already. */
  converted: Precision | null
}

/** A pack, whole or on the way. */
export interface PackRecord {
  kind: 'pack'
  id: string
  origin: Origin
  /** `pack.json` to the byte, so that a copy of the pack is the pack. */
  manifest: string
  complete: boolean
  addedAt: number
  /** What the converter wrote besides the pack, for a repair; by path. */
  extras?: Record<string, PackChunk>
}

/** What an unfinished conversion has written so far. */
export interface ConversionRecord {
  kind: 'conversion'
  id: string
  origin: Origin
  name: string
  files: Record<string, PackChunk>
  addedAt: number
}

export type StoreRecord = PackRecord | ConversionRecord

export interface StoreTables {
  chunks: Table<Blob>
  records: Table<StoreRecord>
  /** Beginnings of chunks, unverified: see `download.ts`. */
  parts: Table<Blob>
  locks: Locks
}

/** Held while a chunk and the record that names it are written, so that `sweep` does not come in between. */
const STORE_LOCK = 'pictalk-store'

export class PackStore {
  readonly chunks: Table<Blob>
  readonly parts: Table<Blob>
  readonly #records: Table<StoreRecord>
  readonly #locks: Locks

  constructor({ chunks, records, parts, locks }: StoreTables) {
    this.chunks = chunks
    this.parts = parts
    this.#records = records
    this.#locks = locks
  }

  /** All records, oldest first. */
  async list(): Promise<StoreRecord[]> {
    return (await this.#records.values()).sort((a, b) => a.addedAt - b.addedAt)
  }

  get(id: string): Promise<StoreRecord | undefined> {
    return this.#records.get(id)
  }

  /** Writes down that a pack is to be fetched. From here on its chunks are not swept. */
  async begin(manifestText: string, origin: Origin): Promise<PackRecord> {
    parseManifest(manifestText)
    const id = await packId(manifestText)
    const former = await this.#records.get(id)
    if (former?.kind === 'pack' && former.complete) return former
    const addedAt = former?.addedAt ?? Date.now()
    const record: PackRecord = { kind: 'pack', id, origin, manifest: manifestText, complete: false, addedAt }
    await this.#records.set(id, record)
    return record
  }

  /** The distinct chunks of a pack that are not here, and where in a pack each lies. */
  async missing(manifest: PackManifest): Promise<{ path: string; bytes: number; sha256: string }[]> {
    const present = new Set(await this.chunks.keys())
    return distinctChunks(manifest).filter(({ sha256 }) => !present.has(sha256))
  }

  /** Keeps a chunk. The caller has verified that `bytes` have this hash. */
  async keep(sha256: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#locks.shared(STORE_LOCK, () => this.chunks.set(sha256, new Blob([bytes])))
  }

  /** Declares a pack whole; older versions from the same place go. */
  async complete(record: PackRecord): Promise<void> {
    if ((await this.missing(parseManifest(record.manifest))).length > 0)
      throw new AppError('bug', 'A pack was declared complete before its chunks were there.')
    await this.#records.set(record.id, { ...record, complete: true })
    const { asked, converted } = record.origin
    if (asked === null) return
    for (const other of await this.list()) {
      if (other.id === record.id || other.kind !== 'pack') continue
      if (other.origin.asked === asked && other.origin.converted === converted) await this.remove(other.id)
    }
  }

  /** Deletes a record and the chunks that no other record names. Gives the bytes that became free. */
  async remove(id: string): Promise<number> {
    return this.#locks.exclusive(STORE_LOCK, async () => {
      await this.#records.remove([id])
      return this.#dropUnnamed()
    })
  }

  /** Deletes chunks that no record names: what a crash between a chunk and its record leaves behind. */
  async sweep(): Promise<number> {
    return this.#locks.exclusive(STORE_LOCK, () => this.#dropUnnamed())
  }

  async #dropUnnamed(): Promise<number> {
    const named = new Set((await this.#records.values()).flatMap(hashesOf))
    const unnamed = (await this.chunks.keys()).filter((hash) => !named.has(hash))
    let freed = 0
    for (const hash of unnamed) freed += (await this.chunks.get(hash))?.size ?? 0
    await this.chunks.remove(unnamed)
    await this.parts.remove((await this.parts.keys()).filter((key) => !named.has(parsePartKey(key).sha256)))
    return freed
  }

  /**
   * Opens a complete pack. `file` hashes every chunk on the way and gives a Blob made of the stored ones, which stay
   * where they are: one chunk at a time is in memory. A chunk that has gone bad is dropped and `refetch`, where there
   * is one, gets it again.
   */
  async open(id: string, { refetch, onBytes, signal }: OpenOptions = {}): Promise<PackReader> {
    const record = await this.#records.get(id)
    if (record?.kind !== 'pack' || !record.complete)
      throw new AppError('not-found', 'This model is not kept here any more; add it again.')
    const manifest = parseManifest(record.manifest)
    return {
      manifest,
      file: async (path, fileSignal) => {
        const file = manifest.files.find((entry) => entry.path === path)
        if (file === undefined) throw new AppError('bad-pack', `This pack lacks ${path}. Add it again.`)
        const blobs: Blob[] = []
        const reader = new BlobReader()
        for (const chunk of chunksOf(file)) {
          throwIfCancelled(fileSignal ?? signal)
          blobs.push(await this.#verified(record, chunk, { refetch, reader }))
          onBytes?.(chunk.bytes)
        }
        return new Blob(blobs)
      },
    }
  }

  async #verified(
    record: PackRecord,
    chunk: { path: string; bytes: number; sha256: string },
    { refetch, reader }: { refetch: OpenOptions['refetch']; reader: BlobReader },
  ): Promise<Blob> {
    const kept = await this.chunks.get(chunk.sha256)
    if (kept !== undefined && (await isIntact(kept, chunk, reader))) return kept
    await this.chunks.remove([chunk.sha256])
    await refetch?.(record, chunk)
    const again = await this.chunks.get(chunk.sha256)
    if (again !== undefined && (await isIntact(again, chunk, reader))) return again
    await this.#records.set(record.id, { ...record, complete: false })
    throw new AppError(
      'corrupt',
      `${chunk.path} was damaged in this browser's storage; resume the download and only that part is fetched again.`,
    )
  }

  /**
   * Where the converter writes. What it wrote is there again after a crash; committing makes it a kept pack. A pack that
   * was made here and has lost a chunk is offered to the converter as it is, so that only that chunk is made again.
   */
  async sink(id: string, origin: Origin, name: string): Promise<PackSink> {
    const former = await this.#records.get(id)
    const broken = former === undefined ? await this.#broken(origin, name) : undefined
    const files = broken && { ...filesOf(parseManifest(broken.manifest)), ...broken.extras }
    const record: ConversionRecord =
      former?.kind === 'conversion'
        ? former
        : { kind: 'conversion', id, origin, name, files: files ?? {}, addedAt: Date.now() }
    return {
      read: async (path) => {
        const file = record.files[path]
        const blob = file && (await this.chunks.get(file.sha256))
        return blob && new Uint8Array(await blob.arrayBuffer())
      },
      write: async (path, bytes) => {
        if (path === MANIFEST_PATH) {
          await this.#commit(record, new TextDecoder().decode(bytes))
          return
        }
        const sha256 = await sha256Hex(bytes)
        await this.#locks.shared(STORE_LOCK, async () => {
          await this.chunks.set(sha256, new Blob([bytes]))
          record.files[path] = { bytes: bytes.length, sha256 }
          await this.#records.set(id, record)
        })
      },
      remove: async (path) => {
        if (record.files[path] === undefined) return
        record.files = Object.fromEntries(Object.entries(record.files).filter(([key]) => key !== path))
        // After the commit there is no such record any more, and none must come back.
        if ((await this.#records.get(id)) !== undefined) await this.#records.set(id, record)
      },
    }
  }

  /** A pack of the same origin that was made here and is not whole any more. */
  async #broken(origin: Origin, name: string): Promise<PackRecord | undefined> {
    for (const record of await this.list()) {
      if (record.kind !== 'pack' || record.complete) continue
      const same = record.origin.address === origin.address && record.origin.converted === origin.converted
      if (same && (origin.address !== null || parseManifest(record.manifest).name === name)) return record
    }
    return undefined
  }

  async #commit(conversion: ConversionRecord, manifestText: string): Promise<void> {
    const record = await this.begin(manifestText, conversion.origin)
    const own = filesOf(parseManifest(manifestText))
    const extras = Object.entries(conversion.files).filter(([path]) => own[path] === undefined)
    await this.complete({ ...record, extras: Object.fromEntries(extras) })
    await this.remove(conversion.id)
  }
}

export interface OpenOptions {
  /** Puts a chunk into the store again. */
  refetch?:
    | ((record: PackRecord, chunk: { path: string; bytes: number; sha256: string }) => Promise<void>)
    | undefined
  /** Bytes of a chunk that was verified. */
  onBytes?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** A pack is its manifest: the same manifest, the same pack. */
export function packId(manifestText: string): Promise<string> {
  return sha256Hex(new TextEncoder().encode(manifestText))
}

/** Every chunk once, though files of a pack may share some. */
export function distinctChunks(manifest: PackManifest): { path: string; bytes: number; sha256: string }[] {
  const chunks = new Map(manifest.files.flatMap(chunksOf).map((chunk) => [chunk.sha256, chunk]))
  return [...chunks.values()]
}

function filesOf(manifest: PackManifest): Record<string, PackChunk> {
  const chunks = manifest.files.flatMap(chunksOf)
  return Object.fromEntries(chunks.map(({ path, bytes, sha256 }) => [path, { bytes, sha256 }]))
}

/** Key of the bytes `start` to `end` of a chunk; keys of one chunk sort by where they begin. */
export function partKey(sha256: string, start: number, end: number): string {
  return [sha256, ...[start, end].map((n) => String(n).padStart(10, '0'))].join('.')
}

/** The same key, read. */
export function parsePartKey(key: string): { sha256: string; start: number; end: number } {
  const [sha256 = '', start, end] = key.split('.')
  return { sha256, start: Number(start), end: Number(end) }
}

function hashesOf(record: StoreRecord): string[] {
  if (record.kind === 'conversion') return Object.values(record.files).map(({ sha256 }) => sha256)
  const own = parseManifest(record.manifest).files.flatMap(({ chunks }) => chunks)
  return [...own, ...Object.values(record.extras ?? {})].map(({ sha256 }) => sha256)
}

async function isIntact(blob: Blob, { bytes, sha256 }: PackChunk, reader: BlobReader): Promise<boolean> {
  if (blob.size !== bytes) return false
  try {
    return (await sha256Hex(await reader.read(blob))) === sha256
  } catch {
    // The browser has lost the file behind the Blob.
    return false
  }
}
