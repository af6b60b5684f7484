/** A picture file → what a model is given, and what can be told of the picture on the way. */
import type { Preprocessing } from '../pack/manifest.ts'
import type { Network } from '../remote/network.ts'
import { browserPlatform } from './browser-platform.ts'
import { withPicture } from './decode-picture.ts'
import { looksPhotographed } from './drawn-or-photographed.ts'
import { rowsOf, type Pixels, type RgbRows } from './pixels.ts'
import { normalise } from './preprocess.ts'
import { resizeBicubic } from './resize.ts'

export interface PictureRead {
  pixels: Pixels
  /** Of the picture itself. */
  width: number
  height: number
  /** It has the shades of a photograph; a drawing has not. */
  photograph: boolean
}

/**
 * In a browser's worker. Translucent parts lie on white, as the visitor sees them on the page. Throws `bad-image`,
 * `image-too-large`, and `network` or `stalled` where a codec had to be fetched over `network` first.
 */
export async function readPicture(
  image: Blob,
  preprocessing: Preprocessing,
  network: Network,
): Promise<PictureRead> {
  const file = new Uint8Array(await image.arrayBuffer())
  return withPicture(file, 'white', browserPlatform(network), (rows) => pictureOf(rows, preprocessing))
}

export function pictureOf(rows: RgbRows, preprocessing: Preprocessing): PictureRead {
  const { size } = preprocessing
  const rgb = resizeBicubic(rows, size)
  return {
    pixels: normalise(rgb, preprocessing),
    width: rows.width,
    height: rows.height,
    // The small picture tells as much as the large one, which would have to be read a second time.
    photograph: looksPhotographed(rowsOf(size, size, rgb)),
  }
}
