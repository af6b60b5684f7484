/**
 * The index of pictures of one model: what is in it, in memory and in the database. Pictures lie in blocks, and every
 * change is one transaction that writes the blocks it touches and the list of all blocks, so that a crash at any moment
 * leaves the index as it was before the change or after it. One tab at a time may write; each reads what another wrote.
 */
import { AppError } from '../pack/failure.ts'
import { editedBlock, EMPTY_BLOCK } from './edited-block.ts'
import { fileKey, type Block, type Contents, type PictureFacts, type RefusedFile } from './entries.ts'
import type { RoundedVectors } from './entries.ts'
import { IndexTable, type SearchTable } from './index-table.ts'
import { ScoredBlocks } from './scored-blocks.ts'

/** Pictures of a block, at most: half a megabyte of 32 × 256, so that writing a few pictures costs little. */
export const BLOCK_PICTURES = 64

/** What each picture has, [queries, width]. */
export interface IndexShape {
  queries: number
  width: number
  /** Of a block, at most; left out: `BLOCK_PICTURES`. */
  blockPictures?: number | undefined
}

/** A picture that is to be in the index. */
export interface AddedPicture {
  facts: PictureFacts
  vectors: RoundedVectors
  /** A small JPEG; null where there is one of these bytes already. */
  thumbnail: Uint8Array<ArrayBuffer> | null
}

export interface IndexChange {
  /** Each takes the place of what was there of its file. */
  added: readonly AddedPicture[]
  refused: readonly RefusedFile[]
  /** Keys of files that are to go. */
  gone: readonly string[]
}

/** A picture and how alike it is. */
export interface ScoredPicture {
  facts: PictureFacts
  score: number
}

/** What is in memory of a block, whose vectors lie with the kernel. */
type BlockFacts = Pick<Block, 'pictures' | 'refused'> & { revision: number }

const NOTHING: Contents & { bytes: number } = { revision: 0, blocks: new Map(), bytes: 0 }

export class PictureIndex {
  readonly #table: IndexTable
  /** Of the model whose vectors are in it. */
  readonly modelKey: string
  readonly shape: IndexShape
  readonly #capacity: number
  #scored: ScoredBlocks
  #contents: Contents & { bytes: number } = NOTHING
  readonly #blocks = new Map<number, BlockFacts>()
  /** The number of the block in which a file is, refused ones included. */
  readonly #byFile = new Map<string, number>()

  private constructor(table: SearchTable, modelKey: string, shape: IndexShape) {
    this.#table = new IndexTable(table, modelKey)
    this.modelKey = modelKey
    this.shape = shape
    this.#capacity = shape.blockPictures ?? BLOCK_PICTURES
    this.#scored = new ScoredBlocks(shape, this.#capacity)
  }

  /** `modelKey`: of the model whose vectors, [queries, width] for each picture, are in it. */
  static async open(table: SearchTable, modelKey: string, shape: IndexShape): Promise<PictureIndex> {
    const index = new PictureIndex(table, modelKey, shape)
    await index.refresh()
    return index
  }

  /** Reads what another tab has written since. */
  async refresh(): Promise<void> {
    const contents = (await this.#table.contents()) ?? NOTHING
    for (const number of [...this.#blocks.keys()]) if (!contents.blocks.has(number)) this.#forget(number)
    for (const [number, revision] of contents.blocks) {
      if (this.#blocks.get(number)?.revision === revision) continue
      const block = await this.#table.block(number)
      // Another tab has let go of it meanwhile, and says so in the contents that come next.
      if (block !== undefined) this.#remember(number, block, revision)
    }
    this.#contents = {
      ...contents,
      bytes: contents.bytes ?? this.#sum(({ pictures }) => this.#bytesOf(pictures)),
    }
  }

  get count(): number {
    return this.#sum(({ pictures }) => pictures.length)
  }

  get refusedCount(): number {
    return this.#sum(({ refused }) => refused.length)
  }

  /** What the index takes in the database, about: vectors, thumbnails, and what is known of the files. */
  get bytes(): number {
    return this.#contents.bytes
  }

  /** Bytes of memory that the vectors take. */
  get memoryBytes(): number {
    return this.#scored.bytes
  }

  pictures(): PictureFacts[] {
    return [...this.#blocks.values()].flatMap(({ pictures }) => pictures)
  }

  /** All files of a source that are known, refused ones included, by key. */
  files(source: string): Map<string, PictureFacts | RefusedFile> {
    return new Map(
      this.#allFiles()
        .filter((one) => one.source === source)
        .map((one) => [fileKey(one), one]),
    )
  }

  /** Keys of all files that are known, refused ones included, of any other source than these. */
  keysBeside(sources: ReadonlySet<string>): string[] {
    return this.#allFiles()
      .filter(({ source }) => !sources.has(source))
      .map(fileKey)
  }

  /** The picture of a file; undefined when it is not there. */
  picture(key: string): PictureFacts | undefined {
    const number = this.#byFile.get(key)
    const block = number === undefined ? undefined : this.#blocks.get(number)
    return block?.pictures.find((one) => fileKey(one) === key)
  }

  /** A picture of the same bytes. */
  sameBytes(sha256: string): PictureFacts | undefined {
    for (const { pictures } of this.#blocks.values()) {
      const same = pictures.find((one) => one.sha256 === sha256)
      if (same !== undefined) return same
    }
    return undefined
  }

  /** [Q, d], as they are kept; undefined when the picture is not there. */
  vectors(key: string): RoundedVectors | undefined {
    const number = this.#byFile.get(key)
    if (number === undefined) return undefined
    const { pictures = [] } = this.#blocks.get(number) ?? {}
    return this.#scored.vectors(
      number,
      pictures.findIndex((one) => fileKey(one) === key),
    )
  }

  thumbnail(sha256: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#table.thumbnail(sha256)
  }

  /** Every picture with the best cosine of its queries with a vector [d] of unit length. */
  score(vector: Float32Array): ScoredPicture[] {
    return [...this.#scored.score(vector)].flatMap(([number, scores]) => {
      const { pictures = [] } = this.#blocks.get(number) ?? {}
      return pictures.map((facts, i) => ({ facts, score: scores[i] ?? NaN }))
    })
  }

  /** Makes a change, whole or not at all. The caller sees to it that nobody else changes anything meanwhile. */
  async commit(change: IndexChange): Promise<void> {
    const { added, refused } = change
    if (added.length + refused.length + change.gone.length === 0) return
    const drop = new Set([
      ...added.map(({ facts }) => fileKey(facts)),
      ...refused.map(fileKey),
      ...change.gone,
    ])
    const touched = new Map<number, Block>()
    for (const key of drop) {
      const number = this.#byFile.get(key)
      if (number !== undefined && !touched.has(number))
        touched.set(number, editedBlock(await this.#read(number), this.shape, { drop }))
    }
    await this.#place(touched, added, refused)
    // Revisions of an index that was deleted do not come again: other tabs would take new blocks for what they know.
    const revision = Math.max(this.#contents.revision + 1, Date.now())
    const blocks = new Map(this.#contents.blocks)
    for (const [number, block] of touched) {
      if (block.pictures.length + block.refused.length === 0) blocks.delete(number)
      else blocks.set(number, revision)
    }
    const contents = { revision, blocks, bytes: this.#bytesWith(touched) }
    const kept = new Map([...touched].filter(([number]) => blocks.has(number)))
    const thumbnails = new Map(
      added.flatMap(({ facts, thumbnail }) => (thumbnail === null ? [] : [[facts.sha256, thumbnail]])),
    )
    await this.#table.write({ contents, blocks: kept, thumbnails })
    this.#contents = contents
    for (const number of touched.keys()) this.#forget(number)
    for (const [number, block] of kept) this.#remember(number, block, revision)
  }

  /** Lets go of what crashes and removals leave behind. The same goes for it as for `commit`. */
  sweep(): Promise<void> {
    return this.#table.sweep(this.#contents, new Set(this.pictures().map(({ sha256 }) => sha256)))
  }

  /** Lets go of everything. The same goes for it as for `commit`. */
  async clear(): Promise<void> {
    await this.#table.clear()
    for (const number of [...this.#blocks.keys()]) this.#forget(number)
    this.#contents = { ...NOTHING, revision: this.#contents.revision + 1 }
    this.#scored = new ScoredBlocks(this.shape, this.#capacity)
  }

  /** What the index takes once these blocks are as they are here. */
  #bytesWith(touched: ReadonlyMap<number, Block>): number {
    return [...touched].reduce(
      (sum, [number, { pictures }]) =>
        sum + this.#bytesOf(pictures) - this.#bytesOf(this.#blocks.get(number)?.pictures ?? []),
      this.#contents.bytes,
    )
  }

  #bytesOf(pictures: readonly PictureFacts[]): number {
    const { queries, width } = this.shape
    const vectors = queries * (width + 4)
    return pictures.reduce(
      (sum, facts) => sum + vectors + facts.thumbnailBytes + JSON.stringify(facts).length,
      0,
    )
  }

  /** Puts pictures into blocks that have room, else into new ones. */
  async #place(
    touched: Map<number, Block>,
    added: readonly AddedPicture[],
    refused: readonly RefusedFile[],
  ): Promise<void> {
    let left = [...added]
    let unread = [...refused]
    while (left.length + unread.length > 0) {
      const number = this.#withRoom(touched)
      const block = touched.get(number) ?? (this.#blocks.has(number) ? await this.#read(number) : EMPTY_BLOCK)
      const room = this.#capacity - block.pictures.length
      const taken = left.slice(0, room)
      touched.set(number, editedBlock(block, this.shape, { add: taken, refuse: unread }))
      left = left.slice(room)
      unread = []
    }
  }

  /** The first block that has room for a picture, as things stand; a new one where none has. */
  #withRoom(touched: ReadonlyMap<number, Block>): number {
    const numbers = [...new Set([...this.#blocks.keys(), ...touched.keys()])].sort((a, b) => a - b)
    const hasRoom = (number: number): boolean => {
      const { pictures = [] } = touched.get(number) ?? this.#blocks.get(number) ?? {}
      return pictures.length < this.#capacity
    }
    return numbers.find(hasRoom) ?? (numbers.at(-1) ?? -1) + 1
  }

  async #read(number: number): Promise<Block> {
    const block = await this.#table.block(number)
    if (block !== undefined) return block
    throw new AppError(
      'corrupt',
      'A part of the index of pictures went missing; delete the index and make it anew.',
    )
  }

  #remember(number: number, block: Block, revision: number): void {
    this.#forget(number)
    const { pictures, refused } = block
    this.#scored.set(number, block)
    this.#blocks.set(number, { pictures, refused, revision })
    for (const one of [...pictures, ...refused]) this.#byFile.set(fileKey(one), number)
  }

  #forget(number: number): void {
    const block = this.#blocks.get(number)
    if (block === undefined) return
    this.#blocks.delete(number)
    this.#scored.delete(number)
    for (const one of [...block.pictures, ...block.refused])
      if (this.#byFile.get(fileKey(one)) === number) this.#byFile.delete(fileKey(one))
  }

  #allFiles(): (PictureFacts | RefusedFile)[] {
    return [...this.#blocks.values()].flatMap(({ pictures, refused }) => [...pictures, ...refused])
  }

  #sum(count: (block: BlockFacts) => number): number {
    return [...this.#blocks.values()].reduce((sum, block) => sum + count(block), 0)
  }
}
