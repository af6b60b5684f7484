/** What lies in a drop: files, and the files of dropped folders with their paths (File and Directory Entries API). */
import type { DroppedFile } from '../../state/dropped.ts'

/** Pictures lie in folders of folders, by year and month say; deeper down it is somebody's whole disk. */
const MAX_DEPTH = 5
export const MAX_FILES = 2000

export interface DropLimits {
  files: number
  /** Folders below what was dropped. */
  depth: number
}

/** Call it within the handler of the drop: afterwards the browser forgets what was dropped. */
export async function droppedFiles(
  transfer: DataTransfer | null,
  limits: DropLimits = { files: MAX_FILES, depth: MAX_DEPTH },
): Promise<DroppedFile[]> {
  const entries = [...(transfer?.items ?? [])].map((item) => item.webkitGetAsEntry())
  const plain = [...(transfer?.files ?? [])].map((file) => ({ path: file.name, file }))
  if (!entries.some((entry) => entry?.isDirectory === true)) return plain
  const found: DroppedFile[] = []
  for (const entry of entries) if (entry !== null) await collect(entry, found, limits)
  return found
}

async function collect(entry: FileSystemEntry, found: DroppedFile[], limits: DropLimits): Promise<void> {
  if (found.length >= limits.files || limits.depth < 0) return
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject))
    found.push({ path: entry.fullPath.replace(/^\//, ''), file })
  } else if (isDirectory(entry)) {
    const reader = entry.createReader()
    // A reader gives a hundred entries at a time, and none when it is done.
    for (;;) {
      const batch = await new Promise<FileSystemEntry[]>((resolve, reject) =>
        reader.readEntries(resolve, reject),
      )
      if (batch.length === 0) return
      for (const inner of batch) await collect(inner, found, { ...limits, depth: limits.depth - 1 })
    }
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory
}

/** What files of a folder have in common: its name, or that of the first file where there is no folder. */
export function folderName(files: readonly { path: string }[]): string {
  return files[0]?.path.split('/')[0] ?? ''
}
