/** A picture file as a model takes it. */
import type { Pixels } from '../image/pixels.ts'
import { preprocess } from '../image/preprocess.ts'
import type { Alpha } from '../image/raster.ts'
import type { Preprocessing } from '../pack/manifest.ts'
import { decodeImage } from './decode-image.ts'
import { readWhole } from './files.ts'
import { fromHere } from './from-here.ts'

/** Far above every picture: what is larger is no picture, and would be read into memory before anybody sees that. */
const LARGEST_PICTURE_BYTES = 2 ** 30

export async function readPicture(image: string, alpha: Alpha): ReturnType<typeof decodeImage> {
  return decodeImage(await readWhole(fromHere(image), LARGEST_PICTURE_BYTES), alpha)
}

export async function readPixels(image: string, preprocessing: Preprocessing, alpha: Alpha): Promise<Pixels> {
  return preprocess(await readPicture(image, alpha), preprocessing)
}
