/**
 * Writes a pack so that it can be killed at any moment. Bytes come first and the record that declares them after:
 * a chunk, then its line in the ledger; all chunks, then the manifest. Whoever starts again with the same source keeps
 * every chunk that the ledger names and whose bytes still have their hash, and redoes the rest.
 */
import { sha256Hex, type PackSink } from '../pack/bytes.ts'
import { chunkPath, chunkSizes } from '../pack/chunks.ts'
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import {
  chunksOf,
  MANIFEST_PATH,
  parseManifest,
  type PackChunk,
  type PackFile,
  type PackManifest,
} from '../pack/manifest.ts'
import { isRecord } from '../pack/json.ts'
import type { Checkpoint } from './checkpoint.ts'
import { ChunkFiller, type Slot } from './chunk-filler.ts'
import { produce, sourceBytesOf } from './produce.ts'
import { outputsOf, type Recipe, type WeightsPlan } from './weights.ts'

/**
 * The ledger: what the chunks were made of, which is nobody's concern but the converter's, so it is no part of the pack.
 * It stays beside a finished one, for a repair.
 */
export const LEDGER_PATH = 'conversion.json'

export interface WeightsProgress {
  /** The weights file being written. */
  file: string
  /** The tensor just read; null for what a former run had done already. */
  tensor: string | null
  /** Bytes of the checkpoint that this file needs, and how many of them are dealt with. */
  doneBytes: number
  totalBytes: number
}

export interface WriteOptions {
  onProgress?: ((progress: WeightsProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface PackWriter {
  /** Writes a weights file, or as much of them as no former run has left behind. */
  writeWeights(plan: WeightsPlan, checkpoint: Checkpoint, options?: WriteOptions): Promise<PackFile>
  /** Writes a file that is at hand as a whole: a graph, a tokenizer. Always anew, for they are small. */
  writeFile(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<PackFile>
  /** Writes the manifest, which makes the folder a pack. */
  commit(manifest: PackManifest): Promise<void>
}

/** Path of a chunk → what its bytes must be. */
type Ledger = Map<string, PackChunk>

/**
 * Begins or resumes a pack made of `source`, a text that differs whenever the bytes to be read may. A finished pack of
 * the same source is taken up like an interrupted one, which makes converting again a repair. Chunks of any other source
 * are deleted: they could never be used, only fill the disk.
 */
export async function openPackWriter(sink: PackSink, source: string): Promise<PackWriter> {
  const former = (await readLedger(sink)) ?? (await readManifest(sink))
  // A manifest without a ledger becomes one before it goes, so that no kill leaves chunks that nothing names.
  if (former) await writeLedger(sink, former.source, former.chunks)
  await sink.remove(MANIFEST_PATH)
  if (former?.source === source) return packWriter(sink, source, former.chunks)
  for (const path of former?.chunks.keys() ?? []) await sink.remove(path)
  await writeLedger(sink, source, new Map())
  return packWriter(sink, source, new Map())
}

function packWriter(sink: PackSink, source: string, ledger: Ledger): PackWriter {
  async function writeChunk(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<PackChunk> {
    const chunk = { bytes: bytes.length, sha256: await sha256Hex(bytes) }
    await sink.write(path, bytes, chunk.sha256)
    ledger.set(path, chunk)
    await writeLedger(sink, source, ledger)
    return chunk
  }

  return {
    async writeWeights(plan, checkpoint, { onProgress, signal } = {}) {
      const file = plan.path
      const slots = await chunkSlots(file, plan.bytes, ledger, sink, signal)
      const todo = plan.recipes.filter((recipe) => needsWork(recipe, slots))
      const totalBytes = sourceBytesOf(plan.recipes, checkpoint)
      let doneBytes = totalBytes - sourceBytesOf(todo, checkpoint)
      onProgress?.({ file, tensor: null, doneBytes, totalBytes })
      const chunks = new ChunkFiller(slots, writeChunk)
      try {
        for await (const { pieces, tensor, sourceBytes } of produce(todo, checkpoint, signal)) {
          for (const piece of pieces) await chunks.add(piece)
          doneBytes += sourceBytes
          onProgress?.({ file, tensor, doneBytes, totalBytes })
          throwIfCancelled(signal)
        }
        await chunks.end()
      } finally {
        await chunks.idle()
      }
      return { path: file, bytes: plan.bytes, chunks: slots.map((slot) => slot.chunk ?? missing(slot.path)) }
    },

    async writeFile(path, bytes) {
      const sizes = chunkSizes(bytes.length)
      const chunks: PackChunk[] = []
      let start = 0
      for (const [index, size] of sizes.entries()) {
        chunks.push(
          await writeChunk(chunkPath(path, index, sizes.length), bytes.subarray(start, start + size)),
        )
        start += size
      }
      return { path, bytes: bytes.length, chunks }
    },

    async commit(manifest) {
      const text = `${JSON.stringify(manifest, null, 2)}\n`
      // What the reader would refuse must not be written in the first place.
      parseManifest(text)
      await sink.write(MANIFEST_PATH, new TextEncoder().encode(text))
    },
  }
}

/** The chunks of a file; those that a former run left intact are already filled in. */
async function chunkSlots(
  file: string,
  bytes: number,
  ledger: Ledger,
  sink: PackSink,
  signal: AbortSignal | undefined,
): Promise<Slot[]> {
  const sizes = chunkSizes(bytes)
  const slots: Slot[] = []
  let start = 0
  for (const [index, size] of sizes.entries()) {
    throwIfCancelled(signal)
    const path = chunkPath(file, index, sizes.length)
    const known = ledger.get(path)
    const intact = known?.bytes === size && (await isIntact(sink, path, known))
    slots.push({ path, start, end: start + size, chunk: intact ? known : undefined })
    start += size
  }
  return slots
}

async function isIntact(sink: PackSink, path: string, { bytes, sha256 }: PackChunk): Promise<boolean> {
  const found = await sink.read(path)
  return found?.length === bytes && (await sha256Hex(found)) === sha256
}

function needsWork(recipe: Recipe, slots: readonly Slot[]): boolean {
  return outputsOf(recipe).some(({ offset, bytes }) =>
    slots.some((slot) => slot.chunk === undefined && slot.start < offset + bytes && offset < slot.end),
  )
}

function missing(path: string): never {
  throw new AppError('bug', `The chunk ${path} was never written.`)
}

/** What a former run left: of which source, empty when nobody knows, and its chunks. */
interface Former {
  source: string
  chunks: Ledger
}

async function writeLedger(sink: PackSink, source: string, chunks: Ledger): Promise<void> {
  const text = JSON.stringify({
    format: 'pictalk-conversion',
    version: 2,
    source,
    chunks: Object.fromEntries(chunks),
  })
  await sink.write(LEDGER_PATH, new TextEncoder().encode(text))
}

/** Undefined for a ledger that is absent, damaged or of another version: then everything is redone. */
async function readLedger(sink: PackSink): Promise<Former | undefined> {
  const json = parseOrUndefined(await sink.read(LEDGER_PATH), (text): unknown => JSON.parse(text))
  if (!isRecord(json) || json['format'] !== 'pictalk-conversion' || json['version'] !== 2) return undefined
  const { source, chunks } = json
  if (typeof source !== 'string' || !isRecord(chunks)) return undefined
  const known: Ledger = new Map()
  for (const [path, chunk] of Object.entries(chunks)) {
    if (!isRecord(chunk) || !/^[\w-]+(\.[\w-]+)*$/.test(path)) continue
    const { bytes, sha256 } = chunk
    if (typeof bytes === 'number' && typeof sha256 === 'string') known.set(path, { bytes, sha256 })
  }
  return { source, chunks: known }
}

async function readManifest(sink: PackSink): Promise<Former | undefined> {
  const manifest = parseOrUndefined(await sink.read(MANIFEST_PATH), parseManifest)
  if (!manifest) return undefined
  const chunks = manifest.files
    .flatMap(chunksOf)
    .map(({ path, bytes, sha256 }) => [path, { bytes, sha256 }] as const)
  return { source: '', chunks: new Map(chunks) }
}

function parseOrUndefined<T>(bytes: Uint8Array | undefined, parse: (text: string) => T): T | undefined {
  if (!bytes) return undefined
  try {
    return parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
