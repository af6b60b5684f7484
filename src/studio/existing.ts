/** The captions that a folder has already: in sidecars, tables, XMP beside pictures, and inside their own files. */
import { toFailure, throwIfCancelled, type Failure } from '../pack/failure.ts'
import { inLanes } from '../pack/lanes.ts'
import { captionOf, withCaption, type Author, type CaptionedPicture } from './caption.ts'
import type { FolderFile } from './folder.ts'
import { TABLES, type TableFormat } from './formats/formats.ts'
import { readSidecar } from './formats/sidecar.ts'
import { fileOf, textOf } from './formats/row.ts'
import { MACHINE_MADE, readXmp } from './formats/xmp.ts'
import { textsInFile, type TextsInFile } from './in-file/read-texts.ts'
import { nameOf, stemOf } from './picture-files.ts'
import type { SidecarNames } from './sidecar-names.ts'

export interface ReadOptions {
  files: ReadonlyMap<string, FolderFile>
  /** By all pictures of the folder. */
  names: SidecarNames
  /** Milliseconds since 1970. */
  at: number
  signal: AbortSignal
  onProgress: (done: number, total: number) => void
}

export interface WithExisting {
  pictures: CaptionedPicture[]
  /** Side files that cannot be read: their pictures go without. */
  failures: { path: string; failure: Failure }[]
}

/** Files that are read at the same time. */
const AT_ONCE = 8

/**
 * The pictures with the captions that are there. Where there are several the one beside the picture wins: text, then a
 * table, then XMP, then what the file itself says. Rejects `cancelled`.
 */
export async function withExisting(
  pictures: readonly CaptionedPicture[],
  { files, names, at, signal, onProgress }: ReadOptions,
): Promise<WithExisting> {
  const failures: WithExisting['failures'] = []
  const fail = (path: string, error: unknown): void => {
    throwIfCancelled(signal)
    failures.push({ path, failure: toFailure(error) })
  }
  const inTables = await captionsInTables(files, fail)
  const found = new Map<string, CaptionedPicture>()
  let done = 0
  await inLanes(pictures, { lanes: AT_ONCE, signal }, async (picture) => {
    found.set(picture.path, await read(picture))
    onProgress((done += 1), pictures.length)
  })
  throwIfCancelled(signal)

  async function read(picture: CaptionedPicture): Promise<CaptionedPicture> {
    const { path } = picture
    let known = picture
    const take = (text: string, name: string, isMachineMade = false): void => {
      if (text.trim() === '' || captionOf(known) !== '') return
      const by: Author = { kind: 'file', name, ...(isMachineMade && { machineMade: true }) }
      known = withCaption(known, { text: text.trim(), by, at, score: null })
    }
    const takeXmp = (texts: TextsInFile, name: string): void => {
      const isMachineMade = texts.writer === MACHINE_MADE
      take(texts.description, name, isMachineMade)
      if (known.altText === '' && texts.altText !== '')
        known = { ...known, altText: texts.altText, altAccepted: !isMachineMade }
      if (known.longDescription === '') known = { ...known, longDescription: texts.longDescription }
    }
    const own = names.of(path)
    for (const ending of ['txt', 'caption'])
      for (const name of own)
        await ifThere(`${name}.${ending}`, (bytes, file) => take(readSidecar(bytes, file), file))
    const isOwner = names.ownerOf(path) === path
    const row = inTables.get(path) ?? (isOwner ? inTables.get(stemOf(path)) : undefined)
    if (row !== undefined) take(row.text, row.table)
    for (const name of own)
      await ifThere(`${name}.xmp`, (bytes, file) => takeXmp(readXmp(textOf(bytes, file)), file))
    try {
      const file = files.get(path)
      if (file !== undefined) takeXmp(await textsInFile(await file.open()), nameOf(path))
    } catch (error) {
      // That it cannot be opened is said when its turn comes.
      throwIfCancelled(signal)
      if (!(error instanceof Error)) throw error
    }
    return known
  }

  async function ifThere(name: string, use: (bytes: Uint8Array, name: string) => void): Promise<void> {
    const file = files.get(name)
    if (file === undefined) return
    try {
      use(await bytesOf(file), name)
    } catch (error) {
      fail(name, error)
    }
  }

  return { pictures: pictures.map((picture) => found.get(picture.path) ?? picture), failures }
}

interface InTable {
  text: string
  table: string
}

/** By picture, or by its path without an ending where that is how the table names them. */
async function captionsInTables(
  files: ReadonlyMap<string, FolderFile>,
  fail: (path: string, error: unknown) => void,
): Promise<Map<string, InTable>> {
  const found = new Map<string, InTable>()
  // What is said first holds.
  for (const format of ['jsonl', 'csv', 'kohya', 'json'] as const satisfies readonly TableFormat[]) {
    const { name, ending, read } = TABLES[format]
    for (const file of files.values()) {
      if (nameOf(file.path) !== `${name}.${ending}`) continue
      const below = file.path.slice(0, file.path.length - nameOf(file.path).length)
      try {
        for (const { file: picture, text } of read(await bytesOf(file), file.path)) {
          // Windows has other slashes; elsewhere they may stand in a name. Keys come as they are written, with `./` too.
          for (const name of [picture, fileOf(picture), fileOf(picture.replaceAll('\\', '/'))])
            if (!found.has(below + name)) found.set(below + name, { text, table: file.path })
        }
      } catch (error) {
        fail(file.path, error)
      }
    }
  }
  return found
}

async function bytesOf(file: FolderFile): Promise<Uint8Array> {
  return new Uint8Array(await (await file.open()).arrayBuffer())
}
