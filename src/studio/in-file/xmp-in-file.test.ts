import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { readXmp } from '../formats/xmp.ts'
import { verify, withXmpInFile, xmpInFile } from './xmp-in-file.ts'

const TEXTS = { description: 'ein roter Kreis & mehr 🎈', altText: 'A red circle.' }
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(`testing/images/${name}`))
let webp = new Uint8Array()
beforeAll(async () => {
  const picture = sharp(read('good-alpha.png')).withExif({ IFD0: { Artist: 'me' } })
  webp = new Uint8Array(await picture.webp().toBuffer())
})

const files: [string, () => Uint8Array][] = [
  ['JPEG', () => read('good-rgb.jpg')],
  ['JPEG with EXIF', () => read('good-exif6.jpg')],
  ['JPEG in CMYK', () => read('good-cmyk.jpg')],
  ['PNG', () => read('good-palette.png')],
  ['WebP with EXIF', () => webp],
]

describe.each(files)('a caption in %s', (_, open) => {
  it('is read back, and the pixels and EXIF are what they were', async () => {
    const before = open()
    const after = withXmpInFile(before, TEXTS)
    expect(readXmp(xmpInFile(after) ?? '')).toMatchObject(TEXTS)
    const pixels = (file: Uint8Array): Promise<Buffer> => sharp(file).raw().toBuffer()
    expect((await pixels(after)).equals(await pixels(before))).toBe(true)
    const [one, other] = [await sharp(before).metadata(), await sharp(after).metadata()]
    expect(other.exif).toEqual(one.exif)
    expect(other.xmp?.toString()).toContain('A red circle.')
  })

  it('takes the place of the one before, and leaves what else the packet says', () => {
    const twice = withXmpInFile(withXmpInFile(open(), TEXTS), { altText: 'Another.' })
    expect(readXmp(xmpInFile(twice) ?? '')).toMatchObject({ ...TEXTS, altText: 'Another.' })
    expect(new TextDecoder().decode(twice).split('W5M0MpCehiHzreSzNTczkc9d')).toHaveLength(2)
  })

  it('may have blanks around it and line ends of any kind', () => {
    const after = withXmpInFile(open(), { description: ' a red\r\ncircle.\n', altText: ' ' })
    expect(readXmp(xmpInFile(after) ?? '')).toMatchObject({ description: 'a red\ncircle.', altText: '' })
  })

  it('leaves what other programs have put behind the end of the file', () => {
    const behind = new TextEncoder().encode('a film')
    const after = withXmpInFile(Uint8Array.of(...open(), ...behind), TEXTS)
    expect(after).toEqual(Uint8Array.of(...withXmpInFile(open(), TEXTS), ...behind))
  })

  it('is found out where another byte of the file was changed with it', () => {
    const after = withXmpInFile(open(), TEXTS)
    const at = after.length - 40
    const changed = after.slice()
    // In WebP the packet stands last, so its pixels are hit from the front.
    const place = new TextDecoder('latin1').decode(after.subarray(0, 4)) === 'RIFF' ? 60 : at
    changed[place] = (changed[place] ?? 0) ^ 1
    expect(() => verify(open(), changed, TEXTS)).toThrow()
  })

  it('is refused where the file is cut off in its head', () => {
    expect(() => withXmpInFile(open().subarray(0, 25), TEXTS)).toThrow(
      expect.objectContaining({ code: 'bad-file' }),
    )
  })
})

it.each(['good-rgb.webp', 'good-animated.gif', 'bad-text.jpg', 'bad-empty.png'])(
  '%s is left alone, with why',
  (name) => {
    expect(() => withXmpInFile(read(name), TEXTS)).toThrow(expect.objectContaining({ code: 'bad-file' }))
  },
)
