/**
 * A weights file of float16 as if it had been stored in float32, twice as long: what graphs that compute in float32
 * refer to (`pack/weight-windows`). Values are widened as ONNX Runtime reads them. A `Cast` in the graph would be worked out in
 * the WebAssembly heap, which never shrinks: 0.5 GB for the published model.
 */
import { BlobReader } from '../../../pack/blob-reader.ts'
import { f16ToF32Bits } from '../../../pack/float16.ts'
import { PIECE_BYTES } from './paced-blob.ts'

/** For the JSPI build, which asks a Blob for `slice(…).stream()`. */
export class WidenedBlob extends Blob {
  readonly #halves: Blob
  readonly #allow: (bytes: number) => Promise<void>

  /** `allow` is asked before each part is read, with its length. */
  constructor(halves: Blob, allow: (bytes: number) => Promise<void>) {
    super()
    this.#halves = halves
    this.#allow = allow
    // An accessor may not override what the standard library declares a property.
    Object.defineProperty(this, 'size', { value: 2 * halves.size })
  }

  override slice(start = 0, end = this.size): WidenedBlob {
    return new WidenedBlob(this.#halves.slice(start / 2, end / 2), this.#allow)
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const reader = new BlobReader()
    let done = 0
    return new ReadableStream({
      type: 'bytes',
      start: () => this.#allow(this.size),
      pull: async (controller) => {
        const piece = this.#halves.slice(done / 2, (done + PIECE_BYTES) / 2)
        if (piece.size === 0) {
          controller.close()
          controller.byobRequest?.respond(0)
          return
        }
        controller.enqueue(widen(await reader.read(piece)))
        done += 2 * piece.size
      },
    })
  }
}

/** For the other builds, which ask bytes for `byteLength` and `subarray` only. */
export class WidenedBytes extends Uint8Array<ArrayBuffer> {
  readonly #halves: Uint8Array<ArrayBuffer>

  constructor(halves: Uint8Array<ArrayBuffer>) {
    super(new ArrayBuffer(0))
    this.#halves = halves
    Object.defineProperty(this, 'byteLength', { value: 2 * halves.byteLength })
  }

  override subarray(start = 0, end = this.byteLength): Uint8Array<ArrayBuffer> {
    return widen(this.#halves.subarray(start / 2, end / 2))
  }
}

function widen(halves: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const aligned = halves.byteOffset % 2 === 0 ? halves : halves.slice()
  const source = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2)
  const target = new Uint32Array(source.length)
  f16ToF32Bits(source, target)
  return new Uint8Array(target.buffer)
}
