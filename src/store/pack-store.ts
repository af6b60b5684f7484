/**
 * The packs that this browser keeps. Chunks are Blobs under their SHA-256, so packs share what they have in common; a
 * record says which chunks a pack consists of. Order is what makes it safe: a chunk is verified before it is written,
 * a record says `complete` only after the last chunk, and a chunk goes only when no record names it. A crash at any
 * moment leaves a verified chunk or none. What was deleted stays deleted: a record is changed where it is, in one step,
 * and never written back by whoever read it before.
 */
import { BlobReader } from '../pack/blob-reader.ts'
import type { PackSink } from '../pack/bytes.ts'
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import {
  chunksOf,
  parseManifest,
  type PackChunk,
  type PackManifest,
  type PackReader,
} from '../pack/manifest.ts'
import { conversionSink } from './conversion-sink.ts'
import { KeptChunks } from './kept-chunks.ts'
import type { Locks } from './locks.ts'
import {
  deletedMeanwhile,
  distinctChunks,
  hashesOf,
  isWeights,
  isMadeAlike,
  packId,
  parsePartKey,
  type Origin,
  type PackRecord,
  type PlacedChunk,
  type StoreRecord,
} from './records.ts'
import type { Table } from './table.ts'

export interface StoreTables {
  chunks: Table<Blob>
  records: Table<StoreRecord>
  /** Beginnings of chunks, unverified: see `fetch-chunk.ts`. */
  parts: Table<Blob>
  locks: Locks
}

/** Where a chunk that is being fetched goes. */
export interface ChunkShelf {
  /** Beginnings of chunks, unverified. */
  parts: Table<Blob>
  /** Keeps a copy of a chunk. The caller has verified that `bytes` have this hash. */
  keep(sha256: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>
}

export interface OpenOptions {
  /** Puts a chunk into the store again. */
  refetch?: ((record: PackRecord, chunk: PlacedChunk) => Promise<void>) | undefined
  /**
   * Weights are given out as they were kept, verified at that time, and hashed again by the reader's `later`. Whoever asks
   * for it calls that until it is done.
   */
  later?: boolean | undefined
  /** Bytes of a chunk that was given out. */
  onBytes?: ((bytes: number) => void) | undefined
  signal?: AbortSignal | undefined
}

/** A pack all of whose chunks are here. */
type WholePack = Omit<PackRecord, 'complete' | 'addedAt'>

/** Held while a chunk and the record that names it are written, so that `sweep` does not come in between. */
export const STORE_LOCK = 'pictalk-store'

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
    let begun: PackRecord | undefined
    await this.#records.update(id, (present) => {
      const whole = present?.kind === 'pack' && present.complete
      const addedAt = present?.addedAt ?? Date.now()
      begun = whole ? present : { kind: 'pack', id, origin, manifest: manifestText, complete: false, addedAt }
      return whole ? undefined : begun
    })
    if (begun === undefined) throw new AppError('bug', 'A record was begun and is not there.')
    return begun
  }

  /** The distinct chunks of a pack that are not here, and where in a pack each lies. */
  async missing(manifest: PackManifest): Promise<PlacedChunk[]> {
    const present = new Set(await this.chunks.keys())
    return distinctChunks(manifest).filter(({ sha256 }) => !present.has(sha256))
  }

  /** Where chunks of this record go while it is there; `keep` throws `not-found` once it was deleted. */
  shelf(id: string): ChunkShelf {
    return {
      parts: this.parts,
      keep: (sha256, bytes) =>
        this.#locks.shared(STORE_LOCK, async () => {
          await this.#stillThere(id)
          await this.chunks.set(sha256, new Blob([bytes]))
        }),
    }
  }

  /** Declares a pack whole; older versions from the same place go. Throws `not-found` when it was deleted meanwhile. */
  complete(record: PackRecord): Promise<void> {
    const { kind, id, origin, manifest, extras } = record
    return this.#becomeWhole({ kind, id, origin, manifest, ...(extras && { extras }) }, id)
  }

  /** The same for what was converted here, whose chunks the record `conversionId` has named so far. */
  async #finish(
    conversionId: string,
    origin: Origin,
    manifestText: string,
    extras: Record<string, PackChunk>,
  ): Promise<void> {
    const id = await packId(manifestText)
    await this.#becomeWhole({ kind: 'pack', id, origin, manifest: manifestText, extras }, conversionId)
  }

  /** One step for the pack and for all that it takes the place of, so that a crash leaves either the one or the others. */
  async #becomeWhole(whole: WholePack, under: string): Promise<void> {
    await this.#stillThere(under)
    if ((await this.missing(parseManifest(whole.manifest))).length > 0)
      throw new AppError(
        'corrupt',
        'Parts of this model went missing from the storage of this browser; resume, and only they are fetched again.',
      )
    let replaced: string[] | undefined
    await this.#records.updateAll((all) => {
      if (!all.has(under)) return new Map()
      replaced = [...all.values()]
        .filter((one) => one.id === under || isOlder(one, whole))
        .map(({ id }) => id)
      const gone = replaced.map((id) => [id, undefined] as const)
      const present = all.get(whole.id)
      const addedAt = present?.addedAt ?? Date.now()
      const kept = { ...(present?.kind === 'pack' && present), ...whole, complete: true, addedAt }
      return new Map<string, StoreRecord | undefined>([...gone, [whole.id, kept]])
    })
    if (replaced === undefined) throw deletedMeanwhile()
    if (replaced.some((id) => id !== whole.id)) await this.sweep()
  }

  /** Changes a pack's record where it is. Throws `not-found` when it is not there any more. */
  async #change(id: string, to: (record: PackRecord) => PackRecord): Promise<void> {
    const changed = await this.#records.update(id, (present) =>
      present?.kind === 'pack' ? to(present) : undefined,
    )
    if (changed === undefined) throw deletedMeanwhile()
  }

  async #stillThere(id: string): Promise<void> {
    if ((await this.#records.get(id)) === undefined) throw deletedMeanwhile()
  }

  /** Deletes a record and the chunks that no other record names. Gives the bytes that became free. */
  async remove(id: string): Promise<number> {
    return this.#locks.exclusive(STORE_LOCK, async () => {
      await this.#records.remove([id])
      return this.#dropUnnamed()
    })
  }

  /** Deletes what crashes leave behind: chunks that no record names, beginnings of chunks that are whole. */
  async sweep(): Promise<number> {
    return this.#locks.exclusive(STORE_LOCK, () => this.#dropUnnamed())
  }

  async #dropUnnamed(): Promise<number> {
    const named = new Set((await this.#records.values()).flatMap(hashesOf))
    const kept = new Set(await this.chunks.keys())
    const unnamed = [...kept].filter((hash) => !named.has(hash))
    let freed = 0
    for (const hash of unnamed) freed += (await this.chunks.get(hash))?.size ?? 0
    await this.chunks.remove(unnamed)
    // Beginnings of chunks that are whole are left over from a crash between the chunk and its tidying up.
    const unwanted = (sha256: string): boolean => !named.has(sha256) || kept.has(sha256)
    await this.parts.remove((await this.parts.keys()).filter((key) => unwanted(parsePartKey(key).sha256)))
    return freed
  }

  /**
   * Opens a complete pack. `file` gives a Blob made of the stored chunks, which stay where they are: each is hashed on the
   * way, one at a time in memory, or with `later` those of weights are hashed when `later.next` is called. A chunk that
   * has gone bad is dropped and `refetch`, where there is one, gets it again. Throws `not-found` when the pack is not
   * there, or is deleted while it is read.
   */
  async open(id: string, options: OpenOptions = {}): Promise<PackReader> {
    const record = await this.#records.get(id)
    if (record?.kind !== 'pack' || !record.complete)
      throw new AppError('not-found', 'This model is not kept here any more; add it again.')
    const manifest = parseManifest(record.manifest)
    const kept = new KeptChunks({
      chunks: this.chunks,
      locks: this.#locks,
      stillThere: () => this.#stillThere(id),
      refetch: async (chunk) => options.refetch?.(record, chunk),
      broken: () => this.#change(id, (present) => ({ ...present, complete: false })),
    })
    return {
      manifest,
      ...(options.later === true && { later: kept.later }),
      file: async (path, signal = options.signal) => {
        const file = manifest.files.find((entry) => entry.path === path)
        if (file === undefined) throw new AppError('bad-pack', `This pack lacks ${path}. Add it again.`)
        const blobs: Blob[] = []
        // Of this call alone: another file may be asked for meanwhile.
        const reader = new BlobReader()
        for (const chunk of chunksOf(file)) {
          throwIfCancelled(signal)
          const trusted = options.later === true && isWeights(chunk)
          blobs.push(await (trusted ? kept.asKept(chunk, reader) : kept.verified(chunk, reader)))
          options.onBytes?.(chunk.bytes)
        }
        return new Blob(blobs)
      },
    }
  }

  /**
   * Where the converter writes. What it wrote is there again after a crash; committing makes it a kept pack. A pack that
   * was made here and has lost a chunk is offered to the converter as it is, so that only that chunk is made again.
   */
  sink(id: string, origin: Origin, name: string): Promise<PackSink> {
    return conversionSink(
      {
        records: this.#records,
        chunks: this.chunks,
        together: (work) => this.#locks.shared(STORE_LOCK, work),
        finish: (manifestText, extras) => this.#finish(id, origin, manifestText, extras),
      },
      { kind: 'conversion', id, origin, name, files: {}, addedAt: Date.now() },
    )
  }
}

/** Whether a record is of another version from the same place. */
function isOlder(record: StoreRecord, { id, origin }: WholePack): boolean {
  const { asked } = record.origin
  const same = asked !== null && asked === origin.asked && isMadeAlike(record.origin, origin)
  return record.kind === 'pack' && record.id !== id && same
}
