/** A picture file → RGB rows, in Node. */
import sharp from 'sharp'
import { inspectImage } from '../image/inspect.ts'
import { rowsOf, type RgbRows } from '../image/pixels.ts'
import { AppError } from '../pack/failure.ts'

/** `drop` keeps the colours stored under the alpha, as Pillow and so transformers do; `white` lays them on white. */
export type Alpha = 'drop' | 'white'

/**
 * Decodes a picture as Pillow's `convert("RGB")` would: embedded colour profiles ignored, grey replicated, palettes
 * expanded, the first frame of an animation. Unlike Pillow it applies EXIF orientation, as transformers does for files.
 */
export async function decodeImage(bytes: Uint8Array, alpha: Alpha = 'drop'): Promise<RgbRows> {
  inspectImage(bytes)
  try {
    const image = sharp(bytes, {
      failOn: 'error',
      ignoreIcc: true,
      limitInputPixels: 2 ** 28,
      pages: 1,
    }).autoOrient()
    const opaque = alpha === 'white' ? image.flatten({ background: '#fff' }) : image.removeAlpha()
    const { data, info } = await opaque.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
    return rowsOf(info.width, info.height, threeChannels(data, info.channels))
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError(
      'bad-image',
      'This picture is damaged or of a kind that cannot be read; save it as JPEG or PNG.',
      { cause },
    )
  }
}

function threeChannels(data: Buffer, channels: number): Uint8Array {
  if (channels === 3) return data
  const pixels = data.length / channels
  const rgb = new Uint8Array(pixels * 3)
  for (let i = 0; i < pixels; i += 1) {
    for (let c = 0; c < 3; c += 1) rgb[i * 3 + c] = data[i * channels + (channels >= 3 ? c : 0)] ?? 0
  }
  return rgb
}
