/**
 * Files that are whole or absent, whatever happens: written under another name, flushed to the disk, renamed, and then
 * the folder flushed, too, because a name is part of its folder and not of the file.
 */
import { lstat, mkdir, open, rename, rm, rmdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError } from '../pack/failure.ts'
import { failOf, systemCode } from './system-errors.ts'

/** Afterwards `path` holds `bytes`, through a power cut; if this fails, what it held before. Makes the folder. */
export async function replaceFile(path: string, bytes: Uint8Array | readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.part`
  let made = false
  try {
    await makeFolder(dirname(path))
    await refuseSpecial(path)
    await refuseSpecial(temporary)
    const file = await open(temporary, 'w')
    made = true
    try {
      for (const piece of bytes instanceof Uint8Array ? [bytes] : bytes) await file.writeFile(piece)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (cause) {
    if (made) await rm(temporary, { force: true }).catch(() => undefined)
    failOf(cause, path, 'written')
  }
}

/** Afterwards there is no file at `path`, through a power cut. */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path)
    await syncFolder(dirname(path))
  } catch (cause) {
    const code = systemCode(cause)
    if (code !== 'ENOENT' && code !== 'ENOTDIR') failOf(cause, path, 'written')
  }
}

/**
 * Makes a folder and those above it, and gives those that were made, outermost first. Node's own `recursive` tries for
 * ever where a file system has no room for folders, as below `/proc`.
 */
export async function makeFolder(path: string): Promise<string[]> {
  try {
    return await makeFolders(path)
  } catch (cause) {
    failOf(cause, path, 'written')
  }
}

async function makeFolders(path: string): Promise<string[]> {
  if (await makeOne(path)) return [path]
  if (await isFolder(path)) return []
  const parent = dirname(path)
  const above = parent === path ? [] : await makeFolders(parent)
  // Whoever made it in between has made it for us, too.
  if (!(await makeOne(path)) && !(await isFolder(path)))
    throw new AppError('bad-usage', `No folder can be made at ${path}; choose another one.`)
  return [...above, path]
}

/** False where it exists, or what is to hold it does not. */
async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path)
  } catch (cause) {
    const code = systemCode(cause)
    if (code === 'ENOENT') return false
    if (await isFolder(path)) return false
    throw cause
  }
  await syncFolder(dirname(path))
  return true
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}

/** Takes away folders that `makeFolder` made, from the innermost on, as long as they are empty. */
export async function removeEmpty(folders: readonly string[]): Promise<void> {
  for (const folder of folders.toReversed()) {
    try {
      await rmdir(folder)
    } catch {
      return
    }
  }
}

/** A rename would replace a device or a pipe, a write would wait for its reader: neither is what was meant. */
async function refuseSpecial(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined)
  if (stats === undefined || stats.isFile() || stats.isSymbolicLink()) return
  throw new AppError(
    'bad-usage',
    `${path} cannot be written: a folder, a device or a pipe is in the way; choose another place.`,
  )
}

/** Makes names in a folder last. Where a system cannot flush folders (Windows, some network disks) it does so by itself. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  } catch (cause) {
    if (!CANNOT_SYNC.has(systemCode(cause) ?? '')) throw cause
  }
}

const CANNOT_SYNC = new Set([
  'EISDIR',
  'EPERM',
  'EACCES',
  'EINVAL',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EBADF',
])
