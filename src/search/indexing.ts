/** Brings an index up to what lies in a source now: looks at what is new or changed, lets go of what went. */
import { sha256Hex } from '../pack/bytes.ts'
import { AppError, throwIfCancelled, toFailure } from '../pack/failure.ts'
import { Pace } from '../store/pace.ts'
import { fileKey, type FileFacts, type PictureFacts, type RefusedFile } from './entries.ts'
import type { AddedPicture, PictureIndex } from './picture-index.ts'
import { rounded } from './vectors.ts'

/** A file of a source, as it lies there now. */
export interface ListedFile extends FileFacts {
  name: string
  open: () => Promise<Blob>
}

/** What was made of a picture. */
export interface SeenForIndex {
  /** [Q, d] as the index has them, each row of length 1 */
  vectors: Float32Array<ArrayBuffer>
  width: number
  height: number
  /** A small JPEG. */
  thumbnail: Uint8Array<ArrayBuffer>
}

export interface IndexProgress {
  /** Files that are new or changed, and how many of them are done. */
  done: number
  total: number
  /** Of those that are done: files that are no picture, or cannot be read. */
  refused: number
  /** Null while too little is known. */
  secondsLeft: number | null
}

export interface IndexingParts {
  index: PictureIndex
  /** Rejects `bad-image` and `image-too-large` for what cannot be read. */
  see: (image: Blob, signal: AbortSignal) => Promise<SeenForIndex>
  /** When a picture was taken; see `PictureFacts`. */
  taken: (image: Blob) => Promise<string | null>
  report: (progress: IndexProgress) => void
  signal: AbortSignal
  /** Milliseconds, for the time left. */
  now: () => number
}

/** Pictures that are written together, and the longest that one waits for the others: what a crash may cost. */
const BATCH = 8
const BATCH_MS = 3_000

/**
 * What of a source has changed since it was indexed: by name, size and date, as file systems tell. A picture of which is not
 * known when it was taken is read again, but not looked at.
 */
export function changesOf(
  source: string,
  listed: readonly ListedFile[],
  index: PictureIndex,
): { fresh: ListedFile[]; gone: string[] } {
  const known = index.files(source)
  const isSame = (file: ListedFile): boolean => {
    const before = known.get(fileKey(file))
    if (before === undefined || before.bytes !== file.bytes || before.modified !== file.modified) return false
    return 'why' in before || before.taken !== undefined
  }
  const there = new Set(listed.map(fileKey))
  return {
    fresh: listed.filter((file) => !isSame(file)),
    gone: [...known.keys()].filter((key) => !there.has(key)),
  }
}

/**
 * Cancelling pauses: what is done stays, and the same call goes on with the rest. What a file system no longer gives by
 * the time that it is wanted is left for the next time.
 */
export async function indexSource(
  source: string,
  listed: readonly ListedFile[],
  parts: IndexingParts,
): Promise<IndexProgress> {
  const { index, report, signal, now } = parts
  const { fresh, gone } = changesOf(source, listed, index)
  const pace = new Pace(now)
  const batch = new Batch(index, now)
  const progress: IndexProgress = { done: 0, total: fresh.length, refused: 0, secondsLeft: null }
  pace.note(0)
  report({ ...progress })
  try {
    for (const file of fresh) {
      throwIfCancelled(signal)
      const made = await added(file, batch, parts)
      if (made !== null && 'why' in made) progress.refused += 1
      await batch.add(made)
      progress.done += 1
      pace.note(progress.done)
      progress.secondsLeft = pace.secondsLeft(fresh.length - progress.done)
      report({ ...progress })
    }
  } finally {
    // Whatever ended it: what was looked at is not looked at again.
    await batch.write()
  }
  // Last, so that what was moved is known again by its bytes.
  await index.commit({ added: [], refused: [], gone })
  await index.sweep()
  return { ...progress, secondsLeft: 0 }
}

/** Null for a file that is not there any more. */
async function added(
  file: ListedFile,
  batch: Batch,
  { index, see, taken, signal }: IndexingParts,
): Promise<AddedPicture | RefusedFile | null> {
  const { source, path, bytes, modified, name } = file
  const image = await file.open().catch(() => null)
  const content = (await image?.arrayBuffer().catch(() => null)) ?? null
  if (image === null || content === null) return null
  const sha256 = await sha256Hex(content)
  // What was read, not the file: that may change while it is looked at.
  const asRead = new Blob([content], { type: image.type })
  const facts = { source, path, bytes, modified, name, sha256, taken: await taken(asRead) }
  const same = batch.sameBytes(sha256) ?? copyOf(sha256, index)
  if (same !== undefined) return { ...same, facts: { ...same.facts, ...facts } }
  try {
    const { vectors, thumbnail, width, height } = await see(asRead, signal)
    const whole: PictureFacts = { ...facts, width, height, thumbnailBytes: thumbnail.length }
    return { facts: whole, vectors: rounded(vectors, index.shape.width), thumbnail }
  } catch (error) {
    const { code, message } = toFailure(error)
    if (code !== 'bad-image' && code !== 'image-too-large') throw error
    return { source, path, bytes, modified, why: message }
  }
}

/** What is known of a picture of the same bytes: it was moved or copied. */
function copyOf(sha256: string, index: PictureIndex): AddedPicture | undefined {
  const facts = index.sameBytes(sha256)
  const vectors = facts === undefined ? undefined : index.vectors(fileKey(facts))
  return facts === undefined || vectors === undefined ? undefined : { facts, vectors, thumbnail: null }
}

/** Pictures that were looked at and are not written yet. */
class Batch {
  readonly #index: PictureIndex
  readonly #now: () => number
  #added: AddedPicture[] = []
  #refused: RefusedFile[] = []
  #since: number

  constructor(index: PictureIndex, now: () => number) {
    this.#index = index
    this.#now = now
    this.#since = now()
  }

  sameBytes(sha256: string): AddedPicture | undefined {
    return this.#added.find(({ facts }) => facts.sha256 === sha256)
  }

  async add(made: AddedPicture | RefusedFile | null): Promise<void> {
    if (made === null) return
    if ('why' in made) this.#refused.push(made)
    else this.#added.push(made)
    const count = this.#added.length + this.#refused.length
    if (count >= BATCH || this.#now() - this.#since >= BATCH_MS) await this.write()
  }

  async write(): Promise<void> {
    const change = { added: this.#added, refused: this.#refused, gone: [] }
    await this.#index.commit(change).catch(noRoom)
    this.#added = []
    this.#refused = []
    this.#since = this.#now()
  }
}

/** The table's own words are about models. */
function noRoom(cause: unknown): never {
  if (!(cause instanceof AppError && cause.code === 'no-space')) throw cause
  throw new AppError(
    'no-space',
    'The disk is full, so no more pictures can be indexed; free some space and go on where it stopped.',
    { cause },
  )
}
