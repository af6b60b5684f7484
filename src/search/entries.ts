/** What an index of pictures consists of, as it lies in the database. */

/** Where pictures come from. */
export interface Source {
  id: string
  kind: 'folder' | 'conversations'
  /** The folder's own name; empty for the conversations. */
  name: string
  /** A folder that the browser lets us come back to; null where it was only lent for one visit. */
  handle: FileSystemDirectoryHandle | null
  addedAt: number
}

/** What is known of a file without reading it. A file that says the same as before is not read again. */
export interface FileFacts {
  source: string
  /** Within the source, with `/`; of conversations the picture's id. */
  path: string
  bytes: number
  /** Milliseconds since 1970. */
  modified: number
}

/** A picture of the index. */
export interface PictureFacts extends FileFacts {
  /** What people call it. */
  name: string
  /** Of its bytes: what was moved or copied is known again. */
  sha256: string
  width: number
  height: number
  /** Of its small picture. */
  thumbnailBytes: number
  /**
   * When it was taken, by the clock of its camera (`2026-11-27T10:11:12`); null where its file does not say it, left out by
   * versions that did not look.
   */
  taken?: string | null | undefined
}

/** A file that could not be read, so that it is not tried again until it changes. */
export interface RefusedFile extends FileFacts {
  /** Why, in a sentence. */
  why: string
}

/** Some pictures with their vectors, written and read as one. */
export interface Block {
  pictures: PictureFacts[]
  /** [pictures, Q, d], rounded: see `vectors.ts`. */
  vectors: Int8Array<ArrayBuffer>
  /** [pictures, Q] */
  scales: Float32Array<ArrayBuffer>
  refused: RefusedFile[]
}

/** The vectors of one picture. */
export interface RoundedVectors {
  /** [Q, d] */
  vectors: Int8Array<ArrayBuffer>
  /** [Q]: what each row is to be multiplied with. */
  scales: Float32Array<ArrayBuffer>
}

/** Which blocks there are. It changes in the same step as they do, so that what it does not name is not there. */
export interface Contents {
  /** Of the last change. */
  revision: number
  /** The revision at which each block was written, by its number. */
  blocks: ReadonlyMap<number, number>
  /** What the index takes in the database, about; left out by versions that did not count it. */
  bytes?: number | undefined
}

/** Everything in the database; keys tell which is which: see `index-table.ts`. */
export type SearchEntry = Source | Block | Contents | Uint8Array<ArrayBuffer>

/** When a picture was taken, in milliseconds since 1970 where this device is; of one that does not say it, its file's date. */
export function dateOf({ taken, modified }: Pick<PictureFacts, 'taken' | 'modified'>): number {
  return taken === null || taken === undefined ? modified : new Date(taken).getTime()
}

/** Identifies a file among all sources. */
export function fileKey({ source, path }: Pick<FileFacts, 'source' | 'path'>): string {
  return `${source}\n${path}`
}
