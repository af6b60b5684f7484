/**
 * Memory that chunks are put together in, one after the other: of buffers as large as chunks a browser collects hundreds
 * of megabytes before it clears them away, and fresh memory costs a page fault for every few kilobytes.
 */
export class ChunkMemory {
  /** From the smallest on. */
  readonly #free: ArrayBuffer[] = []

  /** Lends memory of so many bytes until `work` is done. What is in it is left over from its last use. */
  async lend<T>(bytes: number, work: (memory: Uint8Array<ArrayBuffer>) => Promise<T>): Promise<T> {
    const buffer = this.#take(bytes)
    try {
      return await work(new Uint8Array(buffer, 0, bytes))
    } finally {
      this.#free.push(buffer)
      this.#free.sort((a, b) => a.byteLength - b.byteLength)
    }
  }

  #take(bytes: number): ArrayBuffer {
    const fitting = this.#free.findIndex(({ byteLength }) => byteLength >= bytes)
    if (fitting >= 0) return this.#free.splice(fitting, 1)[0] ?? new ArrayBuffer(bytes)
    // In the place of one that is too small, so that there are never more than are lent at once.
    this.#free.shift()
    return new ArrayBuffer(bytes)
  }
}
