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
      // Into the memory that was asked with, so that none is taken for each piece.
      pull: async (controller) => {
        const request = controller.byobRequest
        const memory = floatsIn(request?.view) ?? new Uint32Array(PIECE_BYTES / 4)
        const piece = this.#halves.slice(done / 2, done / 2 + Math.min(memory.length, PIECE_BYTES / 4) * 2)
        if (piece.size === 0) {
          controller.close()
          request?.respond(0)
          return
        }
        const floats = memory.subarray(0, piece.size / 2)
        f16ToF32Bits(halvesOf(await reader.read(piece)), floats)
        done += floats.byteLength
        if (floats.buffer === request?.view?.buffer) request.respond(floats.byteLength)
        else controller.enqueue(new Uint8Array(floats.buffer, 0, floats.byteLength))
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
  const source = halvesOf(halves)
  const target = new Uint32Array(source.length)
  f16ToF32Bits(source, target)
  return new Uint8Array(target.buffer)
}

function halvesOf(bytes: Uint8Array<ArrayBuffer>): Uint16Array {
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice()
  return new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2)
}

/** Memory as whole floats; undefined where it lies askew or has no room for one. */
function floatsIn(
  view: ArrayBufferView<ArrayBuffer> | null | undefined,
): Uint32Array<ArrayBuffer> | undefined {
  if (view == null || view.byteOffset % 4 !== 0 || view.byteLength < 4) return undefined
  return new Uint32Array(view.buffer, view.byteOffset, Math.floor(view.byteLength / 4))
}
