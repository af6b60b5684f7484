/**
 * Folders on disk as the sources and sinks that everything else works with. A file is opened for each read and closed
 * after it: next to megabytes per read that costs nothing, and no handle is left for anyone to close.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve, sep } from 'node:path'
import { sha256Hex, type ByteSource, type FileTree, type PackSink } from '../pack/bytes.ts'
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import { chunksOf, MANIFEST_PATH, parseManifest, type PackReader } from '../pack/manifest.ts'
import { nodeDisk, type Disk, type FileFacts, type OpenFile } from './disk.ts'
import { removeFile, replaceFile } from './durable.ts'
import { failOf, isAbsent } from './system-errors.ts'

/** The files of a folder, to read. Symbolic links are followed: the Hugging Face cache consists of them. */
export function folderTree(folder: string): FileTree {
  return {
    open: async (path) => {
      const full = within(folder, path)
      const stats = await statOrUndefined(nodeDisk, full)
      if (stats?.isFile()) return fileSource(full, stats)
      if (!(await statOrUndefined(nodeDisk, folder))?.isDirectory()) {
        throw new AppError('not-found', `There is no folder ${folder}; check the path.`)
      }
      return undefined
    },
    list: () => filesBelow(folder),
  }
}

/** A model lies at most so deep in a folder that is named: `models--owner--name/snapshots/<hash>/`. */
const MAX_DEPTH = 3
const MAX_LISTED = 10_000

async function filesBelow(folder: string, prefix = '', depth = 0): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const paths: string[] = []
  for (const entry of entries) {
    if (paths.length >= MAX_LISTED) break
    const path = prefix + entry.name
    if (!entry.isDirectory()) paths.push(path)
    else if (depth < MAX_DEPTH)
      paths.push(...(await filesBelow(join(folder, entry.name), `${path}/`, depth + 1)))
  }
  return paths
}

function fileSource(path: string, stats: FileFacts): ByteSource {
  const version = versionOf(stats)
  return {
    byteLength: stats.size,
    version,
    slice: async (start, end, signal) => {
      throwIfCancelled(signal)
      if (!(start >= 0 && start <= end && end <= stats.size)) {
        throw new RangeError(`${path} has no bytes ${start} to ${end}, only ${stats.size}`)
      }
      return withFile(nodeDisk, path, async (file) => {
        if (versionOf(await file.stat()) !== version) {
          throw new AppError('bad-checkpoint', `${path} changed while it was being read; start again.`)
        }
        const bytes = new Uint8Array(end - start)
        await readInto(file, bytes, start, path)
        return bytes.buffer
      })
    },
  }
}

function versionOf({ size, mtimeMs }: FileFacts): string {
  return `${size}-${mtimeMs}`
}

/** A folder to write a pack into, made when the first file is written. Even a power cut leaves a file whole or absent. */
export function folderSink(folder: string, disk = nodeDisk): PackSink {
  return {
    read: async (path) => {
      const full = within(folder, path)
      const stats = await statOrUndefined(disk, full)
      if (!stats?.isFile()) return undefined
      return withFile(disk, full, async (file) => {
        const bytes = new Uint8Array(stats.size)
        await readInto(file, bytes, 0, full)
        return bytes
      })
    },
    write: (path, bytes) => replaceFile(within(folder, path), bytes, disk),
    remove: async (path) => removeFile(within(folder, path), disk),
  }
}

/** A pack in a folder. Every file that it gives has been checked against the manifest, chunk by chunk. */
export async function openPackFolder(folder: string, disk = nodeDisk): Promise<PackReader> {
  const text = await folderSink(folder, disk).read(MANIFEST_PATH)
  if (!text) {
    throw new AppError(
      'not-found',
      `There is no pack in ${folder}: it has no ${MANIFEST_PATH}; convert a checkpoint first.`,
    )
  }
  const manifest = parseManifest(new TextDecoder().decode(text))
  return {
    manifest,
    file: async (path, signal) => {
      const file = manifest.files.find((entry) => entry.path === path)
      if (!file)
        throw new AppError('bad-pack', `The pack in ${folder} has no file ${path}; convert it again.`)
      const bytes = allocate(file.bytes, path)
      let start = 0
      for (const chunk of chunksOf(file)) {
        throwIfCancelled(signal)
        const target = bytes.subarray(start, start + chunk.bytes)
        await readChunk(disk, within(folder, chunk.path), chunk.sha256, target)
        start += chunk.bytes
      }
      return bytes
    },
  }
}

/**
 * All of a file that a person named. Throws `bad-usage` for what is no plain file: a pipe may never end, a device never
 * does, and neither says how much it will be.
 */
export async function readWhole(path: string, mostBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const stats = await nodeDisk.stat(path).catch((cause: unknown) => failOf(cause, path, 'read'))
  if (!stats.isFile()) {
    const what = stats.isDirectory() ? 'a folder' : 'a device or a pipe'
    throw new AppError('bad-usage', `${path} is ${what}; give the path of a file.`)
  }
  if (stats.size > mostBytes) {
    const gibibytes = mostBytes / 2 ** 30
    throw new AppError('bad-usage', `${path} has more than ${gibibytes} GiB; give the path of a picture.`)
  }
  const bytes = allocate(stats.size, path)
  await withFile(nodeDisk, path, (file) => readInto(file, bytes, 0, path))
  return bytes
}

/** All of a small file of ours; undefined where there is none. Throws what `failOf` says. */
export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch((cause: unknown) => (isAbsent(cause) ? undefined : failOf(cause, path, 'read')))
}

async function readChunk(
  disk: Disk,
  path: string,
  sha256: string,
  target: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const stats = await statOrUndefined(disk, path)
  if (!stats)
    throw new AppError('not-found', `${path} is missing from the pack; convert or download it again.`)
  const whole = stats.size === target.length
  if (whole) await withFile(disk, path, (file) => readInto(file, target, 0, path))
  if (whole && (await sha256Hex(target)) === sha256) return
  throw new AppError(
    'corrupt',
    `${path} is damaged: it is not what the manifest says; convert or download it again.`,
  )
}

function allocate(bytes: number, path: string): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes)
  } catch (cause) {
    const why = `${path} has ${bytes} bytes, more than fit into memory at once`
    throw new AppError('out-of-memory', `${why}; use a pack of lower precision.`, { cause })
  }
}

/** A path with `/` below the folder. Links within the folder may still lead out of it: they are the user's own. */
function within(folder: string, path: string): string {
  const root = resolve(folder)
  const full = resolve(root, path)
  if (path.includes('\0')) throw new AppError('bad-usage', `${JSON.stringify(path)} is no name of a file.`)
  if (full.startsWith(root.endsWith(sep) ? root : root + sep)) return full
  throw new AppError('bad-usage', `${JSON.stringify(path)} lies outside ${folder}.`)
}

async function withFile<T>(disk: Disk, path: string, read: (file: OpenFile) => Promise<T>): Promise<T> {
  const file = await disk.open(path, 'r').catch((cause: unknown) => failOf(cause, path, 'read'))
  try {
    return await read(file)
  } finally {
    await file.close()
  }
}

/** Fills `target` from `position` on. The system may give less than was asked for at a time. */
async function readInto(file: OpenFile, target: Uint8Array, position: number, path: string): Promise<void> {
  let done = 0
  while (done < target.length) {
    // One read takes at most 2^31 - 1 bytes.
    const length = Math.min(target.length - done, 2 ** 30)
    const { bytesRead } = await file.read(target, done, length, position + done)
    if (bytesRead === 0)
      throw new AppError('corrupt', `${path} became shorter while it was being read; start again.`)
    done += bytesRead
  }
}

async function statOrUndefined(disk: Disk, path: string): Promise<FileFacts | undefined> {
  return disk
    .stat(path)
    .catch((cause: unknown) => (isAbsent(cause) ? undefined : failOf(cause, path, 'read')))
}
