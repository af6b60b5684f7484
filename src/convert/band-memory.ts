/** Memory of bands that were worked through, for those to come: fresh memory costs a page fault for every few kilobytes. */

/** As many as are under way. */
const MOST = 4

export class BandMemory {
  readonly #free: ArrayBuffer[] = []

  /** Memory of exactly so many bytes, if there is some. */
  take(bytes: number): ArrayBuffer | undefined {
    const at = this.#free.findIndex(({ byteLength }) => byteLength === bytes)
    return at < 0 ? undefined : this.#free.splice(at, 1)[0]
  }

  /** The one that was given first goes where there are too many: bands of its size may not come again. */
  give(memory: ArrayBuffer): void {
    this.#free.push(memory)
    if (this.#free.length > MOST) this.#free.shift()
  }
}
