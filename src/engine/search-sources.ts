/** Sources of the search and where their files are: in folders of this device, or in conversations that this browser keeps. */
import { toShown } from '../conversation/kept.ts'
import type { ConversationLibrary } from '../conversation/library.ts'
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import { newId } from '../new-id.ts'
import { CONVERSATIONS, type SearchCalls } from '../protocol/search-calls.ts'
import type { FileFacts, Source } from '../search/entries.ts'
import { keepSource, readSources, removeSource, type SearchTable } from '../search/index-table.ts'
import type { ListedFile } from '../search/indexing.ts'
import { isFile, isFolder, folderOfHandle } from '../store/picture-folder.ts'
import { isLeftover, isPictureName, nameOf } from '../studio/picture-files.ts'

type Library = Pick<ConversationLibrary, 'conversations' | 'picture'>

const ALL_CONVERSATIONS: Source = {
  id: CONVERSATIONS,
  kind: 'conversations',
  name: '',
  handle: null,
  addedAt: 0,
}

export class SearchSources {
  readonly #table: SearchTable
  readonly #library: Library
  /** Files that were lent for this visit, by source and path. */
  readonly #lent = new Map<string, ReadonlyMap<string, File>>()

  constructor(table: SearchTable, library: Library) {
    this.#table = table
    this.#library = library
  }

  async all(): Promise<Source[]> {
    return [ALL_CONVERSATIONS, ...(await readSources(this.#table))]
  }

  /** Throws `not-found`. */
  async source(id: string): Promise<Source> {
    const source = (await this.all()).find((one) => one.id === id)
    if (source === undefined)
      throw new AppError('not-found', 'This folder was taken out of the search meanwhile; add it again.')
    return source
  }

  /** Gives the id of its source, which is the same one where the folder was chosen before. */
  async addFolder({ name, handle, files }: SearchCalls['addFolder']['in']): Promise<string> {
    const before = await this.#sameFolder(name, handle)
    const id = before?.id ?? newId()
    const addedAt = before?.addedAt ?? Date.now()
    if (handle === null) this.#lent.set(id, new Map(files.map(({ path, file }) => [path, file])))
    await keepSource(this.#table, { id, kind: 'folder', name, handle, addedAt })
    return id
  }

  /** The conversations stay. */
  async remove(id: string): Promise<void> {
    if (id !== CONVERSATIONS) await removeSource(this.#table, id)
  }

  isHere({ id, kind, handle }: Source): boolean {
    return kind === 'conversations' || handle !== null || this.#lent.has(id)
  }

  /** The pictures of a source, as they lie there now. Throws `forbidden` and `not-found`. */
  async list(source: Source, signal: AbortSignal): Promise<ListedFile[]> {
    if (source.kind === 'conversations') return this.#fromConversations(signal)
    const lent = this.#lent.get(source.id)
    if (lent !== undefined)
      return [...lent].flatMap(([path, file]) => (isOurs(path) ? [listedFile(source.id, path, file)] : []))
    if (source.handle !== null) return fromFolder(source.id, source.handle, signal)
    throw new AppError(
      'not-found',
      `The browser lent the folder ${source.name} for one visit only; choose it again to follow its changes.`,
    )
  }

  /** The file of a picture; null when it is not here or may not be read. */
  async file({ source: id, path }: Pick<FileFacts, 'source' | 'path'>): Promise<Blob | null> {
    const source = (await this.all()).find((one) => one.id === id)
    if (source === undefined) return null
    if (source.kind === 'conversations') return (await this.#library.picture(path))?.image ?? null
    const lent = this.#lent.get(source.id)?.get(path)
    if (lent !== undefined || source.handle === null) return lent ?? null
    const file = await folderOfHandle(source.handle)
      .open(path)
      .catch(() => undefined)
    return file ?? null
  }

  /** The same folder, chosen again: by its handle, else by its name. */
  async #sameFolder(name: string, handle: FileSystemDirectoryHandle | null): Promise<Source | undefined> {
    for (const source of await readSources(this.#table)) {
      const isSame =
        handle !== null && source.handle !== null
          ? await handle.isSameEntry(source.handle)
          : handle === null && source.handle === null && source.name === name
      if (isSame) return source
    }
    return undefined
  }

  async #fromConversations(signal: AbortSignal): Promise<ListedFile[]> {
    const { kept } = await this.#library.conversations()
    // What was deleted is found no more, though it can still be taken back.
    const shown = kept.flatMap((one) => toShown(one)?.pictures ?? [])
    const files: ListedFile[] = []
    for (const [id, name] of new Map(shown.map((picture) => [picture.id, picture.name]))) {
      throwIfCancelled(signal)
      const stored = await this.#library.picture(id)
      if (stored === undefined) continue
      const { image, addedAt = 0 } = stored
      const facts = { source: CONVERSATIONS, path: id, name, bytes: image.size }
      files.push({ ...facts, modified: addedAt, open: () => Promise.resolve(image) })
    }
    return files
  }
}

/** What else lies in a folder is neither looked at nor counted. */
function isOurs(path: string): boolean {
  return isPictureName(path) && !isLeftover(path)
}

function listedFile(source: string, path: string, file: File): ListedFile {
  const { size: bytes, lastModified: modified } = file
  return { source, path, name: nameOf(path), bytes, modified, open: () => Promise.resolve(file) }
}

async function fromFolder(
  source: string,
  folder: FileSystemDirectoryHandle,
  signal: AbortSignal,
): Promise<ListedFile[]> {
  const files: ListedFile[] = []
  const folders = [{ handle: folder, below: '' }]
  try {
    for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
      for await (const [name, entry] of next.handle.entries()) {
        throwIfCancelled(signal)
        const path = next.below + name
        if (isFolder(entry)) {
          if (!isLeftover(`${path}/x`)) folders.push({ handle: entry, below: `${path}/` })
        } else if (isFile(entry) && isOurs(path)) {
          // One that went since the folder was read is not there.
          const file = await entry.getFile().catch(() => null)
          if (file !== null) files.push(listedFile(source, path, file))
        }
      }
    }
  } catch (cause) {
    if (!(cause instanceof DOMException)) throw cause
    if (cause.name === 'NotFoundError')
      throw new AppError('not-found', `The folder ${folder.name} is not there any more; choose it again.`, {
        cause,
      })
    throw new AppError(
      'forbidden',
      `The browser does not let this page read the folder ${folder.name}; allow it when it is updated again.`,
      { cause },
    )
  }
  return files
}
