/** Pictures inside and outside of what the built-in model was taught, by kind, each from a seed, as RGB rows. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { asDrawn, asPhotographed } from '../../../models/drawn-scenes/photograph.ts'
import { photoLike } from '../../../testing/photo-like.ts'
import { decodeImage } from '../../../src/cli/decode-image.ts'
import { rowsOf, type RgbRows } from '../../../src/image/pixels.ts'
import { drawScene } from '../../../src/scenes/draw.ts'
import { seededRandom, type Random } from '../../../src/scenes/random.ts'
import { judgeCaption } from '../../../src/scenes/judge.ts'
import { FIRST_HELD_OUT_SEED, makeScene, type Combinations } from '../../../src/scenes/scene.ts'
import { ATTEMPTS, isTrue, type AttemptOf } from './attempts.ts'
import { DRAWINGS, SIDE } from './drawings.ts'

/** Pictures outside come from these seeds, which are scenes' to nobody: to fit to, and to count afterwards. */
export const [FITTED_SEEDS, AGAIN_SEEDS] = [7_000_000, 8_000_000]
/** Of attempts, half to fit to and half to count; and of scenes that are captioned. */
export const [ATTEMPTED_SEEDS, CAPTIONED_SEEDS] = [20_000_000, FIRST_HELD_OUT_SEED + 60_000]
/** Between the seeds of two kinds of attempts. */
const APART = 100_003

/** The picture of a seed; null where there are no more. */
export type PictureOf = (seed: number) => Promise<RgbRows | null>

/** A picture, and whether what a caption says of it is so. */
export interface Shown {
  rows: RgbRows
  isTrue: (caption: string) => boolean
}

export type ShownOf = (seed: number) => Promise<Shown | null>

/** Scenes as training saw them, from seeds that training had or had not. */
export const SCENES: Record<'drawn' | 'photographed' | 'new combinations', PictureOf> = {
  drawn: async (seed) => rowsFrom(await asDrawn(makeScene(seed)).take()),
  photographed: async (seed) => rowsFrom(await asPhotographed(makeScene(seed)).take()),
  'new combinations': async (seed) => rowsFrom(await asDrawn(makeScene(seed, 'new')).take()),
}

/** The same, with their captions judged by what was drawn. */
export const SHOWN_SCENES: Record<keyof typeof SCENES, ShownOf> = {
  drawn: shownScene('drawn', 'trained'),
  photographed: shownScene('photographed', 'trained'),
  'new combinations': shownScene('new combinations', 'new'),
}

function shownScene(sort: keyof typeof SCENES, combinations: Combinations): ShownOf {
  return async (seed) => {
    const rows = await SCENES[sort](seed)
    const scene = makeScene(seed, combinations)
    return rows && { rows, isTrue: (caption) => judgeCaption(caption, scene).right }
  }
}

/** What people try (`attempts.ts`): no two kinds draw from the same numbers. */
export const SHOWN_ATTEMPTS: Record<string, ShownOf> = Object.fromEntries(
  Object.entries<AttemptOf>(ATTEMPTS).map(([kind, attempt], i): [string, ShownOf] => [
    kind,
    async (seed) => {
      const { picture, things } = await attempt(seededRandom(seed + i * APART))
      const rows = await rowsFrom(picture.toColourspace('srgb'))
      return { rows, isTrue: (caption) => isTrue(caption, things) }
    },
  ]),
)

/** Held-out scenes with something changed that training never showed, and pictures that are no drawings. */
const CHANGED: Record<string, (random: Random) => Promise<Sharp>> = {
  'scenes without things': (random) => Promise.resolve(drawn(drawScene({ ...heldOut(random), objects: [] }))),
  'scenes in wrong colours': (random) => {
    const scene = drawn(drawScene(heldOut(random)))
    return Promise.resolve(
      random.next() < 0.5 ? scene.negate({ alpha: false }) : scene.modulate({ hue: whole(random, 80, 280) }),
    )
  },
  'scenes in grey': (random) =>
    Promise.resolve(
      drawn(drawScene(heldOut(random)))
        .greyscale()
        .toColourspace('srgb'),
    ),
  'scenes as outlines': (random) => outlines(drawn(drawScene(heldOut(random)))),
  'four scenes in one': (random) => fourScenes(random),
  noise: (random) => Promise.resolve(noise(random)),
  'pictures like photographs': async (random) =>
    sharp(
      await photoLike({ seed: whole(random, 0, 2 ** 30), width: random.pick([160, 224, 320]), height: 224 }),
    ),
}

/** Everything the model was not taught. `icons` and `photographs` are read where they are named. */
export function outside({
  icons,
  photographs,
}: {
  icons: readonly string[]
  photographs?: string | undefined
}): Record<string, PictureOf> {
  const kinds: Record<string, PictureOf> = {}
  for (const [kind, drawing] of Object.entries(DRAWINGS))
    kinds[kind] = (seed) => rowsFrom(drawn(svg(drawing(seededRandom(seed)))))
  for (const [kind, change] of Object.entries(CHANGED))
    kinds[kind] = async (seed) => rowsFrom(await change(seededRandom(seed)))
  for (const path of icons) {
    const bodies = otherIcons(path)
    kinds[`other icons, ${bodies.prefix}`] = (seed) => rowsFrom(drawn(iconScene(seededRandom(seed), bodies)))
  }
  if (photographs !== undefined) {
    const files = readdirSync(photographs).sort()
    kinds['photographs'] = async (seed) => {
      // The last ones where it is looked again: give as many as both need, or some are fitted to and counted.
      const at = seed < AGAIN_SEEDS ? seed - FITTED_SEEDS : files.length - 1 - (seed - AGAIN_SEEDS)
      const file = files[at]
      return file === undefined ? null : decodeImage(readFileSync(join(photographs, file)))
    }
  }
  return kinds
}

/** Pictures of which the model has a word for nothing. */
export function shownOutside(kinds: Readonly<Record<string, PictureOf>>): Record<string, ShownOf> {
  return Object.fromEntries(
    Object.entries(kinds).map(([kind, pictureOf]): [string, ShownOf] => [
      kind,
      async (seed) => {
        const rows = await pictureOf(seed)
        return rows && { rows, isTrue: () => false }
      },
    ]),
  )
}

function drawn(document: string): Sharp {
  return sharp(Buffer.from(document)).flatten()
}

function svg(inside: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}" viewBox="0 0 ${SIDE} ${SIDE}">${inside}</svg>`
}

async function rowsFrom(picture: Sharp): Promise<RgbRows> {
  const { data, info } = await picture.removeAlpha().raw().toBuffer({ resolveWithObject: true })
  return rowsOf(info.width, info.height, data)
}

function heldOut(random: Random): ReturnType<typeof makeScene> {
  return makeScene(FIRST_HELD_OUT_SEED + 500_000 + whole(random, 0, 400_000))
}

function whole(random: Random, low: number, high: number): number {
  return Math.floor(random.between(low, high + 1))
}

async function outlines(scene: Sharp): Promise<Sharp> {
  const edges = await scene
    .greyscale()
    .convolve({ width: 3, height: 3, kernel: [-1, -1, -1, -1, 8, -1, -1, -1, -1] })
    .negate()
    .toColourspace('srgb')
    .png()
    .toBuffer()
  return sharp(edges)
}

/** More things than a scene has, and smaller ones. */
async function fourScenes(random: Random): Promise<Sharp> {
  const half = SIDE / 2
  const quarters = await Promise.all(
    [0, 1, 2, 3].map(async (i) => ({
      input: await drawn(drawScene(heldOut(random), { pixels: half }))
        .png()
        .toBuffer(),
      left: (i % 2) * half,
      top: Math.floor(i / 2) * half,
    })),
  )
  const sheet = sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: '#fff' } })
  return sharp(await sheet.composite(quarters).png().toBuffer())
}

function noise(random: Random): Sharp {
  const cells = random.pick([8, 16, 32, 56, 112, 224])
  const grey = random.next() < 0.4
  const rgb = new Uint8Array(cells * cells * 3)
  for (let i = 0; i < cells * cells; i += 1)
    for (let channel = 0; channel < 3; channel += 1)
      rgb[i * 3 + channel] = grey && channel > 0 ? (rgb[i * 3] ?? 0) : 256 * random.next()
  const kernel = random.pick(['nearest', 'cubic'])
  return sharp(rgb, { raw: { width: cells, height: cells, channels: 3 } }).resize(SIDE, SIDE, { kernel })
}

interface Icons {
  prefix: string
  size: number
  bodies: string[]
}

/** Icons of an Iconify set that are none of ours. */
function otherIcons(path: string): Icons {
  const set = JSON.parse(readFileSync(path, 'utf8')) as {
    prefix: string
    width?: number
    height?: number
    icons: Record<string, { body: string }>
  }
  const ours = new Set(
    Object.values(JSON.parse(readFileSync('src/scenes/icons.json', 'utf8')) as Record<string, string>),
  )
  const bodies = Object.values(set.icons).flatMap(({ body }) => (ours.has(body) ? [] : [body]))
  return { prefix: set.prefix, size: set.width ?? set.height ?? 16, bodies }
}

/** One to three of them on the ground of a scene. */
function iconScene(random: Random, { bodies, size }: Icons): string {
  const scene = drawScene({ ...heldOut(random), objects: [] })
  const chosen = random.sample(bodies, whole(random, 1, 3))
  const placed = chosen.map((body, i) => {
    const scale = random.between(50, 90) / size
    const [x, y] = [20 + i * 65 + random.between(0, 12), random.between(20, 120)]
    return `<g transform="translate(${x.toFixed(0)} ${y.toFixed(0)}) scale(${scale.toFixed(3)})">${body}</g>`
  })
  return scene.replace('</svg>', `${placed.join('')}</svg>`)
}
