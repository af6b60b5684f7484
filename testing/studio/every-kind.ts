/** A folder of pictures of every kind that people have, broken ones among them, as files in memory. */
import { readFileSync } from 'node:fs'
import sharp, { type Sharp } from 'sharp'
import { cameraExif, withSegment } from './camera-exif.ts'

export interface KindOfPicture {
  name: string
  /** Whether captions can be put into the file itself. */
  holdsTexts: boolean
  make: (side: number) => Promise<Uint8Array>
}

const EXIF = { IFD0: { Artist: 'somebody', Copyright: 'nobody' }, IFD3: { GPSLatitudeRef: 'N' } }

/** Two fields of colour whose sizes follow from `side`. */
function drawn(side: number): Sharp {
  const data = Uint8Array.from({ length: 3 * side * side }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % side, Math.floor(i / 3 / side)]
    return [200, (7 * side) % 256, x > y ? 40 : 220][i % 3] ?? 0
  })
  return sharp(data, { raw: { width: side, height: side, channels: 3 } })
}

async function ofCamera(side: number): Promise<Uint8Array> {
  const thumbnail = new Uint8Array(await drawn(8).jpeg().toBuffer())
  const exif = cameraExif({ isLittle: side % 2 === 0, thumbnail })
  return withSegment(new Uint8Array(await drawn(side).jpeg().toBuffer()), 0xe1, 'Exif\0\0', exif)
}

const sample =
  (name: string, folder = 'testing/images') =>
  (): Promise<Uint8Array> =>
    Promise.resolve(new Uint8Array(readFileSync(`${folder}/${name}`)))

export const KINDS: readonly KindOfPicture[] = [
  { name: 'plain.jpg', holdsTexts: true, make: (side) => drawn(side).jpeg().toBuffer() },
  {
    name: 'progressive.jpeg',
    holdsTexts: true,
    make: (side) => drawn(side).jpeg({ progressive: true }).toBuffer(),
  },
  { name: 'grey.jpg', holdsTexts: true, make: (side) => drawn(side).greyscale().jpeg().toBuffer() },
  {
    name: 'exif.jpg',
    holdsTexts: true,
    make: (side) => drawn(side).withExif(EXIF).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  },
  {
    name: 'profile.jpg',
    holdsTexts: true,
    make: (side) => drawn(side).withIccProfile('p3').jpeg().toBuffer(),
  },
  { name: 'cmyk.jpg', holdsTexts: true, make: sample('good-cmyk.jpg') },
  { name: 'camera.jpg', holdsTexts: true, make: ofCamera },
  { name: 'agency.jpg', holdsTexts: true, make: sample('iptc-utf8.jpg', 'testing/studio/files') },
  { name: 'plain.png', holdsTexts: true, make: (side) => drawn(side).png().toBuffer() },
  { name: 'palette.png', holdsTexts: true, make: (side) => drawn(side).png({ palette: true }).toBuffer() },
  { name: 'alpha.png', holdsTexts: true, make: (side) => drawn(side).ensureAlpha(0.5).png().toBuffer() },
  { name: 'deep.png', holdsTexts: true, make: sample('good-rgb16.png') },
  { name: 'exif.webp', holdsTexts: true, make: (side) => drawn(side).withExif(EXIF).webp().toBuffer() },
  { name: 'simple.webp', holdsTexts: true, make: (side) => drawn(side).webp().toBuffer() },
  { name: 'moving.gif', holdsTexts: false, make: sample('good-animated.gif') },
  { name: 'new.avif', holdsTexts: false, make: (side) => drawn(side).avif({ effort: 0 }).toBuffer() },
  { name: 'large.tiff', holdsTexts: false, make: (side) => drawn(side).tiff().toBuffer() },
  {
    name: 'cut.jpg',
    holdsTexts: false,
    make: async (side) => (await drawn(side).jpeg().toBuffer()).subarray(0, 25),
  },
  {
    name: 'cut.png',
    holdsTexts: false,
    make: async (side) => (await drawn(side).png().toBuffer()).subarray(0, 40),
  },
  { name: 'empty.png', holdsTexts: false, make: () => Promise.resolve(new Uint8Array()) },
  {
    name: 'words.jpg',
    holdsTexts: false,
    make: () => Promise.resolve(new TextEncoder().encode('no picture')),
  },
  { name: 'phone.heic', holdsTexts: false, make: sample('bad-photo.heic') },
]

export interface MadePicture {
  path: string
  holdsTexts: boolean
  bytes: Uint8Array
}

/** `rounds` of each kind, in folders whose names are as people's are. */
export async function everyKind(rounds: number): Promise<MadePicture[]> {
  const folders = ['', 'summer 2024/', 'summer 2024/São João, "best"/', '写真/']
  const made: MadePicture[] = []
  for (let round = 0; round < rounds; round += 1)
    for (const { name, holdsTexts, make } of KINDS) {
      const path = `${folders[round % folders.length] ?? ''}${round}-${name}`
      made.push({ path, holdsTexts, bytes: new Uint8Array(await make(8 + round)) })
    }
  return made
}

/** Captions that break what is written carelessly. */
export const HARD_TEXTS = [
  'a red circle to the left of a blue triangle',
  'she said "hello, world", then left; 3 < 4 & 5 > 2',
  'comma, quote " and\nline end',
  'naïve café — 写真の猫 🐈‍⬛',
  "=SUM(A1:A2) 'quoted' `code` *stars* _under_ [link](x) <b>",
  '  spaces around   it ',
  'trailing backslash \\',
]

export function textFor(index: number): string {
  return `${HARD_TEXTS[index % HARD_TEXTS.length] ?? ''} (${index})`.trim()
}
