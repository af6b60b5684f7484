import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { RgbRows } from '../image/pixels.ts'
import { AppError } from '../pack/failure.ts'
import { decodeImage } from './decode-image.ts'

const open = (name: string): Buffer => readFileSync(`testing/images/${name}`)
const allOf = (rows: RgbRows): Uint8Array => rows.readRows(0, rows.height)

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  return a.length === b.length
    ? a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - (b[i] ?? 999))), 0)
    : Infinity
}

/** Mean levels; the palette picture was dithered when it was made. What Pillow makes of each is in `pictures.test.ts`. */
const TOLERANCE: Record<string, number> = { 'good-palette.png': 25 }

describe('decodeImage', () => {
  it.each(['good-rgb16.png', 'good-alpha.png'])(
    'gives the same bytes for %s as for the plain picture',
    async (name) => {
      const plain = allOf(await decodeImage(open('good-rgb.png')))
      expect(largestDifference(allOf(await decodeImage(open(name))), plain)).toBe(0)
    },
  )

  it('replicates grey', async () => {
    const rows = allOf(await decodeImage(open('good-grey.png')))
    expect([rows[0], rows[1]]).toEqual([rows[1], rows[2]])
    expect(largestDifference(allOf(await decodeImage(open('good-grey16.png'))), rows)).toBe(0)
  })

  it('lays translucent parts on white when asked to', async () => {
    const white = allOf(await decodeImage(open('good-alpha.png'), 'white'))
    expect([...white.subarray(0, 3)]).toEqual([255, 255, 255])
  })

  it.each([
    ['good-exif3.jpg', 160, 120],
    ['good-exif6.jpg', 120, 160],
    ['good-exif8.jpg', 120, 160],
  ])('turns %s as its EXIF orientation says', async (name, width, height) => {
    const rows = await decodeImage(open(name))
    expect([rows.width, rows.height]).toEqual([width, height])
  })

  it.each(['good-animated.gif', 'good-rgb.webp', 'good-palette.png'])('reads %s', async (name) => {
    const plain = allOf(await decodeImage(open('good-rgb.png')))
    const read = allOf(await decodeImage(open(name)))
    const mean = read.reduce((sum, value, i) => sum + Math.abs(value - (plain[i] ?? 0)), 0) / plain.length
    expect(mean).toBeLessThan(TOLERANCE[name] ?? 12)
  })

  it.each([
    ['bad-empty.png', 'bad-image', /empty/],
    ['bad-truncated.png', 'bad-image', /cut off/],
    ['bad-truncated.jpg', 'bad-image', /cut off/],
    ['bad-text.jpg', 'bad-image', /not a picture/],
    ['bad-script.svg', 'bad-image', /SVG/],
    ['bad-huge.png', 'image-too-large', /20000 × 20000/],
    ['bad-photo.heic', 'bad-image', /JPEG or PNG/],
  ])('refuses %s with one sentence', async (name, code, sentence) => {
    const failure: unknown = await decodeImage(open(name)).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(AppError)
    expect(failure).toMatchObject({ code, message: expect.stringMatching(sentence) as string })
  })
})
