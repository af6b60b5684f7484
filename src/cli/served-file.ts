/** The files that a server hands out: plain ones that really lie in its folder, wherever links lead. */
import { constants, type BigIntStats } from 'node:fs'
import { open, realpath, stat, type FileHandle } from 'node:fs/promises'
import { join, sep } from 'node:path'

export interface ServedFile {
  /** Where it lies, links resolved. */
  path: string
  size: number
  etag: string
}

/** A pipe must not keep us waiting for its other end; Windows has no such flag, and no such pipes. */
const READ_ONLY = constants.O_RDONLY | ((constants as Partial<typeof constants>).O_NONBLOCK ?? 0)

/**
 * The file that the path of a request names below `root`, a folder whose own links are resolved; undefined for what is
 * not there or not to be given: what is no plain file, what links lead out to, and what a name with a dot in front hides.
 */
export async function findServed(root: string, requestPath: string): Promise<ServedFile | undefined> {
  const parts = partsOf(requestPath)
  if (parts === undefined) return undefined
  const path = await realpath(join(root, ...parts)).catch(() => undefined)
  if (path === undefined || !isShown(root, path)) return undefined
  return withOpened(path, (_, file) => Promise.resolve(file))
}

/**
 * Bytes of a file that was found, as many as there are from `start` on and fit into `target`; undefined once it is
 * another file. It is opened for each read: slow clients hold no file open.
 */
export async function readServed(
  { path, etag }: ServedFile,
  start: number,
  target: Uint8Array,
): Promise<number | undefined> {
  return withOpened(path, async (handle, present) => {
    if (present.etag !== etag) return undefined
    return (await handle.read(target, 0, target.length, start)).bytesRead
  })
}

/**
 * Opens the plain file at a path without links. Undefined where a link was put into the path meanwhile, or the file that
 * was opened is not the one that lies there: a link that was there for a moment led to another.
 */
async function withOpened<T>(
  path: string,
  use: (handle: FileHandle, file: ServedFile) => Promise<T>,
): Promise<T | undefined> {
  const handle = await open(path, READ_ONLY).catch(() => undefined)
  if (handle === undefined) return undefined
  try {
    const opened = await handle.stat({ bigint: true })
    if (!opened.isFile() || (await realpath(path)) !== path) return undefined
    if (identity(opened) !== identity(await stat(path, { bigint: true }))) return undefined
    const etag = `"${opened.size.toString(16)}-${opened.mtimeNs.toString(16)}"`
    return await use(handle, { path, size: Number(opened.size), etag })
  } catch {
    return undefined
  } finally {
    await handle.close()
  }
}

function identity({ dev, ino }: BigIntStats): string {
  return `${dev} ${ino}`
}

/** The parts of a path as they are to be looked up; undefined where one has no business in a web address. */
function partsOf(requestPath: string): string[] | undefined {
  let path: string
  try {
    path = decodeURIComponent(requestPath)
  } catch {
    return undefined
  }
  const parts = path.split('/')
  // Backslashes and colons are separators and drives elsewhere.
  const odd = parts.some((part) => part.startsWith('.') || /[\\:]/.test(part))
  return odd ? undefined : parts
}

/** Whether a path without links lies below `root`, and none of its parts there is hidden. */
function isShown(root: string, path: string): boolean {
  const folder = root.endsWith(sep) ? root : root + sep
  if (!path.startsWith(folder)) return false
  return path
    .slice(folder.length)
    .split(sep)
    .every((part) => !part.startsWith('.'))
}
