/** A picture file → RGB rows, in a browser worker. */
import { AppError } from '../pack/failure.ts'
import { inspectImage } from './inspect.ts'
import type { RgbRows } from './pixels.ts'

/** Rows per strip of canvas: a strip of the widest picture has 32 MiB. */
const STRIP_ROWS = 256

/**
 * Decodes `blob` and hands its rows to `use`; the picture is freed when `use` returns. EXIF orientation is applied,
 * embedded colour profiles are not (the reference ignores them). Translucent parts lie on white, as the visitor sees
 * them on the page, where transformers would show whatever colour is stored beneath.
 */
export async function withImage<T>(blob: Blob, use: (rows: RgbRows) => T): Promise<T> {
  const { format } = inspectImage(new Uint8Array(await blob.arrayBuffer()))
  const bitmap = await decode(blob, format)
  try {
    return use(stripsOf(bitmap))
  } finally {
    bitmap.close()
  }
}

async function decode(blob: Blob, format: string): Promise<ImageBitmap> {
  try {
    // Some decoders go by the stated type, which a wrong file name can have got wrong.
    const typed = new Blob([blob], { type: `image/${format}` })
    return await createImageBitmap(typed, { imageOrientation: 'from-image', colorSpaceConversion: 'none' })
  } catch (cause) {
    throw new AppError(
      'bad-image',
      'This picture is damaged or of a kind that this browser cannot read; save it as JPEG or PNG.',
      { cause },
    )
  }
}

function stripsOf(bitmap: ImageBitmap): RgbRows {
  const { width, height } = bitmap
  const canvas = new OffscreenCanvas(width, Math.min(height, STRIP_ROWS))
  const context = canvas.getContext('2d', { willReadFrequently: true })
  if (context === null)
    throw new AppError('out-of-memory', 'There is not enough memory to read this picture; close other tabs.')
  let loaded = { start: 0, count: 0, rgba: new Uint8ClampedArray() }
  const load = (start: number): void => {
    const count = Math.min(canvas.height, height - start)
    context.fillStyle = '#fff'
    context.fillRect(0, 0, width, count)
    context.drawImage(bitmap, 0, start, width, count, 0, 0, width, count)
    loaded = { start, count, rgba: context.getImageData(0, 0, width, count).data }
  }
  return {
    width,
    height,
    readRows(start, count) {
      const rgb = new Uint8Array(count * width * 3)
      for (let row = 0; row < count; row += 1) {
        const y = start + row
        if (y < loaded.start || y >= loaded.start + loaded.count) load(y)
        dropAlpha(loaded.rgba, (y - loaded.start) * width * 4, rgb, row * width * 3, width)
      }
      return rgb
    },
  }
}

function dropAlpha(rgba: Uint8ClampedArray, from: number, rgb: Uint8Array, to: number, pixels: number): void {
  for (let i = 0; i < pixels; i += 1) {
    rgb[to + i * 3] = rgba[from + i * 4] ?? 0
    rgb[to + i * 3 + 1] = rgba[from + i * 4 + 1] ?? 0
    rgb[to + i * 3 + 2] = rgba[from + i * 4 + 2] ?? 0
  }
}
