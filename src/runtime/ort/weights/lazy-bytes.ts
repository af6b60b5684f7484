import { AppError } from '../../../pack/failure.ts'

/**
 * Lets ONNX Runtime read weights out of a Blob piece by piece in the builds that would otherwise copy all of it into
 * memory first (every build but JSPI's). Their glue asks external data for `byteLength` and `subarray` only
 * (onnxruntime-web 1.30, `MountedFiles`), and a worker may read a Blob synchronously.
 */
export class LazyBytes extends Uint8Array<ArrayBuffer> {
  readonly #blob: Blob

  constructor(blob: Blob) {
    super(new ArrayBuffer(0))
    this.#blob = blob
    // An accessor may not override what the standard library declares a property.
    Object.defineProperty(this, 'byteLength', { value: blob.size })
  }

  override subarray(start = 0, end = this.byteLength): Uint8Array<ArrayBuffer> {
    const reader = synchronousReader()
    if (reader === undefined) throw new AppError('bug', 'Blobs cannot be read synchronously here.')
    return new Uint8Array(reader.readAsArrayBuffer(this.#blob.slice(start, end)))
  }
}

/** Whether Blobs can be read synchronously here: in workers, neither on a page nor in Node. */
export function canReadLazily(): boolean {
  return synchronousReader() !== undefined
}

interface SynchronousReader {
  readAsArrayBuffer(blob: Blob): ArrayBuffer
}

/** `FileReaderSync`, which only the types of workers know. */
function synchronousReader(): SynchronousReader | undefined {
  const { FileReaderSync: Reader } = globalThis as { FileReaderSync?: new () => SynchronousReader }
  return Reader === undefined ? undefined : new Reader()
}
