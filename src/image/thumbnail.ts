/** Small pictures, in a browser's worker. */
import { refusedPicture } from './refusal.ts'

/** The longer side: sharp on a grid of 160 CSS pixels on most screens, and some 6 kB. */
const SIDE = 192
const QUALITY = 0.75

export interface Thumbnail {
  /** A JPEG; translucent parts lie on white. */
  bytes: Uint8Array<ArrayBuffer>
  /** Of the picture itself, as it is shown. */
  width: number
  height: number
}

/** Throws `bad-image` for what this browser cannot show. */
export async function thumbnailOf(image: Blob): Promise<Thumbnail> {
  const bitmap = await createImageBitmap(image, { imageOrientation: 'from-image' }).catch(
    (cause: unknown) => {
      throw refusedPicture('This browser cannot show this picture; save it as JPEG or PNG.', cause)
    },
  )
  try {
    const { width, height } = bitmap
    const scale = Math.min(1, SIDE / Math.max(width, height))
    const canvas = new OffscreenCanvas(side(width * scale), side(height * scale))
    const context = canvas.getContext('2d')
    if (context === null) throw new Error('There is no canvas.')
    context.fillStyle = 'white'
    context.fillRect(0, 0, canvas.width, canvas.height)
    context.imageSmoothingQuality = 'high'
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
    const small = await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY })
    return { bytes: new Uint8Array(await small.arrayBuffer()), width, height }
  } finally {
    bitmap.close()
  }
}

function side(pixels: number): number {
  return Math.max(1, Math.round(pixels))
}
