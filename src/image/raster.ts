/** A picture decoded whole: colours and, apart from them, how opaque they are. */
import { rowsOf, type RgbRows } from './pixels.ts'

export interface Raster {
  readonly width: number
  readonly height: number
  /** RGB bytes, row-major, `width` × `height` × 3, as stored: what lies under translucent parts is kept. */
  readonly rgb: Uint8Array
  /** One byte for each pixel, 255 is opaque; null where the picture has no translucent parts. */
  readonly alpha: Uint8Array | null
}

/** `drop` keeps the colours stored under the alpha, as Pillow and so transformers do; `white` lays them on white. */
export type Alpha = 'drop' | 'white'

/** EXIF's orientation: 1 is upright, 6 is to be turned right by a quarter. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

export function blankRaster(width: number, height: number, { alpha }: { alpha: boolean }): Raster {
  const area = width * height
  return {
    width,
    height,
    rgb: new Uint8Array(area * 3),
    alpha: alpha ? new Uint8Array(area).fill(255) : null,
  }
}

/** The picture as a model sees it: upright and without alpha. Where parts are laid on white `raster` is overwritten. */
export function finishRaster(raster: Raster, orientation: Orientation, alpha: Alpha): RgbRows {
  if (alpha === 'white') layOnWhite(raster)
  const { width, height, rgb } = turned(raster, orientation)
  return rowsOf(width, height, rgb)
}

function layOnWhite({ rgb, alpha }: Raster): void {
  if (alpha === null) return
  for (let i = 0; i < alpha.length; i += 1) {
    const opaque = alpha[i] ?? 255
    if (opaque === 255) continue
    for (let at = i * 3; at < i * 3 + 3; at += 1) {
      rgb[at] = Math.round(((rgb[at] ?? 0) * opaque + 255 * (255 - opaque)) / 255)
    }
  }
}

function turned(raster: Raster, orientation: Orientation): Pick<Raster, 'width' | 'height' | 'rgb'> {
  if (orientation === 1) return raster
  const { width, height, rgb } = raster
  // Where the first pixel goes, and how far a step right and a step down in the source move it.
  const across = orientation >= 5
  const outWidth = across ? height : width
  const outHeight = across ? width : height
  const fromRight = orientation === 2 || orientation === 3 || orientation === 6 || orientation === 7
  const fromBottom = orientation === 3 || orientation === 4 || orientation === 7 || orientation === 8
  const start = (fromRight ? outWidth - 1 : 0) + (fromBottom ? outHeight - 1 : 0) * outWidth
  const sideways = fromRight ? -1 : 1
  const downwards = fromBottom ? -outWidth : outWidth
  const [stepX, stepY] = across ? [downwards, sideways] : [sideways, downwards]
  const out = new Uint8Array(rgb.length)
  let from = 0
  for (let y = 0; y < height; y += 1) {
    let to = (start + y * stepY) * 3
    for (let x = 0; x < width; x += 1) {
      out[to] = rgb[from] ?? 0
      out[to + 1] = rgb[from + 1] ?? 0
      out[to + 2] = rgb[from + 2] ?? 0
      from += 3
      to += stepX * 3
    }
  }
  return { width: outWidth, height: outHeight, rgb: out }
}
