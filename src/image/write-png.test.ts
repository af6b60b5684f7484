import { expect, it } from 'vitest'
import { heatSheet } from './heat-map.ts'
import { readPng } from './png.ts'
import { writePng } from './write-png.ts'

it('a PNG that was written is read as the same pixels', () => {
  const rgb = Uint8Array.from({ length: 5 * 3 * 3 }, (_, i) => (i * 37) % 256)
  const { raster } = readPng(writePng(5, 3, rgb))
  expect([raster.width, raster.height]).toEqual([5, 3])
  expect(raster.alpha).toBeNull()
  expect([...raster.rgb]).toEqual([...rgb])
})

it('the warmest patch of each map is red on its own place of the picture, and the class token is none', () => {
  // Two queries of one layer over 2 × 2 patches; the class token, the first of each, has most.
  const values = Float32Array.from([0.6, 0, 0.4, 0, 0, 0.7, 0, 0, 0.1, 0.2])
  const sheet = heatSheet({ layers: 1, queries: 2, tokens: 5, values }, new Uint8Array(4 * 4 * 3), 4)
  expect([sheet.width, sheet.height]).toEqual([10, 4])
  const red = (x: number, y: number): number => sheet.rgb[3 * (y * sheet.width + x)] ?? -1
  expect([red(3, 1), red(0, 0), red(0, 3), red(3, 3)]).toEqual([255, 0, 0, 0])
  expect([red(6 + 3, 3), red(6 + 1, 2), red(6, 0)]).toEqual([255, 128, 0])
})
