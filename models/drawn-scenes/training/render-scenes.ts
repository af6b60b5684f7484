/**
 * Renders scenes for training and evaluation in Python:
 *   npx tsx models/drawn-scenes/training/render-scenes.ts --from 0 --count 30000 --out <folder>
 * writes pixels.bin (uint8 [count, size, size, 3]) and scenes.jsonl (objects, notes, captions, conversations), a line
 * per scene. `--text-only` leaves the pictures out, `--clean` the noise; `--combinations new` draws what training never
 * shows.
 */
import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import sharp, { type Sharp } from 'sharp'
import { drawScene, seenAt, type Camera, type Obstacle, type View } from '../../../src/scenes/draw.ts'
import { captionsOf, settingOf } from '../../../src/scenes/language.ts'
import { conversationOf } from '../../../src/scenes/questions.ts'
import { seededRandom, type Random } from '../../../src/scenes/random.ts'
import { makeScene, SCENE_SIZE, type Scene, type SceneObject } from '../../../src/scenes/scene.ts'

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '0' },
    count: { type: 'string', default: '1000' },
    size: { type: 'string', default: '112' },
    out: { type: 'string', default: 'scenes' },
    conversations: { type: 'string', default: '3' },
    turns: { type: 'string', default: '8' },
    combinations: { type: 'string', default: 'trained' },
    clean: { type: 'boolean', default: false },
    'text-only': { type: 'boolean', default: false },
  },
})

async function main(): Promise<void> {
  const [from, count, size] = [Number(values.from), Number(values.count), Number(values.size)]
  mkdirSync(values.out, { recursive: true })
  const pixels = createWriteStream(join(values.out, 'pixels.bin'))
  const lines = createWriteStream(join(values.out, 'scenes.jsonl'))
  for (let seed = from; seed < from + count; seed += 1) {
    const scene = makeScene(seed, values.combinations === 'new' ? 'new' : 'trained')
    const random = seededRandom(scene.seed ^ 0x68e31da4)
    const view = values.clean ? {} : chooseView(random, scene)
    if (!values['text-only']) {
      const image = await photograph(scene, view, size, random)
      if (!pixels.write(image)) await new Promise<void>((resolve) => pixels.once('drain', () => resolve()))
    }
    if (!lines.write(`${JSON.stringify(describe(scene, view))}\n`))
      await new Promise<void>((resolve) => lines.once('drain', () => resolve()))
    if ((seed - from + 1) % 2000 === 0) console.error(`${seed - from + 1} of ${count} scenes`)
  }
  pixels.end()
  lines.end()
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

const STRAIGHT: Camera = { rotation: 0, right: 0, down: 0 }

/** Objects as they are seen; depth in the order in which they are drawn. */
function describe(scene: Scene, view: View): object {
  return {
    seed: scene.seed,
    setting: settingOf(scene),
    objects: scene.objects.map((object) => ({
      ...object,
      ...seenAt(object, view.camera ?? STRAIGHT),
      note: noteOf(scene, object),
    })),
    captions: captionsOf(scene, 5),
    conversations: Array.from({ length: Number(values.conversations) }, (_, i) =>
      conversationOf(scene, Number(values.turns), i),
    ),
  }
}

/** An object in a few words: "red star, D 7, large", columns by letter and rows by number, twelve of each. */
function noteOf(scene: Scene, object: SceneObject): string[] {
  const cell = (value: number): number => Math.min(11, Math.max(0, Math.floor((value * 12) / SCENE_SIZE)))
  const other = scene.objects[object.inside ?? object.behind ?? -1]
  return [
    ...(object.colour === null ? [] : [object.colour]),
    object.kind,
    'ABCDEFGHIJKL'.charAt(cell(object.x)),
    String(cell(object.y)),
    SIZES[Math.min(SIZES.length - 1, Math.max(0, Math.floor((object.size - 45) / 12)))] ?? 'huge',
    ...(other === undefined ? [] : [object.inside === null ? 'behind' : 'inside', other.kind]),
  ]
}

const SIZES = ['tiny', 'small', 'smallish', 'medium', 'largish', 'large', 'larger', 'huge', 'giant']

/** The picture as a camera might give it: another size, a little blur, other light, JPEG. `clean` leaves that out. */
async function photograph(scene: Scene, view: View, size: number, random: Random): Promise<Buffer> {
  const drawnAt = values.clean ? SCENE_SIZE : random.pick([112, 160, 224, 320])
  let image = sharp(Buffer.from(drawScene(scene, { ...view, pixels: drawnAt }))).flatten()
  if (!values.clean) image = await disturb(image, random)
  return image.resize(size, size, { kernel: 'cubic', fit: 'fill' }).removeAlpha().raw().toBuffer()
}

async function disturb(image: Sharp, random: Random): Promise<Sharp> {
  if (random.next() < 0.4) image = image.modulate({ brightness: random.between(0.8, 1.15) })
  if (random.next() < 0.25) image = image.blur(random.between(0.4, 1.1))
  if (random.next() < 0.4)
    return sharp(await image.jpeg({ quality: Math.round(random.between(45, 95)) }).toBuffer())
  return image
}

await main()
