/** Image features of the pictures that were looked at last, where they were computed, for who else can use them. */
import { countOf, ELEMENT_BYTES, type DeviceTensor } from '../runtime/ort/tensor.ts'

/** 23 pictures of a published model, of 1.4 MB each; as many of a small one. */
const MOST = { bytes: 32 * 2 ** 20, pictures: 24 }

export class LastFeatures {
  /** By picture, the latest last. */
  readonly #features = new Map<string, DeviceTensor>()
  readonly #most: typeof MOST

  constructor(most = MOST) {
    this.#most = most
  }

  get(pictureId: string): DeviceTensor | undefined {
    return this.#features.get(pictureId)
  }

  /** Takes them over. */
  put(pictureId: string, features: DeviceTensor): void {
    this.remove(pictureId)
    this.#features.set(pictureId, features)
    let bytes = [...this.#features.values()].reduce((sum, one) => sum + bytesOf(one), 0)
    for (const [id, one] of this.#features) {
      if (bytes <= this.#most.bytes && this.#features.size <= this.#most.pictures) break
      bytes -= bytesOf(one)
      this.remove(id)
    }
  }

  remove(pictureId: string): void {
    this.#features.get(pictureId)?.dispose()
    this.#features.delete(pictureId)
  }

  clear(): void {
    for (const id of [...this.#features.keys()]) this.remove(id)
  }
}

function bytesOf({ dims }: DeviceTensor): number {
  return countOf(dims) * ELEMENT_BYTES.float32
}
