import sharp, { type OutputInfo, type Sharp } from 'sharp'
import { describe, expect, it } from 'vitest'
import { photoLike } from '../../testing/photo-like.ts'
import { decodeImage } from '../cli/decode-image.ts'
import { drawScene } from '../scenes/draw.ts'
import { seededRandom } from '../scenes/random.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../scenes/scene.ts'
import { looksPhotographed, shareOfCommonColours } from './drawn-or-photographed.ts'

const SEEDS = Array.from({ length: 100 }, (_, i) => FIRST_HELD_OUT_SEED + i)

interface Picture {
  data: Buffer
  info: OutputInfo
}

const drawn = new Map<number, Promise<Picture>>()

/** The picture of a seed, drawn once for all that is done to it. */
async function sceneOf(seed: number): Promise<Sharp> {
  const pixels = seededRandom(seed).pick([112, 224, 448])
  const known = drawn.get(seed) ?? rawOf(sharp(Buffer.from(drawScene(makeScene(seed), { pixels }))).flatten())
  drawn.set(seed, known)
  return pictureOf(await known)
}

function rawOf(picture: Sharp): Promise<Picture> {
  return picture.raw().toBuffer({ resolveWithObject: true })
}

function pictureOf({ data, info: { width, height, channels } }: Picture): Sharp {
  return sharp(data, { raw: { width, height, channels } })
}

/** The seeds whose scenes pass as photographs after what `change` does to them. */
async function mistaken(change: (scene: Sharp, seed: number) => Promise<Buffer>): Promise<number[]> {
  const wrong: number[] = []
  for (const seed of SEEDS) {
    const file = await change(await sceneOf(seed), seed)
    if (looksPhotographed(await decodeImage(file))) wrong.push(seed)
  }
  return wrong
}

describe('a drawn scene', () => {
  it('does not look photographed', async () => {
    expect(await mistaken((scene) => scene.png().toBuffer())).toEqual([])
  })

  it('does not with blur, other light and a JPEG of low quality', async () => {
    const wrong = await mistaken(async (scene, seed) => {
      const random = seededRandom(seed)
      const lit = await rawOf(scene.modulate({ brightness: random.between(0.8, 1.15) }))
      return pictureOf(lit)
        .blur(random.between(0.4, 1.1))
        .jpeg({ quality: Math.round(random.between(45, 95)) })
        .toBuffer()
    })
    expect(wrong).toEqual([])
  })

  it('does not in grey', async () => {
    expect(await mistaken((scene) => scene.greyscale().png().toBuffer())).toEqual([])
  })

  it('does not when it is turned a little', async () => {
    const wrong = await mistaken((scene, seed) =>
      scene.rotate(seededRandom(seed).between(-8, 8), { background: '#fff' }).jpeg().toBuffer(),
    )
    expect(wrong).toEqual([])
  })
})

describe('a picture with the shades of nature', () => {
  it.each([
    { seed: 1, width: 300, height: 300 },
    { seed: 2, width: 640, height: 480 },
    { seed: 3, width: 480, height: 640 },
    { seed: 4, width: 900, height: 600 },
    { seed: 5, width: 400, height: 300 },
    { seed: 6, width: 2000, height: 1200 },
  ])('looks photographed ($width × $height)', async (size) => {
    expect(looksPhotographed(await decodeImage(await photoLike(size)))).toBe(true)
  })

  it('mostly looks photographed in grey', async () => {
    const found: number[] = []
    for (let seed = 1; seed <= 12; seed += 1) {
      const photograph = await photoLike({ seed, width: 320, height: 240 })
      const grey = await sharp(photograph).greyscale().jpeg().toBuffer()
      if (looksPhotographed(await decodeImage(grey))) found.push(seed)
    }
    expect(found.length).toBeGreaterThanOrEqual(8)
  })
})

describe('the share of common colours', () => {
  it('is 1 for one colour', () => {
    expect(shareOfCommonColours(new Uint8Array(112 * 112 * 3).fill(77))).toBe(1)
  })

  it('is small where every pixel has another colour', () => {
    const random = seededRandom(1)
    const rgb = Uint8Array.from({ length: 112 * 112 * 3 }, () => Math.floor(256 * random.next()))
    expect(shareOfCommonColours(rgb)).toBeLessThan(0.05)
  })
})
