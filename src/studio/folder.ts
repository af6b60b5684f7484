/** A folder of pictures as a browser gives it, and what lies in it. Nothing is opened before its turn comes. */
import { comparePaths, isLeftover, isPictureName } from './picture-files.ts'

export interface FolderFile {
  /** Below the folder, with `/`. */
  path: string
  /** Rejects `not-found` when it is no longer there. */
  open(): Promise<Blob>
}

export interface PictureFolder {
  name: string
  /** By which it is found again after a visit; null where the browser gives none. */
  handle: FileSystemDirectoryHandle | null
  /** Every file in it and in folders below. `onFound` hears how many there are so far. Rejects `cancelled`. */
  list(options: { onFound: (count: number) => void; signal: AbortSignal }): Promise<FolderFile[]>
  /** A file as it is now; undefined where there is none. */
  open(path: string): Promise<Blob | undefined>
  /** Null where nothing can be written into it. */
  write: ((path: string, content: Blob) => Promise<void>) | null
  remove: ((path: string) => Promise<void>) | null
}

export interface SortedFolder {
  /** As people sort. */
  pictures: FolderFile[]
  /** All files by path: what captions are read from is among them. */
  files: ReadonlyMap<string, FolderFile>
  /** Files that are no pictures: sidecars, and what systems leave. */
  leftAside: number
}

export function sortFolder(files: readonly FolderFile[]): SortedFolder {
  const pictures = files
    .filter(({ path }) => isPictureName(path) && !isLeftover(path))
    .toSorted((one, other) => comparePaths(one.path, other.path))
  return {
    pictures,
    files: new Map(files.map((file) => [file.path, file])),
    leftAside: files.length - pictures.length,
  }
}

/** Files that were chosen or dropped. What all of them have before their first `/` is the folder's name, not a part of paths. */
export function folderOfFiles(
  chosen: readonly { path: string; file: Blob }[],
  otherwise: string,
): PictureFolder {
  const [root = ''] = chosen[0]?.path.split('/') ?? []
  const isOneFolder = chosen.length > 0 && chosen.every(({ path }) => path.startsWith(`${root}/`))
  const blobs = new Map(
    chosen.map(({ path, file }) => [isOneFolder ? path.slice(root.length + 1) : path, file]),
  )
  const files = [...blobs].map(([path, file]) => ({ path, open: () => Promise.resolve(file) }))
  return {
    name: isOneFolder ? root : otherwise,
    handle: null,
    list: ({ onFound }) => {
      onFound(files.length)
      return Promise.resolve(files)
    },
    open: (path) => Promise.resolve(blobs.get(path)),
    write: null,
    remove: null,
  }
}
