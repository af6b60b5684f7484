/** Where the converter writes within the store: a record that grows file by file, and becomes a pack when it is whole. */
import { sha256Hex, type PackSink } from '../pack/bytes.ts'
import { MANIFEST_PATH, parseManifest, type PackChunk } from '../pack/manifest.ts'
import {
  chunksByPath,
  deletedMeanwhile,
  isMadeAlike,
  manifestOf,
  type ConversionRecord,
  type StoreRecord,
} from './records.ts'
import type { Table } from './table.ts'

/** What of the store a conversion needs. */
export interface ConversionStore {
  records: Table<StoreRecord>
  chunks: Table<Blob>
  /** Writes chunk and record together: nothing is swept in between. */
  together<T>(work: () => Promise<T>): Promise<T>
  /** Puts the whole pack in the place of the record. `extras`: what was written besides it, by path. */
  finish(manifestText: string, extras: Record<string, PackChunk>): Promise<void>
}

/** Goes on with the record of `fresh.id` where there is one. Its calls throw `not-found` once that was deleted. */
export async function conversionSink(store: ConversionStore, fresh: ConversionRecord): Promise<PackSink> {
  const { id } = fresh
  const former = await store.records.get(id)
  // There is no record before the first file.
  let begun = former !== undefined
  let files: Record<string, PackChunk> =
    former?.kind === 'conversion' ? former.files : await filesOfBroken(store.records, fresh)

  async function note(changed: Record<string, PackChunk>): Promise<void> {
    const written = await store.records.update(id, (present) => {
      if (present === undefined && begun) return undefined
      return { ...(present?.kind === 'conversion' ? present : fresh), files: changed }
    })
    if (written === undefined) throw deletedMeanwhile()
    begun = true
    files = changed
  }

  async function commit(manifestText: string): Promise<void> {
    const own = chunksByPath(parseManifest(manifestText))
    const extras = Object.entries(files).filter(([path]) => own[path] === undefined)
    await store.finish(manifestText, Object.fromEntries(extras))
  }

  return {
    read: async (path) => {
      const file = files[path]
      const blob = file && (await store.chunks.get(file.sha256))
      return blob && new Uint8Array(await blob.arrayBuffer())
    },
    write: async (path, bytes, known) => {
      if (path === MANIFEST_PATH) return commit(new TextDecoder().decode(bytes))
      const sha256 = known ?? (await sha256Hex(bytes))
      return store.together(async () => {
        await store.chunks.set(sha256, new Blob([bytes]))
        await note({ ...files, [path]: { bytes: bytes.length, sha256 } })
      })
    },
    remove: async (path) => {
      if (files[path] === undefined) return
      files = Object.fromEntries(Object.entries(files).filter(([key]) => key !== path))
      // After the commit there is no such record any more, and none must come back.
      await store.records.update(id, (present) =>
        present?.kind === 'conversion' ? { ...present, files } : undefined,
      )
    },
  }
}

/** The files of a pack of the same origin that was made here and is not whole any more; none where there is none. */
async function filesOfBroken(
  records: Table<StoreRecord>,
  { origin, name }: ConversionRecord,
): Promise<Record<string, PackChunk>> {
  const all = (await records.values()).sort((a, b) => a.addedAt - b.addedAt)
  for (const record of all) {
    if (record.kind !== 'pack' || record.complete) continue
    const same = record.origin.address === origin.address && isMadeAlike(record.origin, origin)
    if (!same) continue
    const manifest = manifestOf(record)
    if (manifest !== null && (origin.address !== null || manifest.name === name))
      return { ...chunksByPath(manifest), ...record.extras }
  }
  return {}
}
