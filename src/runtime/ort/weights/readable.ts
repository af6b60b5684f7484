/** A weights file as the build of ONNX Runtime that runs here can read it without taking all of it at once. */
import { widenedPath } from '../../../pack/manifest.ts'
import type { Compute } from '../../device/compute.ts'
import { hasJspi } from '../build.ts'
import { canReadLazily, LazyBytes } from './lazy-bytes.ts'
import { PacedBlob } from './paced-blob.ts'
import { WidenedBlob, WidenedBytes } from './widened.ts'

/** A weights file under the path that the graph calls it by. A Blob is read piece by piece. */
export interface WeightsFile {
  path: string
  data: Blob | Uint8Array<ArrayBuffer>
}

/** The file as it is, and as the float32 file that a graph which computes in float32 may ask for instead. */
export async function readableWeights(
  { path, data }: WeightsFile,
  { provider, device }: Pick<Compute, 'provider' | 'device'>,
  pace: UploadPace,
): Promise<WeightsFile[]> {
  if (data instanceof Blob && provider === 'webgpu' && device !== null && hasJspi()) {
    const allow = (bytes: number): Promise<void> => pace.allow(bytes)
    return [
      { path, data: new PacedBlob(data, allow) },
      { path: widenedPath(path), data: new WidenedBlob(data, allow) },
    ]
  }
  const lazy = data instanceof Blob && canReadLazily() ? new LazyBytes(data) : data
  const bytes = lazy instanceof Blob ? new Uint8Array(await lazy.arrayBuffer()) : lazy
  return [
    { path, data: bytes },
    { path: widenedPath(path), data: new WidenedBytes(bytes) },
  ]
}

/** Weights that may be on their way to the GPU at once. */
const UPLOADING_BYTES = 64 * 2 ** 20

/** Holds weights back until the GPU has taken in enough of those before them. */
export class UploadPace {
  readonly #taken: () => Promise<unknown>
  /** Bytes sent since the GPU was last waited for. */
  #sent = 0

  /** `taken` resolves when the GPU is done with everything that was sent to it. */
  constructor(taken: () => Promise<unknown>) {
    this.#taken = taken
  }

  /** Resolves when `bytes` more may be sent. */
  async allow(bytes: number): Promise<void> {
    if (this.#sent + bytes > UPLOADING_BYTES) {
      await this.#taken()
      this.#sent = 0
    }
    this.#sent += bytes
  }
}
