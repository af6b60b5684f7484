/** Pictures as a few pixels, as the browser draws them. */
import type { Rows } from './studio/duplicates.ts'

/** Eight for each field of a print, so that none is a matter of one pixel. */
const [WIDTH, HEIGHT] = [72, 64]

/** RGB rows of a picture, whatever its shape. Rejects for what the browser cannot draw. */
export async function smallRows(image: Blob): Promise<Rows> {
  const drawn = await createImageBitmap(image, {
    resizeWidth: WIDTH,
    resizeHeight: HEIGHT,
    resizeQuality: 'medium',
  })
  try {
    const context = new OffscreenCanvas(WIDTH, HEIGHT).getContext('2d', { willReadFrequently: true })
    if (context === null) throw new Error('This browser gives no canvas.')
    context.drawImage(drawn, 0, 0)
    const { data } = context.getImageData(0, 0, WIDTH, HEIGHT)
    const rows = new Uint8ClampedArray(3 * WIDTH * HEIGHT)
    for (let i = 0; i < WIDTH * HEIGHT; i += 1) rows.set(data.subarray(4 * i, 4 * i + 3), 3 * i)
    return { width: WIDTH, height: HEIGHT, data: rows }
  } finally {
    drawn.close()
  }
}
