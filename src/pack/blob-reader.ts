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
      const { value } = await reader.read(rest)
      if (value === undefined || value.length === 0) throw new RangeError('The Blob ended early.')
      this.#memory = value.buffer
      length += value.length
    }
    await reader.cancel()
    return new Uint8Array(this.#memory, 0, length)
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
