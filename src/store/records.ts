/** What the store writes down about each pack: which chunks it consists of, and where it came from. */
import { sha256Hex } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import {
  chunksOf,
  parseManifest,
  type PackChunk,
  type PackManifest,
  type Precision,
} from '../pack/manifest.ts'

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
  /** Side of the pictures that it was converted for; absent where that is what the checkpoint was trained on. */
  imageSize?: number
}

/** Whether two packs were made alike, or were packs already. */
export function isMadeAlike(a: Origin, b: Origin): boolean {
  return a.converted === b.converted && a.imageSize === b.imageSize
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

/** A chunk and its path within the pack. */
export interface PlacedChunk extends PackChunk {
  path: string
}

/** Whether a chunk is of a weights file (see `weightsPath`): nearly all bytes of a pack, and the last to be fetched. */
export function isWeights({ path }: PlacedChunk): boolean {
  return /\.weights(\.\d+)?$/.test(path)
}

/** The manifest of a kept pack; null for one that was taken once and is refused by now. */
export function manifestOf({ manifest }: PackRecord): PackManifest | null {
  try {
    return parseManifest(manifest)
  } catch {
    return null
  }
}

/** A pack is its manifest: the same manifest, the same pack. */
export function packId(manifestText: string): Promise<string> {
  return sha256Hex(new TextEncoder().encode(manifestText))
}

/** Every chunk once, though files of a pack may share some. */
export function distinctChunks(manifest: PackManifest): PlacedChunk[] {
  const chunks = new Map(manifest.files.flatMap(chunksOf).map((chunk) => [chunk.sha256, chunk]))
  return [...chunks.values()]
}

/** The chunks of a pack by their paths. */
export function chunksByPath(manifest: PackManifest): Record<string, PackChunk> {
  const chunks = manifest.files.flatMap(chunksOf)
  return Object.fromEntries(chunks.map(({ path, bytes, sha256 }) => [path, { bytes, sha256 }]))
}

/**
 * The hashes of all chunks that a record names. Those of a manifest are found in its text: a manifest that is refused by
 * now must not keep other packs from being swept, and a hash too many does no harm.
 */
export function hashesOf(record: StoreRecord): string[] {
  if (record.kind === 'conversion') return Object.values(record.files).map(({ sha256 }) => sha256)
  const own = record.manifest.match(/\b[0-9a-f]{64}\b/g) ?? []
  return [...own, ...Object.values(record.extras ?? {}).map(({ sha256 }) => sha256)]
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

/** What whoever works with a record learns when another tab has deleted it: deletion wins. */
export function deletedMeanwhile(): AppError {
  return new AppError('not-found', 'This model was deleted meanwhile, in another tab perhaps; add it again.')
}
