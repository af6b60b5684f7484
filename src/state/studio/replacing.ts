/** Puts new bytes in the place of pictures' files, one after the other. */
import { sameBytes } from '../../pack/bytes.ts'
import { AppError } from '../../pack/failure.ts'
import type { PictureFolder } from '../../studio/folder.ts'

export type WritableFolder = PictureFolder & { write: NonNullable<PictureFolder['write']> }

/** Behind a picture's name while its file is changed. */
const ORIGINAL = '.pictalk-original'

export class Replacing {
  readonly #folder: WritableFolder
  /** The file that was read last, as it was then: a picture is read once, however large. */
  #read: { path: string; file: Blob } | null = null

  constructor(folder: WritableFolder) {
    this.#folder = folder
  }

  async read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const file = await this.#folder.open(path)
    if (file === undefined) return undefined
    this.#read = { path, file }
    return new Uint8Array(await file.arrayBuffer())
  }

  /** What was read last is `original`. It stays beside the file until the new bytes were read back. */
  async replace(
    path: string,
    original: Uint8Array<ArrayBuffer>,
    content: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const read = this.#read?.path === path ? this.#read.file : undefined
    const now = await this.#folder.open(path)
    if (read === undefined || now === undefined || !isUntouched(now, read)) throw otherMeanwhile()
    const kept = `${path}${ORIGINAL}`
    await this.#folder.write(kept, new Blob([original]))
    if (!isThere(await this.read(kept), original)) throw notWritten()
    await this.#folder.write(path, new Blob([content]))
    if (!isThere(await this.read(path), content)) {
      await this.#folder.write(path, new Blob([original]))
      throw notWritten()
    }
    await this.#folder.remove?.(kept)
  }
}

/** By what a folder says of a file without opening it. */
function isUntouched(now: Blob, then: Blob): boolean {
  return now.size === then.size && changedAt(now) === changedAt(then)
}

function changedAt(file: Blob): number | null {
  return file instanceof File ? file.lastModified : null
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
