import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { takenInFile, textsInFile } from './read-texts.ts'

const file = (name: string): Blob => new Blob([new Uint8Array(readFileSync(`testing/studio/files/${name}`))])

describe('captions that ExifTool has put into files', () => {
  it.each([
    ['iptc-utf8.jpg', 'ein Café — 猫'],
    ['iptc-latin1.jpg', 'ein Café'],
    ['exif-description.jpg', 'a red field'],
    ['exif-comment.jpg', 'ein Café — 猫'],
    ['xmp-before-iptc.jpg', 'newer words'],
    ['exif.png', 'a red field'],
    ['exif.webp', 'a red field'],
    ['xmp.png', 'a red field'],
  ])('are read from %s', async (name, expected) => {
    expect((await textsInFile(file(name))).description).toBe(expected)
  })

  it('come with alternative texts', async () => {
    expect((await textsInFile(file('xmp-before-iptc.jpg'))).altText).toBe('A red field.')
  })

  it.each(['iptc-utf8.jpg', 'exif-description.jpg', 'xmp-before-iptc.jpg', 'exif.png', 'exif.webp'])(
    'say nothing false and break nothing where %s is cut or altered anywhere',
    async (name) => {
      const bytes = new Uint8Array(readFileSync(`testing/studio/files/${name}`))
      for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 60)) {
        await textsInFile(new Blob([bytes.subarray(0, at)]))
        const altered = bytes.slice()
        altered[at] = 0xff
        await textsInFile(new Blob([altered]))
      }
    },
  )
})

describe('when a picture was taken', () => {
  /** The JPEG with one of its dates as another text of as many characters. */
  const withDates = async (change: (text: string) => string): Promise<Blob> => {
    const bytes = new Uint8Array(await file('taken.jpg').arrayBuffer())
    const text = change(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
    return new Blob([Uint8Array.from(text, (character) => character.charCodeAt(0))])
  }
  const TAKEN = '2001:02:03 04:05:06'
  const DIGITISED = '2002:03:04 05:06:07'

  it.each(['taken.jpg', 'taken.png', 'taken.webp'])(
    'is read from %s, whatever else has a date',
    async (name) => {
      expect(await takenInFile(file(name))).toBe('2001-02-03T04:05:06')
    },
  )

  it.each([
    ['0000:00:00 00:00:00', '2002-03-04T05:06:07'],
    ['    :  :     :  :  ', '2002-03-04T05:06:07'],
    ['2001:02:30 04:05:06', '2002-03-04T05:06:07'],
    ['2000:02:29 23:59:59', '2000-02-29T23:59:59'],
  ])('%j is told from a clock that nobody set', async (text, expected) => {
    expect(await takenInFile(await withDates((all) => all.replaceAll(TAKEN, text)))).toBe(expected)
    const neither = await withDates((all) => all.replaceAll(TAKEN, text).replaceAll(DIGITISED, text))
    expect(await takenInFile(neither)).toBe(expected.startsWith('2002') ? null : expected)
  })

  it.each(['exif.png', 'exif-comment.jpg', 'xmp.png'])('is not known of %s', async (name) => {
    expect(await takenInFile(file(name))).toBeNull()
  })

  it('is nothing false, and breaks nothing, where the file is cut or altered anywhere', async () => {
    const bytes = new Uint8Array(await file('taken.jpg').arrayBuffer())
    for (const at of bytes.keys()) {
      const cut = await takenInFile(new Blob([bytes.subarray(0, at)]))
      const altered = await takenInFile(new Blob([bytes.map((byte, i) => (i === at ? 0xff : byte))]))
      for (const found of [cut, altered])
        if (found !== null) expect(found).toMatch(/^200\d-\d\d-\d\dT[\d:]{8}$/)
    }
  })
})
