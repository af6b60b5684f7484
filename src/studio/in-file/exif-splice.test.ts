import { describe, expect, it } from 'vitest'
import { cameraExif, IMAGE_TYPE } from '../../../testing/studio/camera-exif.ts'
import { exifDescription } from './exif.ts'
import { isExifButDescription, withExifDescription } from './exif-splice.ts'
import { entriesAt, openTiff, type Tiff } from './tiff.ts'

const thumbnail = Uint8Array.of(0xff, 0xd8, 0xff, 0xd9)
const blocks = [true, false].flatMap((isLittle) =>
  [undefined, 'what the camera says'].map((description) =>
    cameraExif({ isLittle, thumbnail, ...(description !== undefined && { description }) }),
  ),
)

/** The place that a field holds. */
function placeIn(tiff: Tiff, directory: number, tag: number): number {
  const entry = entriesAt(tiff, directory).find((one) => one.tag === tag)
  return tiff.view.getUint32((entry?.at ?? 0) + 8, tiff.isLittle)
}

describe.each(blocks.map((block, i) => [i, block] as const))('camera EXIF %i', (_, block) => {
  it.each(['', 'cat', 'a cat', 'Eine Katze — 猫', 'x'.repeat(3000)])(
    'says "%s", and every other byte lies where it lay',
    (text) => {
      const after = withExifDescription(block, text)
      expect(exifDescription(after)).toBe(text)
      expect(isExifButDescription(block, after, text)).toBe(true)
      const differ = [...block.keys()].filter((at) => block[at] !== after[at])
      expect((differ.at(-1) ?? 0) - (differ[0] ?? 0)).toBeLessThan(12)
      const tiff = openTiff(after) ?? expect.fail()
      const note = placeIn(tiff, placeIn(tiff, tiff.first, 0x8769), 0x927c)
      const at = placeIn(tiff, note, 0x0006)
      expect(new TextDecoder().decode(after.subarray(at, at + IMAGE_TYPE.length))).toBe(IMAGE_TYPE)
      const [count, tags] = [entriesAt(tiff, tiff.first).length, entriesAt(tiff, tiff.first)]
      const second = tiff.view.getUint32(tiff.first + 2 + 12 * count, tiff.isLittle)
      const small = placeIn(tiff, second, 0x0201)
      expect(after.subarray(small, small + thumbnail.length)).toEqual(thumbnail)
      expect(tags.map(({ tag }) => tag)).toEqual([0x010e, 0x010f, 0x0110, 0x8769])
    },
  )

  it('grows by nothing where it says that already', () => {
    const once = withExifDescription(block, 'a cat')
    expect(withExifDescription(once, 'a cat')).toBe(once)
  })

  it('is no good where anything else was changed', () => {
    const after = withExifDescription(block, 'a cat')
    for (let at = 0; at < block.length; at += 1) {
      const changed = after.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      let isGood = false
      try {
        isGood = isExifButDescription(block, changed, 'a cat')
      } catch {
        // It is no EXIF any more.
      }
      expect(isGood, `byte ${at}`).toBe(false)
    }
  })

  it('is refused where it is cut off before its directory ends', () => {
    for (let bytes = 0; bytes < 50; bytes += 1)
      expect(() => withExifDescription(block.subarray(0, bytes), 'x')).toThrow(/damaged/)
  })
})

it('EXIF of nothing but a description has one entry', () => {
  const block = withExifDescription(null, 'a cat')
  expect(exifDescription(block)).toBe('a cat')
  expect(isExifButDescription(null, block, 'a cat')).toBe(true)
  expect(isExifButDescription(null, cameraExif({ isLittle: true, thumbnail, description: 'x' }), 'x')).toBe(
    false,
  )
})
