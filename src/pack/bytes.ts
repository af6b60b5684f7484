/**
 * Byte sources and sinks, as small as they can be: an `ArrayBuffer` is a source, a `Map` makes a sink.
 * Everything that reads a checkpoint or writes a pack goes through these, in Node and in a browser alike.
 */
export interface ByteSource {
  readonly byteLength: number
  /**
   * Bytes `start` (inclusive) to `end` (exclusive). Rejects when the range does not lie within the source. They may be given
   * in `memory` where it has exactly as many bytes; that is then the source's until this settles.
   */
  slice(
    start: number,
    end: number,
    signal?: AbortSignal,
    memory?: ArrayBuffer,
  ): Promise<ArrayBuffer> | ArrayBuffer
  /** Changes whenever the bytes do (an ETag, or size and modification time); absent when unknown. */
  readonly version?: string
}

/** A folder of files to read, whether on disk, on a server or in memory. Paths use `/`. */
export interface FileTree {
  /** The file at `path`, or undefined when there is none. */
  open(path: string): Promise<ByteSource | undefined>
  /** Paths of the files in it, some folders deep. Absent where a place cannot tell, as a plain server cannot. */
  list?: () => Promise<readonly string[]>
}

/**
 * Where a pack is written. `write` is atomic: afterwards the file is whole or was never there. `sha256` is that of the
 * bytes, for a sink that wants to know it, where the caller has made it already.
 */
export interface PackSink {
  read(path: string): Promise<Uint8Array<ArrayBuffer> | undefined>
  write(path: string, bytes: Uint8Array<ArrayBuffer>, sha256?: string): Promise<void>
  remove(path: string): Promise<void>
}

/** The bytes of a file as packs give it: on the disk, or in memory. */
export async function bytesOfFile(file: Blob | Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file
}

/** Throws `InvalidCharacterError` for what is no base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const characters = atob(text)
  const bytes = new Uint8Array(characters.length)
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = characters.charCodeAt(i)
  return bytes
}

export function concatenated(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i])
}

/** Lower-case hexadecimal SHA-256 (FIPS 180-4). */
export async function sha256Hex(bytes: BufferSource): Promise<string> {
  const digest = await sha256(bytes)
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function sha256(bytes: BufferSource): Promise<Uint8Array> {
  // Browsers withhold it from pages that came over plain http.
  const { subtle } = crypto as { subtle?: SubtleCrypto }
  if (subtle !== undefined) return new Uint8Array(await subtle.digest('SHA-256', bytes))
  const { sha256: hash } = await import('@noble/hashes/sha2.js')
  return hash(
    ArrayBuffer.isView(bytes)
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      : new Uint8Array(bytes),
  )
}

/** A file tree over buffers in memory: for tests and for files a visitor picked. */
export function treeInMemory(files: ReadonlyMap<string, ArrayBuffer>): FileTree {
  return {
    open: (path) => Promise.resolve(files.get(path)),
    list: () => Promise.resolve([...files.keys()]),
  }
}

/** The tree below one of its folders: `root` is empty, or a path that ends in `/`. */
export function subtree(tree: FileTree, root: string): FileTree {
  if (root === '') return tree
  const { list } = tree
  return {
    open: (path) => tree.open(root + path),
    ...(list !== undefined && {
      list: async () =>
        (await list()).filter((path) => path.startsWith(root)).map((path) => path.slice(root.length)),
    }),
  }
}

/** A sink that keeps the pack in a map: for tests, and for packs that never touch a disk. */
export function sinkInMemory(files: Map<string, Uint8Array<ArrayBuffer>>): PackSink {
  return {
    read: (path) => Promise.resolve(files.get(path)),
    write: (path, bytes) => {
      files.set(path, bytes.slice())
      return Promise.resolve()
    },
    remove: (path) => {
      files.delete(path)
      return Promise.resolve()
    },
  }
}

/** The whole file as UTF-8 text, or undefined when it does not exist. Refuses anything above `limit` bytes. */
export async function readText(
  tree: FileTree,
  path: string,
  limit = 64 * 2 ** 20,
): Promise<string | undefined> {
  const source = await tree.open(path)
  if (source === undefined) return undefined
  if (source.byteLength > limit)
    throw new RangeError(
      `${path} has ${source.byteLength} bytes, more than the ${limit} a text file may have`,
    )
  return new TextDecoder('utf-8', { fatal: true }).decode(await source.slice(0, source.byteLength))
}
