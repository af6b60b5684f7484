/**
 * What a folder is written through: the part of `node:fs/promises` that it takes, no more. Handed in, so that a disk can
 * be one whose power fails.
 */
import { lstat, mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises'

export interface FileFacts {
  size: number
  mtimeMs: number
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
}

/** An open file, or a folder that was opened to be synced. */
export interface OpenFile {
  stat(): Promise<FileFacts>
  read(target: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
  /** Writes behind what was written before. */
  writeFile(bytes: Uint8Array): Promise<void>
  /** Resolves once what was written here is on the disk; of a folder, once its list of names is. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** Rejects as Node does: with an `Error` whose `code` is `ENOENT` and the like. */
export interface Disk {
  /** `r` reads, `w` empties the file or makes it, `wx` makes it or rejects `EEXIST`. */
  open(path: string, flags: 'r' | 'w' | 'wx'): Promise<OpenFile>
  readFile(path: string): Promise<Uint8Array>
  readdir(path: string): Promise<string[]>
  /** Makes one folder, not those above it. */
  mkdir(path: string): Promise<unknown>
  rmdir(path: string): Promise<void>
  /** Atomic: whoever looks finds the old file or the new one. After a power cut either, until the folder is synced. */
  rename(from: string, to: string): Promise<void>
  rm(path: string, options?: { force: boolean }): Promise<void>
  stat(path: string): Promise<FileFacts>
  lstat(path: string): Promise<FileFacts>
}

export const nodeDisk: Disk = {
  open,
  readFile: (path) => readFile(path),
  readdir: (path) => readdir(path),
  mkdir: (path) => mkdir(path),
  rmdir: (path) => rmdir(path),
  rename,
  rm,
  stat: (path) => stat(path),
  lstat: (path) => lstat(path),
}
