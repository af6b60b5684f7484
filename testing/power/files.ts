/** What a browser writes for its pages into files: into a folder that somebody chose, and downloads. It syncs none of it. */
import { dirname } from 'node:path'
import { systemCode } from '../../src/cli/system-errors.ts'
import type { Disk } from '../../src/cli/disk.ts'

/**
 * A folder as pages see it (File System Standard): what is written comes in the place of the file when it is closed, from
 * a file beside it.
 */
export function folderHandle(disk: Disk, folder: string): FileSystemDirectoryHandle {
  const getFileHandle = async (name: string): Promise<unknown> => {
    const path = `${folder}/${name}`
    // A handle that was asked to be made is a file at once, an empty one.
    const present = await disk.stat(path).catch(absent)
    if (present === undefined) await writeFile(disk, path, [])
    return { createWritable: () => Promise.resolve(writableTo(disk, path)) }
  }
  const removeEntry = async (name: string): Promise<void> => {
    try {
      await disk.rm(`${folder}/${name}`, { force: false })
    } catch (cause) {
      if (systemCode(cause) === 'ENOENT') throw new DOMException('None.', 'NotFoundError')
      throw cause
    }
  }
  // What saving calls of a folder is all here.
  return { getFileHandle, removeEntry } as unknown as FileSystemDirectoryHandle
}

function writableTo(disk: Disk, path: string): WritableStream<Uint8Array> {
  const pieces: Uint8Array[] = []
  return new WritableStream({
    write: (piece) => void pieces.push(piece),
    close: async () => {
      await writeFile(disk, `${path}.crswap`, pieces)
      await disk.rename(`${path}.crswap`, path)
    },
  })
}

/** Downloads a Blob: it has its name once it is whole. */
export async function download(disk: Disk, file: Blob, path: string): Promise<void> {
  await disk.mkdir(dirname(path)).catch(() => undefined)
  const bytes = new Uint8Array(await file.arrayBuffer())
  const half = bytes.length >> 1
  await writeFile(disk, `${path}.crdownload`, [bytes.subarray(0, half), bytes.subarray(half)])
  await disk.rename(`${path}.crdownload`, path)
}

/** All bytes of a file; undefined when there is none of that name. */
export async function contentOf(disk: Disk, path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const facts = await disk.stat(path).catch(absent)
  return facts && new Uint8Array(await disk.readFile(path))
}

async function writeFile(disk: Disk, path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const file = await disk.open(path, 'w')
  for (const piece of pieces) await file.writeFile(piece)
  await file.close()
}

function absent(cause: unknown): undefined {
  if (systemCode(cause) !== 'ENOENT') throw cause
}
