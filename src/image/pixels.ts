/** A picture on its way into the model: rows of RGB bytes first, normalised pixels last. */

/** A decoded picture that is read in bands of rows, so that a huge photograph needs no second full copy. */
export interface RgbRows {
  readonly width: number
  readonly height: number
  /** RGB bytes, row-major, `count` × width × 3. */
  readRows(start: number, count: number): Uint8Array
}

/** Normalised pixels, float32 [1, 3, size, size] (channels first). Made by `preprocess` only. */
export interface Pixels {
  readonly data: Float32Array<ArrayBuffer>
  readonly size: number
  readonly brand: 'pixels'
}

/** Rows over bytes that are in memory already. */
export function rowsOf(width: number, height: number, rgb: Uint8Array): RgbRows {
  return {
    width,
    height,
    readRows: (start, count) => rgb.subarray(start * width * 3, (start + count) * width * 3),
  }
}
