/** A weights file as the build of ONNX Runtime that runs here can read it without taking all of it at once. */
import { bytesOfFile } from '../../../pack/bytes.ts'
import { windowsOf } from '../../../pack/weight-windows.ts'
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

/**
 * The file as it is, and as the float32 file that a graph which computes in float32 may ask for instead, both once more from
 * each place on that graphs name (`pack/weight-windows`).
 */
export async function readableWeights(
  { path, data }: WeightsFile,
  { provider, device }: Pick<Compute, 'provider' | 'device'>,
  pace: UploadPace,
): Promise<WeightsFile[]> {
  const paced = data instanceof Blob && provider === 'webgpu' && device !== null && hasJspi()
  const views = paced ? pacedViews(data, pace) : plainViews(await inMemory(data))
  const bytes = data instanceof Blob ? data.size : data.byteLength
  return windowsOf(path, bytes).map(({ location, widened, start }) => ({
    path: location,
    data: widened ? views.widenedFrom(start / 2) : views.from(start),
  }))
}

/** A weights file from a place in it on, as it is and widened. */
interface Views {
  from(start: number): WeightsFile['data']
  widenedFrom(start: number): WeightsFile['data']
}

function pacedViews(data: Blob, pace: UploadPace): Views {
  const allow = (bytes: number): Promise<void> => pace.allow(bytes)
  return {
    from: (start) => new PacedBlob(data.slice(start), allow),
    widenedFrom: (start) => new WidenedBlob(data.slice(start), allow),
  }
}

function plainViews(data: WeightsFile['data']): Views {
  const from = (start: number): Uint8Array<ArrayBuffer> =>
    data instanceof Blob ? new LazyBytes(data.slice(start)) : data.subarray(start)
  return { from, widenedFrom: (start) => new WidenedBytes(from(start)) }
}

/** All of it, unless it can be read piece by piece. */
async function inMemory(data: WeightsFile['data']): Promise<WeightsFile['data']> {
  return data instanceof Blob && !canReadLazily() ? bytesOfFile(data) : data
}

/** Weights that may be on their way to the GPU at once, or one tensor that is larger. */
const UPLOADING_BYTES = 64 * 2 ** 20

/** After so many the GPU is asked to tell when it has got that far, so that reading goes on while it takes in the rest. */
const MARKED_BYTES = 16 * 2 ** 20

/** Weights that were sent one after the other. */
interface Sent {
  bytes: number
  /** Rejects as the GPU does. */
  taken: Promise<unknown>
}

/** Holds weights back until the GPU has taken in enough of those before them. */
export class UploadPace {
  readonly #taken: () => Promise<unknown>
  /** What the GPU was asked about, the oldest first. */
  readonly #marked: Sent[] = []
  #markedBytes = 0
  /** Bytes sent since it was last asked. */
  #unmarked = 0
  /** Of whoever asked last. */
  #turn: Promise<unknown> = Promise.resolve()

  /** `taken` resolves when the GPU is done with everything that was sent to it. */
  constructor(taken: () => Promise<unknown>) {
    this.#taken = taken
  }

  /** Resolves when `bytes` more may be sent; in the order of asking. Rejects as `taken` does. */
  allow(bytes: number): Promise<void> {
    // One at a time: of several that wait for the same bytes to be taken in, each would think that it has all the room.
    const turn = this.#turn.then(() => this.#makeRoom(bytes))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #makeRoom(bytes: number): Promise<void> {
    // What was allowed before this is sent by now, not yet when it was allowed.
    if (this.#unmarked >= MARKED_BYTES) this.#mark()
    while (this.#markedBytes + this.#unmarked + bytes > UPLOADING_BYTES) {
      if (this.#marked.length === 0 && this.#unmarked > 0) this.#mark()
      const oldest = this.#marked.shift()
      if (oldest === undefined) break
      this.#markedBytes -= oldest.bytes
      await oldest.taken
    }
    this.#unmarked += bytes
  }

  #mark(): void {
    const sent = { bytes: this.#unmarked, taken: this.#taken() }
    // Whoever waits for it hears of it; who comes behind that one asks anew.
    sent.taken.catch(() => undefined)
    this.#marked.push(sent)
    this.#markedBytes += sent.bytes
    this.#unmarked = 0
  }
}
