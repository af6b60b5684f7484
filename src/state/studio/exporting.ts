/** Writes captions out of the studio: beside the pictures, into them, or as a ZIP file. */
import { AppError, toFailure, throwIfCancelled } from '../../pack/failure.ts'
import type { Exported, ReadFile } from '../../studio/export.ts'
import type { ExportOptions } from '../../studio/export-formats.ts'
import { Replacing, type WritableFolder } from './replacing.ts'
import type { Room } from './room.ts'
import type { ExportResult, StudioDependencies } from './studio-slice.ts'

type ExportedFile = Extract<Exported, { kind: 'file' }>

/** Takes one file; rejects when that cannot be written. */
type Put = (file: ExportedFile) => Promise<void>

export class Exporting {
  readonly #room: Room
  readonly #dependencies: StudioDependencies

  constructor(room: Room, dependencies: StudioDependencies) {
    this.#room = room
    this.#dependencies = dependencies
  }

  async exportAll(options: ExportOptions, into: 'folder' | 'zip', paths: readonly string[]): Promise<void> {
    const { project, exporting } = this.#room.studio
    if (exporting !== null || project === null) return
    const signal = this.#room.begin('exporting')
    this.#room.show({ exporting: { done: 0, total: paths.length }, exported: null, failure: null })
    try {
      if (into === 'folder') {
        const folder = this.#writable()
        const files = new Replacing(folder)
        const put: Put = ({ path, content, madeOf }) =>
          madeOf === undefined
            ? folder.write(path, new Blob([content]))
            : files.replace(path, madeOf, content)
        const read: ReadFile = (path) => files.read(path)
        const result = await this.#writeAll(options, paths, { put, read }, signal)
        throwIfCancelled(signal)
        this.#room.show({ exported: result })
      } else {
        const { ZipWriter } = await import('../../archive/zip-writer.ts')
        const zip = new ZipWriter(new Date(this.#dependencies.now()))
        const put: Put = ({ path, content }) => zip.add(path, new Blob([content]), { signal })
        const read: ReadFile = (path) => this.#read(path)
        const result = await this.#writeAll(options, paths, { put, read }, signal)
        throwIfCancelled(signal)
        if (result.files > 0) this.#dependencies.offerFile(zip.finish(), `${project.name || 'captions'}.zip`)
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
    { put, read }: { put: Put; read: ReadFile },
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
    const from = { pictures, chosen, readFile: read }
    for await (const one of exported(from, options, signal)) {
      throwIfCancelled(signal)
      await take(one)
      done += one.kind === 'file' ? one.pictures : 1
      this.#room.show({ exporting: { done, total: paths.length } })
    }
    return result
  }

  #writable(): WritableFolder {
    const { folder } = this.#room
    if (folder === null || folder.write === null)
      throw new AppError('forbidden', 'This browser cannot write into the folder; save a ZIP file instead.')
    return { ...folder, write: folder.write }
  }

  async #read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const file = await this.#room.folder?.open(path)
    return file === undefined ? undefined : new Uint8Array(await file.arrayBuffer())
  }
}
