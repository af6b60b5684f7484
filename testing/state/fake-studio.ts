/** Folders in memory, and what the studio of a page has of a browser without a disk. */
import { AppError } from '../../src/pack/failure.ts'
import type { StudioDependencies } from '../../src/state/studio/studio-slice.ts'
import { tableInMemory, type Table } from '../../src/store/table.ts'
import { openStudioLibrary } from '../../src/store/studio-library.ts'
import type { PictureFolder } from '../../src/studio/folder.ts'
import type { FakeBrowser } from './fake-browser.ts'

/** As a database keeps it: its methods are no part of it. */
class FakeHandle {
  readonly kind = 'directory'
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
  isSameEntry(other: { name: string }): Promise<boolean> {
    return Promise.resolve(other.name === this.name)
  }
}

export interface FakeFolder extends PictureFolder {
  /** What lies in it now. */
  contents: Map<string, Uint8Array<ArrayBuffer>>
}

export function fakeFolder(name: string, files: Record<string, string | Uint8Array>): FakeFolder {
  const contents = new Map(
    Object.entries(files).map(([path, content]) => [path, new Uint8Array(bytesOf(content))]),
  )
  const written = new Map<Uint8Array, number>()
  const open = (path: string): Promise<Blob | undefined> => {
    const bytes = contents.get(path)
    if (bytes === undefined) return Promise.resolve(undefined)
    // Other bytes were written at another time.
    const lastModified = written.get(bytes) ?? written.size + 1
    written.set(bytes, lastModified)
    return Promise.resolve(new File([bytes], path, { lastModified }))
  }
  return {
    name,
    handle: new FakeHandle(name) as unknown as FileSystemDirectoryHandle,
    contents,
    list: ({ onFound }) => {
      onFound(contents.size)
      const opened = (path: string): Promise<Blob> =>
        open(path).then((file) => file ?? Promise.reject(new AppError('not-found', `${path} is gone.`)))
      return Promise.resolve([...contents.keys()].map((path) => ({ path, open: () => opened(path) })))
    },
    open,
    write: async (path, content) => void contents.set(path, new Uint8Array(await content.arrayBuffer())),
    remove: (path) => Promise.resolve(void contents.delete(path)),
  }
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : content
}

export function studioIn({ studio, folders, locks }: FakeBrowser, newId: () => string): StudioDependencies {
  const open = <T>(database: string): Table<T> => {
    const entries = studio.get(database) ?? new Map<string, unknown>()
    studio.set(database, entries)
    return tableInMemory(entries as Map<string, T>)
  }
  return {
    library: openStudioLibrary(open),
    locks,
    newId,
    now: () => Date.now(),
    openHandle: ({ name }) => folders.get(name) ?? fakeFolder(name, {}),
    mayUse: ({ name }) => Promise.resolve(folders.has(name)),
    chooseFolder: () => Promise.resolve([...folders.values()][0] ?? null),
    offerFile: () => undefined,
    smallRows: async (image) => {
      const bytes = new Uint8Array(await image.arrayBuffer())
      return {
        width: 9,
        height: 8,
        data: Uint8Array.from({ length: 216 }, (_, i) => bytes[i % bytes.length] ?? 0),
      }
    },
  }
}
