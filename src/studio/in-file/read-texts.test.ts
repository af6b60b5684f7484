import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { textsInFile } from './read-texts.ts'

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
