/** A kept pack leaves the browser: into a folder where the browser can write one, else as a ZIP file. */
import { Zip, ZipPassThrough } from 'fflate'
import { held } from '../pack/blob-reader.ts'
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import { chunksOf, MANIFEST_PATH, parseManifest } from '../pack/manifest.ts'
import type { PackStore } from '../store/pack-store.ts'
import { deletedMeanwhile } from '../store/records.ts'

/** ZIP without its 64-bit extension ends here, and fflate writes none. */
const ZIP_BYTES = 2 ** 32 - 2 ** 20

type WriteFile = (path: string, bytes: Blob) => Promise<void>

export interface SaveOptions {
  signal: AbortSignal
  onBytes: (done: number, total: number) => void
}

/** Writes every file of the pack, the manifest last, so that a broken-off copy is no pack. */
export async function savePack(
  store: PackStore,
  id: string,
  folder: FileSystemDirectoryHandle | null,
  options: SaveOptions,
): Promise<Blob | null> {
  if (folder !== null) {
    await writeAll(store, id, (path, bytes) => writeInto(folder, path, bytes), options)
    return null
  }
  const zip = new ZipFile()
  await writeAll(store, id, (path, bytes) => zip.add(path, bytes), options)
  return zip.end()
}

async function writeAll(
  store: PackStore,
  id: string,
  write: WriteFile,
  { signal, onBytes }: SaveOptions,
): Promise<void> {
  const record = await store.get(id)
  if (record?.kind !== 'pack' || !record.complete)
    throw new AppError('not-found', 'This model is not kept here as a whole; resume its download first.')
  const chunks = parseManifest(record.manifest).files.flatMap(chunksOf)
  const total = chunks.reduce((sum, { bytes }) => sum + bytes, 0)
  let done = 0
  for (const { path, bytes, sha256 } of chunks) {
    throwIfCancelled(signal)
    const blob = await store.chunks.get(sha256)
    if (blob?.size !== bytes) {
      if ((await store.get(id)) === undefined) throw deletedMeanwhile()
      throw new AppError(
        'corrupt',
        `${path} is damaged in this browser's storage; load the model once to repair it.`,
      )
    }
    await write(path, blob)
    done += bytes
    onBytes(done, total)
  }
  await write(MANIFEST_PATH, new Blob([record.manifest]))
}

async function writeInto(folder: FileSystemDirectoryHandle, path: string, bytes: Blob): Promise<void> {
  try {
    const file = await folder.getFileHandle(path, { create: true })
    const writable = await file.createWritable()
    const stream = bytes.stream()
    await held(stream, stream.pipeTo(writable))
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'QuotaExceededError')
      throw new AppError('no-space', 'The disk is full; choose a folder with more room.', { cause })
    throw new AppError('bad-usage', `${path} cannot be written into this folder; choose another.`, { cause })
  }
}

/** Stored, not compressed: weights do not shrink. Pieces are Blobs, which the browser may keep on disk. */
class ZipFile {
  readonly #pieces: Blob[] = []
  #bytes = 0
  readonly #zip = new Zip((error, data) => {
    if (error !== null) throw error
    this.#pieces.push(new Blob([new Uint8Array(data)]))
    this.#bytes += data.length
  })

  async add(path: string, blob: Blob): Promise<void> {
    if (this.#bytes + blob.size > ZIP_BYTES)
      throw new AppError(
        'bad-usage',
        'A ZIP file holds at most 4 GB; save it with a browser that can write folders.',
      )
    const entry = new ZipPassThrough(path)
    this.#zip.add(entry)
    entry.push(new Uint8Array(await blob.arrayBuffer()), true)
  }

  end(): Blob {
    this.#zip.end()
    return new Blob(this.#pieces, { type: 'application/zip' })
  }
}
