import { readFileSync } from 'node:fs'
import sharp, { type Metadata } from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { cameraExif, withSegment } from '../../../testing/studio/camera-exif.ts'
import { concatenated, sameBytes } from '../../pack/bytes.ts'
import { readXmp } from '../formats/xmp.ts'
import { exifDescription } from './exif.ts'
import { iptcCaption } from './iptc.ts'
import { verify, withTexts, xmpInFile } from './write-texts.ts'

const TEXTS = { description: 'ein roter Kreis & mehr 🎈', altText: 'A red circle.' }
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(`testing/images/${name}`))
const made: Record<string, Uint8Array> = {}
beforeAll(async () => {
  const picture = sharp(read('good-alpha.png'))
  const exif = picture.clone().withExif({ IFD0: { Artist: 'me' } })
  const thumbnail = new Uint8Array(await picture.clone().resize(8).jpeg().toBuffer())
  Object.assign(made, {
    exif: new Uint8Array(await exif.clone().webp().toBuffer()),
    lossless: new Uint8Array(await picture.clone().webp({ lossless: true }).toBuffer()),
    lossy: new Uint8Array(await picture.clone().removeAlpha().webp().toBuffer()),
    png: new Uint8Array(await exif.clone().png().toBuffer()),
    camera: withSegment(
      read('good-rgb.jpg'),
      0xe1,
      'Exif\0\0',
      cameraExif({ isLittle: true, thumbnail, description: 'what the camera says' }),
    ),
  })
})
const opened = (name: string) => (): Uint8Array => made[name] ?? new Uint8Array()

const files: [string, () => Uint8Array][] = [
  ['JPEG', () => read('good-rgb.jpg')],
  ['JPEG with EXIF', () => read('good-exif6.jpg')],
  ['JPEG of a camera', opened('camera')],
  ['JPEG in CMYK', () => read('good-cmyk.jpg')],
  ['PNG', () => read('good-palette.png')],
  ['PNG with EXIF', opened('png')],
  ['WebP with EXIF', opened('exif')],
  ['lossy WebP without a header', opened('lossy')],
  ['lossless WebP without a header', opened('lossless')],
]

/** What libvips finds of each block, past our own containers. */
function saidIn({ exif, iptc }: Metadata): (string | null)[] {
  const behind = (block: Uint8Array | undefined, name: string): Uint8Array | null => {
    if (block === undefined) return null
    const bytes = new Uint8Array(block)
    const hasName = new TextDecoder('latin1').decode(bytes.subarray(0, name.length)) === name
    return hasName ? bytes.subarray(name.length) : bytes
  }
  const [one, other] = [behind(exif, 'Exif\0\0'), behind(iptc, 'Photoshop 3.0\0')]
  return [one && exifDescription(one), other && iptcCaption(other)]
}

describe.each(files)('a caption in %s', (kind, open) => {
  it('is read back in every form, and the pixels and profile are what they were', async () => {
    const before = open()
    const after = withTexts(before, TEXTS)
    expect(readXmp(xmpInFile(after) ?? '')).toMatchObject(TEXTS)
    const pixels = (file: Uint8Array): Promise<Buffer> => sharp(file).raw().toBuffer()
    expect((await pixels(after)).equals(await pixels(before))).toBe(true)
    const [one, other] = [await sharp(before).metadata(), await sharp(after).metadata()]
    expect(other.xmp?.toString()).toContain('A red circle.')
    expect(saidIn(other)).toEqual([TEXTS.description, kind.startsWith('JPEG') ? TEXTS.description : null])
    const { width, height, hasAlpha, orientation, icc } = other
    expect({ width, height, hasAlpha, orientation, icc }).toEqual({
      width: one.width,
      height: one.height,
      hasAlpha: one.hasAlpha,
      orientation: one.orientation,
      icc: one.icc,
    })
  })

  it('takes the place of the one before, and leaves what else the packet says', async () => {
    const twice = withTexts(withTexts(open(), TEXTS), { description: 'x', altText: 'Another.' })
    expect(readXmp(xmpInFile(twice) ?? '')).toMatchObject({ description: 'x', altText: 'Another.' })
    expect(new TextDecoder().decode(twice).split('W5M0MpCehiHzreSzNTczkc9d')).toHaveLength(2)
    expect(saidIn(await sharp(twice).metadata())[0]).toBe('x')
    const thrice = withTexts(twice, { description: 'x', altText: 'Another.' })
    expect(sameBytes(thrice, twice)).toBe(true)
  })

  it('leaves EXIF and IPTC alone where there is only an alternative text', async () => {
    const [one, other] = [open(), withTexts(open(), { altText: 'Another.' })]
    const [before, after] = [await sharp(one).metadata(), await sharp(other).metadata()]
    expect([after.exif, after.iptc]).toEqual([before.exif, before.iptc])
  })

  it('may have blanks around it and line ends of any kind', () => {
    const after = withTexts(open(), { description: ' a red\r\ncircle.\n', altText: ' ' })
    expect(readXmp(xmpInFile(after) ?? '')).toMatchObject({ description: 'a red\ncircle.', altText: '' })
  })

  it('leaves what other programs have put behind the end of the file', () => {
    const behind = new TextEncoder().encode('a film')
    const after = withTexts(concatenated([open(), behind]), TEXTS)
    expect(sameBytes(after, concatenated([withTexts(open(), TEXTS), behind]))).toBe(true)
  })

  it('is found out where any other byte of the file was changed with it', () => {
    const before = open()
    const after = withTexts(before, TEXTS)
    // What else the packet says is XMP's own affair, and headers say what there is.
    const xmp = new TextDecoder('latin1').decode(after).indexOf('<?xpacket begin')
    const first = kind.includes('WebP') ? 60 : 2
    for (let at = first; at < after.length; at += Math.ceil(after.length / 50)) {
      if (at > xmp - 60 && at < xmp + 900) continue
      const changed = after.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(() => verify(before, changed, TEXTS), `${at} of ${after.length}`).toThrow()
    }
  })

  it('is refused where the file is cut off in its head', () => {
    expect(() => withTexts(open().subarray(0, 25), TEXTS)).toThrow(
      expect.objectContaining({ code: 'bad-file' }),
    )
  })
})

describe('a file is left alone, with why,', () => {
  const jpeg = read('good-rgb.jpg')
  const thumbnail = Uint8Array.of(0xff, 0xd8, 0xff, 0xd9)
  const exif = cameraExif({ isLittle: false, thumbnail })
  const refused = (file: Uint8Array, texts = TEXTS): string => {
    try {
      withTexts(file, texts)
      return ''
    } catch (error) {
      expect(error).toMatchObject({ code: 'bad-file' })
      return error instanceof Error ? error.message : ''
    }
  }

  it.each(['good-animated.gif', 'bad-text.jpg', 'bad-empty.png'])('that is %s', (name) => {
    expect(refused(read(name))).not.toBe('')
  })

  it('whose EXIF is damaged or there twice', () => {
    const cut = withSegment(jpeg, 0xe1, 'Exif\0\0', exif.subarray(0, 40))
    expect(refused(cut)).toContain('EXIF in this picture is damaged')
    const once = withSegment(jpeg, 0xe1, 'Exif\0\0', exif)
    expect(refused(withSegment(once, 0xe1, 'Exif\0\0', exif))).toContain('in several parts')
  })

  it('whose XMP is there twice: the second packet may say more', () => {
    const packet = new TextEncoder().encode(xmpInFile(withTexts(jpeg, TEXTS)) ?? '')
    const name = 'http://ns.adobe.com/xap/1.0/\0'
    const once = withSegment(jpeg, 0xe1, name, packet)
    expect(refused(withSegment(once, 0xe1, name, packet))).toContain('in several parts')
  })

  it('whose metadata is in a form of old that a caption would hide', () => {
    const comment = new TextEncoder().encode('Raw profile type exif\0\0')
    const chunk = new Uint8Array(12 + comment.length)
    new DataView(chunk.buffer).setUint32(0, comment.length)
    chunk.set(new TextEncoder().encode('zTXt'), 4)
    chunk.set(comment, 8)
    const png = read('good-palette.png')
    // Behind the signature and the header.
    const at = 8 + 25
    expect(refused(concatenated([png.subarray(0, at), chunk, png.subarray(at)]))).toContain('older programs')
  })

  it('that has no room for so much', () => {
    const full = withSegment(jpeg, 0xe1, 'Exif\0\0', concatenated([exif, new Uint8Array(64_000)]))
    expect(refused(full, { ...TEXTS, description: 'x'.repeat(2000) })).toContain('no room')
  })

  it('where an index of pictures stands before metadata that would grow', () => {
    const index = new TextEncoder().encode('MPF\0II*\0')
    const behind = withSegment(withSegment(jpeg, 0xe1, 'Exif\0\0', exif), 0xe2, '', index)
    expect(refused(behind)).toContain('by place')
    const before = withSegment(withSegment(jpeg, 0xe2, '', index), 0xe1, 'Exif\0\0', exif)
    expect(refused(before)).toBe('')
  })

  it('where a camera’s notes say at which place a picture lies behind this one', () => {
    const place = 12_345
    const [known, other] = [place, place + 1].map((preview) => {
      const notes = cameraExif({ isLittle: true, thumbnail, preview })
      const file = withSegment(jpeg, 0xe1, 'Exif\0\0', notes)
      // The notes count from where EXIF begins, twelve bytes into the file.
      return concatenated([file, new Uint8Array(place + 12 - file.length), jpeg])
    })
    expect(refused(known ?? jpeg)).toContain('by place')
    expect(refused(other ?? jpeg)).toBe('')
  })

  it('whose EXIF its header does not know of', () => {
    const silent = opened('exif')().slice()
    silent[20] = (silent[20] ?? 0) & ~0x08
    expect(refused(silent)).toContain('header does not know')
  })
})
