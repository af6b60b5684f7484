/** RGB rows → what the vision encoder takes: square bicubic resize, rescale, normalise, channels first. */
import type { Preprocessing } from '../pack/manifest.ts'
import type { Pixels, RgbRows } from './pixels.ts'
import { resizeBicubic } from './resize.ts'

/**
 * float32 [1, 3, size, size], bit for bit what transformers' `BlipImageProcessorPil` gives for the same rows: numpy
 * rescales in float64 and rounds, then subtracts and divides in float32 (`image_transforms.py`, rescale, normalize).
 */
export function preprocess(rows: RgbRows, preprocessing: Preprocessing): Pixels {
  return normalise(resizeBicubic(rows, preprocessing.size), preprocessing)
}

/** The second half of `preprocess`, for who wants a look at the resized picture too: RGB bytes of size × size. */
export function normalise(rgb: Uint8Array, { size, rescaleFactor, mean, std }: Preprocessing): Pixels {
  const area = size * size
  const data = new Float32Array(3 * area)
  for (let channel = 0; channel < 3; channel += 1) {
    const values = normalisedLevels(rescaleFactor, mean[channel] ?? 0, std[channel] ?? 1)
    for (let i = 0; i < area; i += 1) data[channel * area + i] = values[rgb[i * 3 + channel] ?? 0] ?? 0
  }
  return { data, size, brand: 'pixels' }
}

/** The 256 values that a channel's bytes can become. */
function normalisedLevels(rescaleFactor: number, mean: number, std: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, level) => {
    const centred = Math.fround(Math.fround(level * rescaleFactor) - Math.fround(mean))
    return centred / Math.fround(std)
  })
}
