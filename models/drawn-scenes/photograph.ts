/**
 * Pictures of scenes: as they are drawn, or as a camera might give them (not quite straight, something in front, other
 * light, a little blur, JPEG). Training renders with this and so does measuring. The order of random draws is part of
 * what a seed means: pictures that were rendered before must come out the same.
 */
import sharp, { type Sharp } from 'sharp'
import { drawScene, type Obstacle, type View } from '../../src/scenes/draw.ts'
import { seededRandom, type Random } from '../../src/scenes/random.ts'
import type { Scene, SceneObject } from '../../src/scenes/scene.ts'

export interface Picture {
  /** How the scene is looked at. */
  view: View
  /** The picture, of some size. */
  take: () => Promise<Sharp>
}

/** Straight on, at the size of the drawing. */
export function asDrawn(scene: Scene): Picture {
  return { view: {}, take: () => Promise.resolve(drawn(scene, {})) }
}

export function asPhotographed(scene: Scene): Picture {
  const random = seededRandom(scene.seed ^ 0x68e31da4)
  const view = chooseView(random, scene)
  return { view, take: () => photograph(scene, view, random) }
}

/** Turned by up to 4 degrees, shifted by up to 6 units, something in front of one object now and then. */
function chooseView(random: Random, scene: Scene): View {
  const straight = random.next() < 0.4
  const camera = straight
    ? { rotation: 0, right: 0, down: 0 }
    : { rotation: random.between(-4, 4), right: random.between(-6, 6), down: random.between(-6, 6) }
  const hidden = random.next() < 0.15 ? random.sample(scene.objects, 1) : []
  return { camera, obstacles: hidden.map((object) => obstacle(random, object)) }
}

/** A strip over a fifth of an object's width or height, at one of its sides. */
function obstacle(random: Random, { x, y, size }: SceneObject): Obstacle {
  const colour = random.pick(['#b9b2a7', '#8f9aa3', '#cfc7b8'])
  const [along, across, shift] = [
    size * 1.2,
    size * random.between(0.1, 0.22),
    size * random.between(0.2, 0.35),
  ]
  const side = random.next() < 0.5 ? -1 : 1
  return random.next() < 0.5
    ? { x: x + side * shift - across / 2, y: y - along / 2, width: across, height: along, colour }
    : { x: x - along / 2, y: y + side * shift - across / 2, width: along, height: across, colour }
}

/** Another size, then whatever else comes between a scene and its file. */
function photograph(scene: Scene, view: View, random: Random): Promise<Sharp> {
  const pixels = random.pick([112, 160, 224, 320])
  return disturb(drawn(scene, { ...view, pixels }), random)
}

function drawn(scene: Scene, view: View): Sharp {
  return sharp(Buffer.from(drawScene(scene, view))).flatten()
}

async function disturb(image: Sharp, random: Random): Promise<Sharp> {
  if (random.next() < 0.4) image = image.modulate({ brightness: random.between(0.8, 1.15) })
  if (random.next() < 0.25) image = image.blur(random.between(0.4, 1.1))
  if (random.next() < 0.4)
    return sharp(await image.jpeg({ quality: Math.round(random.between(45, 95)) }).toBuffer())
  return image
}
