/**
 * Reads Blobs one after the other into the same memory: of buffers as large as chunks the browser collects hundreds of
 * megabytes before it clears them away. What `read` gave is gone with the next call.
 */
export class BlobReader {
  #memory = new ArrayBuffer(0)

  /** All bytes of `blob`. Rejects when the browser has lost what lies behind it. */
  async read(blob: Blob): Promise<Uint8Array<ArrayBuffer>> {
    const reader = byteReader(blob)
    if (reader === null) return new Uint8Array(await blob.arrayBuffer())
    if (this.#memory.byteLength < blob.size) this.#memory = new ArrayBuffer(blob.size)
    let length = 0
    while (length < blob.size) {
      // The stream takes the memory with it and hands it back with what was read.
      const rest = new Uint8Array(this.#memory, length, blob.size - length)
      const { value } = await held(reader, reader.read(rest))
      if (value === undefined || value.length === 0) throw new RangeError('The Blob ended early.')
      this.#memory = value.buffer
      length += value.length
    }
    await reader.cancel()
    return new Uint8Array(this.#memory, 0, length)
  }
}

const inUse = new Set<object>()

/**
 * `work` on a Blob's stream, of which `holder` (the stream or its reader) is held until it is done. While Chromium 156
 * waits for bytes of a Blob, what is to happen with them hangs on the stream alone, and the stream on nothing of the
 * browser's own: if garbage is collected in that moment and nobody else has it, the work never settles.
 */
export async function held<T>(holder: object, work: Promise<T>): Promise<T> {
  inUse.add(holder)
  try {
    return await work
  } finally {
    inUse.delete(holder)
  }
}

/** Null where a Blob's stream cannot be read into memory of one's own. */
function byteReader(blob: Blob): ReadableStreamBYOBReader | null {
  try {
    return blob.stream().getReader({ mode: 'byob' })
  } catch {
    return null
  }
}
