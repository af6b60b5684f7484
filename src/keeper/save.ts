/** A kept pack leaves the browser: into a folder where the browser can write one, else as a ZIP file. */
import { ZipWriter } from '../archive/zip-writer.ts'
import { held } from '../pack/blob-reader.ts'
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import { chunksOf, MANIFEST_PATH, parseManifest } from '../pack/manifest.ts'
import type { PackStore } from '../store/pack-store.ts'
import { deletedMeanwhile } from '../store/records.ts'

type WriteFile = (path: string, bytes: Blob) => Promise<void>

export interface SaveOptions {
  signal: AbortSignal
  onBytes: (done: number, total: number) => void
}

/**
 * Writes every file of the pack, the manifest last, so that a broken-off copy is no pack; nor is another pack that was in
 * the folder before, whose manifest goes first. A browser can sync no file that it writes for a page, so after a power cut
 * only the hashes in the manifest tell. A ZIP file refers to the chunks where they are kept, so it takes no room until it
 * is downloaded, however large it is.
 */
export async function savePack(
  store: PackStore,
  id: string,
  folder: FileSystemDirectoryHandle | null,
  options: SaveOptions,
): Promise<Blob | null> {
  if (folder !== null) {
    await attempt(MANIFEST_PATH, () => removeFrom(folder, MANIFEST_PATH))
    await writeAll(store, id, (path, bytes) => writeInto(folder, path, bytes), options)
    return null
  }
  const zip = new ZipWriter(new Date())
  const { signal } = options
  await writeAll(store, id, (path, bytes) => zip.add(path, bytes, { signal }).catch(unread(path)), options)
  return zip.finish()
}

/** What the browser cannot read any more, though it has it on its list. */
function unread(path: string): (cause: unknown) => never {
  return (cause) => {
    throw cause instanceof AppError ? cause : damaged(path, cause)
  }
}

function damaged(path: string, cause?: unknown): AppError {
  return new AppError(
    'corrupt',
    `${path} is damaged in this browser's storage; load the model once to repair it.`,
    { cause },
  )
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
      throw damaged(path)
    }
    await write(path, blob)
    done += bytes
    onBytes(done, total)
  }
  await write(MANIFEST_PATH, new Blob([record.manifest]))
}

async function writeInto(folder: FileSystemDirectoryHandle, path: string, bytes: Blob): Promise<void> {
  await attempt(path, async () => {
    const file = await folder.getFileHandle(path, { create: true })
    const writable = await file.createWritable()
    const stream = bytes.stream()
    await held(stream, stream.pipeTo(writable))
  })
}

async function removeFrom(folder: FileSystemDirectoryHandle, path: string): Promise<void> {
  try {
    await folder.removeEntry(path)
  } catch (cause) {
    if (!(cause instanceof DOMException && cause.name === 'NotFoundError')) throw cause
  }
}

/** Names of the exceptions of the File System Standard that a person can do something about. */
async function attempt(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    const name = cause instanceof DOMException ? cause.name : ''
    if (name === 'QuotaExceededError')
      throw new AppError('no-space', 'The disk is full; choose a folder with more room.', { cause })
    if (name === 'NotAllowedError')
      throw new AppError(
        'forbidden',
        'The browser does not let this page write into that folder any more; choose it again and allow it.',
        { cause },
      )
    throw new AppError('bad-usage', `${path} cannot be written into this folder; choose another.`, { cause })
  }
}
