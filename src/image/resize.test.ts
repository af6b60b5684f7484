import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { rowsOf, type RgbRows } from './pixels.ts'
import { resizeBicubic } from './resize.ts'

interface Expected {
  cases: { width: number; height: number; size: number; sha256: string }[]
}

const { cases } = JSON.parse(readFileSync('models/reference/preprocessing.json', 'utf8')) as Expected

/** The formula that preprocessing.json states. */
function picture(width: number, height: number): RgbRows {
  const rgb = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let c = 0; c < 3; c += 1)
        rgb[(y * width + x) * 3 + c] = (x * 7 + y * 13 + c * 29 + ((x * y) % 17) * 5) & 255
    }
  }
  return rowsOf(width, height, rgb)
}

describe('resizeBicubic', () => {
  it.each(cases)(
    'gives the bytes that Pillow gives for $width × $height → $size',
    ({ width, height, size, sha256 }) => {
      const bytes = resizeBicubic(picture(width, height), size)
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
    },
  )
})
