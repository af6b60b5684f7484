/** Pieces of a weights file become its chunks: one is hashed and written while the next is filled. */
import type { PackChunk } from '../pack/manifest.ts'
import type { Piece } from './produce.ts'

/** A chunk of a weights file: where it lies in it and, once its bytes are safe, what they are. */
export interface Slot {
  path: string
  start: number
  end: number
  chunk: PackChunk | undefined
}

/** Writes a chunk so that it is safe when this resolves. The bytes are not touched until then. */
export type WriteChunk = (path: string, bytes: Uint8Array<ArrayBuffer>) => Promise<PackChunk>

/**
 * Takes pieces in ascending order and has each missing chunk written as soon as the pieces have passed it, one after the
 * other. Gaps between pieces become zeros. Bytes that belong to a chunk already there are dropped.
 */
export class ChunkFiller {
  readonly #slots: readonly Slot[]
  readonly #write: WriteChunk
  #current = 0
  #filling: Uint8Array<ArrayBuffer>
  /** What the chunk that is being written lies in; made when it is needed. */
  #spare: Uint8Array<ArrayBuffer> | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(slots: readonly Slot[], write: WriteChunk) {
    this.#slots = slots
    this.#write = write
    this.#filling = this.#memory()
  }

  /** Throws what writing an earlier chunk threw. */
  async add(piece: Piece): Promise<void> {
    const end = piece.offset + piece.bytes.length
    for (let slot = this.#slots[this.#current]; slot !== undefined; slot = this.#slots[++this.#current]) {
      if (slot.chunk === undefined) copyOverlap(piece, slot, this.#filling)
      if (end < slot.end) return
      await this.#handOver(slot)
    }
  }

  /** Ends the file: everything is written when this resolves. */
  async end(): Promise<void> {
    for (const slot of this.#slots.slice(this.#current)) await this.#handOver(slot)
    this.#current = this.#slots.length
    await this.#writing
  }

  /** Resolves when nothing is being written any more, whatever became of it: nobody may write behind whoever stopped. */
  async idle(): Promise<void> {
    await this.#writing.catch(() => undefined)
  }

  async #handOver(slot: Slot): Promise<void> {
    if (slot.chunk !== undefined) return
    await this.#writing
    const full = this.#filling
    this.#filling = this.#spare?.fill(0) ?? this.#memory()
    this.#spare = full
    this.#writing = this.#write(slot.path, full.subarray(0, slot.end - slot.start)).then((chunk) => {
      slot.chunk = chunk
    })
    // It is thrown to whoever hands over the next one, or ends the file.
    this.#writing.catch(() => undefined)
  }

  #memory(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#slots.reduce((most, { start, end }) => Math.max(most, end - start), 0))
  }
}

function copyOverlap(piece: Piece, slot: Slot, memory: Uint8Array): void {
  const from = Math.max(piece.offset, slot.start)
  const to = Math.min(piece.offset + piece.bytes.length, slot.end)
  if (from < to) memory.set(piece.bytes.subarray(from - piece.offset, to - piece.offset), from - slot.start)
}
