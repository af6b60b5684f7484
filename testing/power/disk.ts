/**
 * A disk as POSIX allows it to be at its worst. What a file holds and what a folder calls it are two things: after a
 * power cut what was written to a file since its last sync is there or not, sector by sector, and so is each change of a
 * folder's names since that folder was synced. A rename is one change. What a killed program has written stays.
 */
import { basename, dirname } from 'node:path'
import type { Disk, FileFacts, OpenFile } from '../../src/cli/disk.ts'
import type { Random } from '../../src/scenes/random.ts'
import type { Cut, Medium, Session } from './machine.ts'

/** What a disk writes at once. */
const SECTOR_BYTES = 512
/** So many of its sectors a disk had written when its power went: half, or nearly all. */
const SHARES_WRITTEN = [0.5, 0.95] as const

type Bytes = Uint8Array<ArrayBuffer>
const NOTHING: Bytes = new Uint8Array(0)

class File {
  bytes = NOTHING
  #synced = NOTHING
  modified = 0

  sync(): void {
    this.#synced = this.bytes
  }

  lose(cut: Cut, random: Random): void {
    if (this.bytes !== this.#synced) this.bytes = this.#remainder(cut, random)
    this.#synced = this.bytes
  }

  #remainder(cut: Cut, random: Random): Bytes {
    const [before, after] = [this.#synced, this.bytes]
    if (cut === 'torn') {
      // New up to some byte; behind it as it was, or nothing.
      const end = Math.floor(random.next() * (after.length + 1))
      const rest = random.next() < 0.5 ? before.subarray(end) : NOTHING
      return new Uint8Array([...after.subarray(0, end), ...rest])
    }
    const lengths = [before.length, after.length, Math.floor(random.next() * after.length)] as const
    const left = new Uint8Array(random.pick(lengths))
    left.set(before.subarray(0, left.length))
    const written = random.pick(SHARES_WRITTEN)
    for (let at = 0; at < left.length; at += SECTOR_BYTES)
      if (random.next() < written) left.set(after.subarray(at, Math.min(at + SECTOR_BYTES, left.length)), at)
    return left
  }
}

/** A change of a folder's names: what stands there from now on, undefined for what went. */
type Change = ReadonlyMap<string, Entry | undefined>
type Entry = File | Folder

class Folder {
  names = new Map<string, Entry>()
  #synced = new Map<string, Entry>()
  #changes: Change[] = []

  change(...entries: [name: string, entry: Entry | undefined][]): void {
    const change = new Map(entries)
    apply(this.names, change)
    this.#changes.push(change)
  }

  sync(): void {
    this.#synced = new Map(this.names)
    this.#changes = []
  }

  lose(cut: Cut, random: Random): void {
    const names = new Map(this.#synced)
    // A journal keeps the first ones; without, each is there or not.
    const kept = Math.floor(random.next() * (this.#changes.length + 1))
    const isJournal = random.next() < 0.5
    for (const [i, change] of this.#changes.entries())
      if (isJournal ? i < kept : random.next() < 0.5) apply(names, change)
    this.names = names
    this.sync()
    for (const entry of names.values()) entry.lose(cut, random)
  }
}

function apply(names: Map<string, Entry>, change: Change): void {
  for (const [name, entry] of change) {
    if (entry === undefined) names.delete(name)
    else names.set(name, entry)
  }
}

export class SimulatedDisk implements Medium {
  readonly #root = new Folder()
  #clock = 0

  lose(cut: Cut, random: Random): void {
    if (cut !== 'kill') this.#root.lose(cut, random)
  }

  /** The disk as programs of one session see it. */
  of(session: Session): Disk {
    const entry = (path: string): Promise<Entry> => session.step(() => this.#find(path))
    const facts = (path: string): Promise<FileFacts> => session.step(() => factsOf(this.#find(path)))
    return {
      open: (path, flags) => session.step(() => new Opened(session, this.#open(path, flags), this.#tick)),
      readFile: async (path) => fileOf(await entry(path)).bytes,
      readdir: async (path) => [...folderOf(await entry(path)).names.keys()],
      mkdir: (path) => session.step(() => this.#make(path)),
      rmdir: (path) => session.step(() => this.#removeFolder(path)),
      rename: (from, to) => session.step(() => this.#rename(from, to)),
      rm: (path, { force } = { force: false }) => session.step(() => this.#remove(path, force)),
      stat: facts,
      lstat: facts,
    }
  }

  readonly #tick = (): number => (this.#clock += 1)

  #find(path: string): Entry {
    let entry: Entry = this.#root
    for (const name of path.split('/').filter((part) => part !== '')) {
      const next: Entry | undefined = folderOf(entry).names.get(name)
      if (next === undefined) throw systemError('ENOENT')
      entry = next
    }
    return entry
  }

  #folder(path: string): Folder {
    return folderOf(this.#find(dirname(path)))
  }

  #open(path: string, flags: 'r' | 'w' | 'wx'): Entry {
    if (flags === 'r') return this.#find(path)
    const folder = this.#folder(path)
    const present = folder.names.get(basename(path))
    if (present !== undefined && flags === 'wx') throw systemError('EEXIST')
    const file = present === undefined ? new File() : fileOf(present)
    file.bytes = NOTHING
    if (present === undefined) folder.change([basename(path), file])
    return file
  }

  #make(path: string): void {
    const folder = this.#folder(path)
    if (folder.names.has(basename(path))) throw systemError('EEXIST')
    folder.change([basename(path), new Folder()])
  }

  #removeFolder(path: string): void {
    if (folderOf(this.#find(path)).names.size > 0) throw systemError('ENOTEMPTY')
    this.#folder(path).change([basename(path), undefined])
  }

  #rename(from: string, to: string): void {
    const file = fileOf(this.#find(from))
    this.#folder(from).change([basename(from), undefined], [basename(to), file])
  }

  #remove(path: string, force: boolean): void {
    const folder = this.#folder(path)
    const present = folder.names.get(basename(path))
    if (present === undefined && force) return
    if (present === undefined) throw systemError('ENOENT')
    fileOf(present)
    folder.change([basename(path), undefined])
  }
}

class Opened implements OpenFile {
  readonly #session: Session
  readonly #entry: Entry
  readonly #tick: () => number

  constructor(session: Session, entry: Entry, tick: () => number) {
    this.#session = session
    this.#entry = entry
    this.#tick = tick
  }

  stat(): Promise<FileFacts> {
    return this.#session.step(() => factsOf(this.#entry))
  }

  read(target: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }> {
    return this.#session.step(() => {
      const found = fileOf(this.#entry).bytes.subarray(position, position + length)
      target.set(found, offset)
      return { bytesRead: found.length }
    })
  }

  writeFile(bytes: Uint8Array): Promise<void> {
    const file = fileOf(this.#entry)
    const write = (count: number): void => {
      const written = new Uint8Array(file.bytes.length + count)
      written.set(file.bytes)
      written.set(bytes.subarray(0, count), file.bytes.length)
      file.bytes = written
      file.modified = this.#tick()
    }
    // Killed in the midst of it, a program has written some of it.
    return this.#session.step(
      () => write(bytes.length),
      () => write(bytes.length >> 1),
    )
  }

  sync(): Promise<void> {
    return this.#session.step(() => this.#entry.sync())
  }

  close(): Promise<void> {
    return this.#session.step(() => undefined)
  }
}

function factsOf(entry: Entry): FileFacts {
  const isFile = entry instanceof File
  return {
    size: isFile ? entry.bytes.length : 0,
    mtimeMs: isFile ? entry.modified : 0,
    isFile: () => isFile,
    isDirectory: () => !isFile,
    isSymbolicLink: () => false,
  }
}

function fileOf(entry: Entry): File {
  if (entry instanceof File) return entry
  throw systemError('EISDIR')
}

function folderOf(entry: Entry): Folder {
  if (entry instanceof Folder) return entry
  throw systemError('ENOTDIR')
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code })
}
