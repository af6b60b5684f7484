/** Every call to the thread that finds pictures, which is the one that compares, as one typed map: see `engine-calls.ts`. */
import type { CompareProgress } from './compare-calls.ts'

/** Pictures of all conversations are a source that is always there. */
export const CONVERSATIONS = 'conversations'

/** A folder of pictures, or all conversations. */
export interface SearchSource {
  id: string
  kind: 'folder' | 'conversations'
  /** The folder's own name; empty for the conversations. */
  name: string
  /** What the browser must be asked about before the folder is read again; null where it was lent for one visit. */
  handle: FileSystemDirectoryHandle | null
  pictures: number
  /** Files that are no picture or cannot be read. */
  refused: number
  /** Whether its files can be asked for: a folder that was lent for another visit cannot. */
  isHere: boolean
}

export interface SearchState {
  sources: SearchSource[]
  pictures: number
  /** What the index takes of this browser's storage. */
  bytes: number
  /** What those of other models take, about. */
  otherBytes: number
}

export interface FoundPicture {
  /** Identifies it within the index. */
  key: string
  source: string
  /** Within its source; of conversations the picture's id. */
  path: string
  name: string
  bytes: number
  /** When it was taken, or its file last changed where it does not say it; milliseconds since 1970. */
  date: number
  /** Of its bytes; what `thumbnails` wants. */
  sha256: string
  width: number
  height: number
  /** How alike it is to what was asked for, from −1 to 1; null where nothing was asked for. */
  likeness: number | null
}

/** `all`: by date, the latest first. */
export type SearchQuery = { kind: 'all' } | { kind: 'words'; text: string } | { kind: 'alike'; key: string }

export interface IndexProgress {
  done: number
  total: number
  refused: number
  /** Null while too little is known. */
  secondsLeft: number | null
}

/** Of a picture that was looked at again with the words. */
export interface Rematch {
  key: string
  /** Probability of a match. */
  match: number
  /** What it is ranked by: the logit of a match plus the likeness. */
  score: number
}

export interface SearchResult {
  /** All pictures, the most alike first. */
  pictures: FoundPicture[]
  /** What finding took, without the model's reading of words. */
  ms: number
}

/** All but `addFolder` reject `not-found` before a model that compares was chosen. */
export interface SearchCalls {
  searchState: { in: null; event: never; out: SearchState }
  /** A folder to come back to (`handle`), or files that were lent for this visit. Gives the id of its source. */
  addFolder: {
    in: { name: string; handle: FileSystemDirectoryHandle | null; files: { path: string; file: File }[] }
    event: never
    out: string
  }
  /** Brings the index up to what lies in a source now. Cancelling pauses; `busy` while another tab does so. */
  index: { in: { source: string }; event: IndexProgress; out: IndexProgress }
  /** While it is held no further picture is looked at for the index; indexing under way waits. */
  holdIndexing: { in: { held: boolean }; event: never; out: null }
  /** Lets go of a source and of all of its pictures in the index. Nothing happens to the files. */
  removeSource: { in: { source: string }; event: never; out: SearchState }
  /** Lets go of the index of the chosen model; sources stay. */
  clearIndex: { in: null; event: never; out: SearchState }
  /** Lets go of the indexes of all other models. */
  clearOtherIndexes: { in: null; event: never; out: SearchState }
  find: { in: SearchQuery; event: CompareProgress; out: SearchResult }
  /** Looks at pictures again with the words, in this order; null for one whose file is not here. */
  rematch: { in: { text: string; keys: string[] }; event: Rematch; out: (Rematch | null)[] }
  /** Small JPEGs; null for what is not there. */
  thumbnails: { in: { sha256s: string[] }; event: never; out: (Uint8Array<ArrayBuffer> | null)[] }
  /** The picture's own file; null where its folder was lent for another visit or may not be read. */
  pictureFile: { in: { key: string }; event: never; out: Blob | null }
}
