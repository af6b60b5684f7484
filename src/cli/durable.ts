/**
 * Files that are whole or absent, whatever happens: written under another name, flushed to the disk, renamed, and then
 * the folder flushed, too, because a name is part of its folder and not of the file.
 */
import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { AppError } from '../pack/failure.ts'
import { nodeDisk, type Disk } from './disk.ts'
import { failOf, isAbsent, systemCode } from './system-errors.ts'

/** Afterwards `path` holds `bytes`, through a power cut; if this fails, what it held before. Makes the folder. */
export async function replaceFile(
  path: string,
  bytes: Uint8Array | readonly Uint8Array[],
  disk = nodeDisk,
): Promise<void> {
  const temporary = temporaryFor(path)
  let made = false
  try {
    await makeFolder(dirname(path), disk)
    await refuseSpecial(disk, path)
    await refuseSpecial(disk, temporary)
    const file = await disk.open(temporary, 'w')
    made = true
    try {
      for (const piece of bytes instanceof Uint8Array ? [bytes] : bytes) await file.writeFile(piece)
      await file.sync()
    } finally {
      await file.close()
    }
    await disk.rename(temporary, path)
    await syncFolder(disk, dirname(path))
  } catch (cause) {
    if (made) await disk.rm(temporary, { force: true }).catch(() => undefined)
    failOf(cause, path, 'written')
  }
}

/** Of a name in UTF-8, on every file system that is common. */
const MOST_NAME_BYTES = 255

/** The same for the same path, so that what a kill left is taken by the next attempt. */
function temporaryFor(path: string): string {
  const name = `${basename(path)}.part`
  if (Buffer.byteLength(name) <= MOST_NAME_BYTES) return join(dirname(path), name)
  return join(dirname(path), `.${createHash('sha256').update(name).digest('hex')}.part`)
}

/** Afterwards there is no file at `path`, through a power cut. */
export async function removeFile(path: string, disk = nodeDisk): Promise<void> {
  try {
    await disk.rm(path)
    await syncFolder(disk, dirname(path))
  } catch (cause) {
    if (!isAbsent(cause)) failOf(cause, path, 'written')
  }
}

/**
 * Makes a folder and those above it, and gives those that were made, outermost first. Node's own `recursive` tries for
 * ever where a file system has no room for folders, as below `/proc`.
 */
export async function makeFolder(path: string, disk = nodeDisk): Promise<string[]> {
  try {
    return await makeFolders(disk, path)
  } catch (cause) {
    failOf(cause, path, 'written')
  }
}

async function makeFolders(disk: Disk, path: string): Promise<string[]> {
  if (await isFolder(disk, path)) return []
  if (await makeOne(disk, path)) return [path]
  const parent = dirname(path)
  const above = parent === path ? [] : await makeFolders(disk, parent)
  // Whoever made it in between has made it for us, too.
  if (!(await makeOne(disk, path)) && !(await isFolder(disk, path)))
    throw new AppError('bad-usage', `No folder can be made at ${path}; choose another one.`)
  return [...above, path]
}

/** False where it exists, or what is to hold it does not. */
async function makeOne(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.mkdir(path)
  } catch (cause) {
    const code = systemCode(cause)
    if (code === 'ENOENT') return false
    if (await isFolder(disk, path)) return false
    throw cause
  }
  await syncFolder(disk, dirname(path))
  return true
}

async function isFolder(disk: Disk, path: string): Promise<boolean> {
  return disk.stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}

/**
 * Makes the names of a folder and of those above it last. Whoever made them may have been killed before it came to that,
 * so a folder that is there is not yet one that stays.
 */
export async function keepFolder(path: string, disk = nodeDisk): Promise<void> {
  try {
    for (let above = dirname(path); ; above = dirname(above)) {
      await syncFolder(disk, above)
      if (dirname(above) === above) return
    }
  } catch (cause) {
    failOf(cause, path, 'written')
  }
}

/** Takes away folders that `makeFolder` made, from the innermost on, as long as they are empty. */
export async function removeEmpty(folders: readonly string[], disk = nodeDisk): Promise<void> {
  for (const folder of folders.toReversed()) {
    try {
      await disk.rmdir(folder)
    } catch (cause) {
      // Whoever shares them may have taken one away already.
      if (!isAbsent(cause)) return
    }
  }
}

/** A rename would replace a device or a pipe, a write would wait for its reader: neither is what was meant. */
async function refuseSpecial(disk: Disk, path: string): Promise<void> {
  const stats = await disk.lstat(path).catch(() => undefined)
  if (stats === undefined || stats.isFile() || stats.isSymbolicLink()) return
  throw new AppError(
    'bad-usage',
    `${path} cannot be written: a folder, a device or a pipe is in the way; choose another place.`,
  )
}

/** Makes names in a folder last. Where a system cannot flush folders (Windows, some network disks) it does so by itself. */
async function syncFolder(disk: Disk, path: string): Promise<void> {
  try {
    const folder = await disk.open(path, 'r')
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
