import { held } from '../../../pack/blob-reader.ts'

/** What is read at once for a reader that brings no memory of its own. */
export const PIECE_BYTES = 2 ** 20

/**
 * A Blob whose parts can be read as fast as somebody else allows. ONNX Runtime (JSPI build) reads every weight as
 * `slice(…).stream()`, copies it into a mapped buffer and submits the copy to the GPU without waiting for it; memory
 * that both processes see is taken for each until the GPU has got that far. Without a brake that was 0.7 GB for the
 * published decoder.
 */
export class PacedBlob extends Blob {
  readonly #allow: (bytes: number) => Promise<void>

  /** `allow` is asked before each part is read, with its length. */
  constructor(blob: Blob, allow: (bytes: number) => Promise<void>) {
    super([blob])
    this.#allow = allow
  }

  override slice(start?: number, end?: number, type?: string): PacedBlob {
    return new PacedBlob(super.slice(start, end, type), this.#allow)
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const reader = super.stream().getReader({ mode: 'byob' })
    return new ReadableStream({
      type: 'bytes',
      start: () => this.#allow(this.size),
      // Reads into the memory that was asked with, so that none is taken for each piece.
      pull: async (controller) => {
        const request = controller.byobRequest
        if (request?.view == null) {
          const { value } = await held(reader, reader.read(new Uint8Array(PIECE_BYTES)))
          if (value !== undefined && value.length > 0) controller.enqueue(value)
          else controller.close()
          return
        }
        const { buffer, byteOffset, byteLength } = request.view
        const memory = new Uint8Array(buffer, byteOffset, byteLength)
        const { value } = await held(reader, reader.read(memory))
        const ended = value === undefined || value.length === 0
        if (ended) controller.close()
        if (value === undefined) request.respond(0)
        else request.respondWithNewView(value)
      },
      cancel: (reason) => reader.cancel(reason),
    })
  }
}
