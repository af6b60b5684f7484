/** A folder of this computer that people have given the page (File System Access; Chromium). Whatever happens while a file
 * is written, it is afterwards as it was or as it shall be: the browser puts a finished copy in its place. */
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import type { FolderFile, PictureFolder } from '../studio/folder.ts'

export function folderOfHandle(handle: FileSystemDirectoryHandle): PictureFolder {
  return {
    name: handle.name,
    handle,
    async list({ onFound, signal }) {
      const files: FolderFile[] = []
      const folders: { below: string; folder: FileSystemDirectoryHandle }[] = [{ below: '', folder: handle }]
      for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
        for await (const entry of next.folder.values()) {
          throwIfCancelled(signal)
          const path = `${next.below}${entry.name}`
          if (isFolder(entry)) folders.push({ below: `${path}/`, folder: entry })
          else if (isFile(entry)) files.push({ path, open: () => entry.getFile().catch(explain) })
          onFound(files.length)
        }
      }
      return files
    },
    async open(path) {
      try {
        const { folder, name } = await folderOf(handle, path, { create: false })
        return await (await folder.getFileHandle(name).catch(nameRefused)).getFile()
      } catch (cause) {
        if (cause instanceof DOMException && cause.name === 'NotFoundError') return undefined
        return explain(cause)
      }
    },
    async write(path, content) {
      try {
        const { folder, name } = await folderOf(handle, path, { create: true })
        const handed = await folder.getFileHandle(name, { create: true }).catch(nameRefused)
        const file = await handed.createWritable()
        await file.write(content)
        await file.close()
      } catch (cause) {
        explain(cause)
      }
    },
    async remove(path) {
      try {
        const { folder, name } = await folderOf(handle, path, { create: false })
        await folder.removeEntry(name).catch(nameRefused)
      } catch (cause) {
        explain(cause)
      }
    },
  }
}

/** The part of File System Access that TypeScript does not know. */
interface WithPermission {
  queryPermission?(options: { mode: Use }): Promise<PermissionState>
  requestPermission?(options: { mode: Use }): Promise<PermissionState>
}

type Use = 'read' | 'readwrite'

/**
 * Whether a kept folder may be read, or (if `mode` is left out) written as well. People are asked only with `ask`, which
 * takes a click of theirs.
 */
export async function mayUseFolder(
  handle: FileSystemDirectoryHandle & WithPermission,
  { ask, mode = 'readwrite' }: { ask: boolean; mode?: Use },
): Promise<boolean> {
  const options = { mode }
  // Folders of the site itself need no permission, and know no such question.
  if (handle.queryPermission === undefined) return true
  if ((await handle.queryPermission(options)) === 'granted') return true
  return ask && (await handle.requestPermission?.(options)) === 'granted'
}

async function folderOf(
  root: FileSystemDirectoryHandle,
  path: string,
  options: { create: boolean },
): Promise<{ folder: FileSystemDirectoryHandle; name: string }> {
  const names = path.split('/')
  const name = names.pop() ?? ''
  let folder = root
  for (const one of names) folder = await folder.getDirectoryHandle(one, options).catch(nameRefused)
  return { folder, name }
}

export function isFolder(entry: FileSystemHandle): entry is FileSystemDirectoryHandle {
  return entry.kind === 'directory'
}

export function isFile(entry: FileSystemHandle): entry is FileSystemFileHandle {
  return entry.kind === 'file'
}

/** Browsers refuse names that some system would take for something else, and call that a TypeError. */
function nameRefused(cause: unknown): never {
  if (!(cause instanceof TypeError)) throw cause
  throw new AppError(
    'bad-usage',
    'The browser allows no file of this name in a folder; rename the picture, or save a ZIP file instead.',
    { cause },
  )
}

/** What the browser says of files, in words for people. */
function explain(cause: unknown): never {
  if (!(cause instanceof DOMException)) throw cause
  switch (cause.name) {
    case 'NotFoundError':
      throw new AppError(
        'not-found',
        'This file is no longer in the folder; put it back, or open the folder anew.',
        { cause },
      )
    case 'NotAllowedError':
    case 'SecurityError':
    case 'NoModificationAllowedError':
      throw new AppError(
        'forbidden',
        'This file cannot be opened or written; allow it, or close the program that has it.',
        { cause },
      )
    case 'TypeMismatchError':
      throw new AppError('bad-usage', 'A folder has the name that this file would have; rename the folder.', {
        cause,
      })
    case 'QuotaExceededError':
      throw new AppError('no-space', 'The disk is full, so this file cannot be written; free some space.', {
        cause,
      })
    default:
      throw cause
  }
}
