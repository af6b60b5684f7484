/** Why a picture is refused, each in one sentence that says what to do. */
import { AppError } from '../pack/failure.ts'

/** Above this a decoded picture alone takes a gigabyte; the largest phone cameras make 200 megapixels. */
const MAX_PIXELS = 2 ** 28
/** The longest side that canvases and decoders of today's browsers take. */
const MAX_SIDE = 32_767

export function refusedPicture(message: string, cause?: unknown): AppError {
  return new AppError('bad-image', message, { cause })
}

export function cutOff(): AppError {
  return refusedPicture('This picture is cut off before its end; copy or download it again.')
}

/** `kind` is the format's name as people write it. */
export function damaged(kind: string, cause?: unknown): AppError {
  return refusedPicture(`This ${kind} picture is damaged or cut off; copy or download it again.`, cause)
}

/** Before anything of a picture's size is set up. Throws `bad-image` and `image-too-large`. */
export function checkSize(width: number, height: number): void {
  if (!(width >= 1 && height >= 1))
    throw refusedPicture('This picture has no size; save it again as JPEG or PNG.')
  if (width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS) {
    const limit = `more than ${Math.floor(MAX_PIXELS / 1e6)} megapixels or ${MAX_SIDE} a side`
    throw new AppError(
      'image-too-large',
      `This picture is too large (${width} × ${height}: ${limit}); make it smaller.`,
    )
  }
}
