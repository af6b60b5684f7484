/** Writes captions out of the studio: beside the pictures, into them, or as a ZIP file. */
import { sameBytes } from '../../pack/bytes.ts'
import { AppError, toFailure, throwIfCancelled } from '../../pack/failure.ts'
import type { Exported } from '../../studio/export.ts'
import type { ExportOptions } from '../../studio/export-formats.ts'
import type { PictureFolder } from '../../studio/folder.ts'
import type { Room } from './room.ts'
import type { ExportResult, StudioSources } from './studio-slice.ts'

type ExportedFile = Extract<Exported, { kind: 'file' }>

/** Takes one file; rejects when that cannot be written. */
type Put = (file: ExportedFile) => Promise<void>

export class Exporting {
  readonly #room: Room
  readonly #sources: StudioSources

  constructor(room: Room, sources: StudioSources) {
    this.#room = room
    this.#sources = sources
  }

  async exportAll(options: ExportOptions, into: 'folder' | 'zip', paths: readonly string[]): Promise<void> {
    const { project, exporting } = this.#room.studio
    if (exporting !== null || project === null) return
    const signal = this.#room.begin('exporting')
    this.#room.show({ exporting: { done: 0, total: paths.length }, exported: null, failure: null })
    try {
      if (into === 'folder') {
        const put = this.#intoFolder(options)
        const result = await this.#writeAll(options, paths, put, signal)
        throwIfCancelled(signal)
        this.#room.show({ exported: result })
      } else {
        const { ZipWriter } = await import('../../archive/zip-writer.ts')
        const zip = new ZipWriter(new Date(this.#sources.now()))
        const put: Put = ({ path, content }) => zip.add(path, new Blob([content]), { signal })
        const result = await this.#writeAll(options, paths, put, signal)
        throwIfCancelled(signal)
        if (result.files > 0) this.#sources.offerFile(zip.finish(), `${project.name || 'captions'}.zip`)
        this.#room.show({ exported: result })
      }
    } catch (error) {
      this.#room.fail(error)
    } finally {
      if (this.#room.isOfThis('exporting', signal)) this.#room.show({ exporting: null })
    }
  }

  async #writeAll(
    options: ExportOptions,
    paths: readonly string[],
    put: Put,
    signal: AbortSignal,
  ): Promise<ExportResult> {
    const { exported } = await import('../../studio/export.ts')
    const chosen = new Set(paths)
    const { pictures } = this.#room.studio
    const result = { files: 0, pictures: 0, failures: [] as ExportResult['failures'][number][] }
    const take = async (one: Exported): Promise<void> => {
      if (one.kind === 'failed') {
        result.failures.push(one)
        return
      }
      try {
        await put(one)
        result.files += 1
        result.pictures += one.pictures
      } catch (error) {
        throwIfCancelled(signal)
        result.failures.push({ path: one.path, failure: toFailure(error) })
      }
    }
    let done = 0
    const from = { pictures, chosen, readFile: (path: string) => this.#read(path) }
    for await (const one of exported(from, options, signal)) {
      throwIfCancelled(signal)
      await take(one)
      done += one.kind === 'file' ? one.pictures : 1
      this.#room.show({ exporting: { done, total: paths.length } })
    }
    return result
  }

  #intoFolder({ format }: ExportOptions): Put {
    const { folder } = this.#room
    if (folder === null || folder.write === null)
      throw new AppError('forbidden', 'This browser cannot write into the folder; save a ZIP file instead.')
    const writable = { ...folder, write: folder.write }
    if (format === 'in-file') return (file) => replaceSafely(writable, file, (name) => this.#read(name))
    return ({ path, content }) => writable.write(path, new Blob([content]))
  }

  async #read(path: string): Promise<Uint8Array | undefined> {
    const file = await this.#room.folder?.open(path)
    return file === undefined ? undefined : new Uint8Array(await file.arrayBuffer())
  }
}

/** Behind a picture's name while its file is changed. */
const ORIGINAL = '.pictalk-original'

/** Puts new bytes in the place of a picture's file. The original stays beside it until they were read back. */
async function replaceSafely(
  folder: PictureFolder & { write: NonNullable<PictureFolder['write']> },
  { path, content, madeOf }: ExportedFile,
  read: (path: string) => Promise<Uint8Array | undefined>,
): Promise<void> {
  const original = await read(path)
  if (original === undefined || (madeOf !== undefined && !sameBytes(original, madeOf))) throw otherMeanwhile()
  const kept = `${path}${ORIGINAL}`
  await folder.write(kept, new Blob([new Uint8Array(original)]))
  if (!isThere(await read(kept), original)) throw notWritten()
  await folder.write(path, new Blob([content]))
  if (!isThere(await read(path), content)) {
    await folder.write(path, new Blob([new Uint8Array(original)]))
    throw notWritten()
  }
  await folder.remove?.(kept)
}

function isThere(found: Uint8Array | undefined, written: Uint8Array): boolean {
  return found !== undefined && sameBytes(found, written)
}

function otherMeanwhile(): AppError {
  return new AppError(
    'busy',
    'This picture was changed while its caption was put into it, so it stays as it is; export it again.',
  )
}

function notWritten(): AppError {
  return new AppError(
    'corrupt',
    'What was written did not come back as it was, so the picture stays as it is; look after the disk.',
  )
}
