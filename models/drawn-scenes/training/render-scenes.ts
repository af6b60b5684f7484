/**
 * Renders scenes for training and evaluation in Python:
 *   npx tsx models/drawn-scenes/training/render-scenes.ts --from 0 --count 30000 --out <folder>
 * writes pixels.bin (uint8 [count, 112, 112, 3]) and scenes.jsonl (objects, captions, questions), a line per scene.
 */
import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import sharp, { type Sharp } from 'sharp'
import { drawScene } from '../../../src/scenes/draw.ts'
import { captionsOf, questionsOf } from '../../../src/scenes/language.ts'
import { KINDS } from '../../../src/scenes/kinds.ts'
import { seededRandom, type Random } from '../../../src/scenes/random.ts'
import { makeScene, type Scene } from '../../../src/scenes/scene.ts'

const IMAGE_SIZE = 112

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '0' },
    count: { type: 'string', default: '1000' },
    out: { type: 'string', default: 'scenes' },
    clean: { type: 'boolean', default: false },
  },
})

async function main(): Promise<void> {
  const [from, count] = [Number(values.from), Number(values.count)]
  mkdirSync(values.out, { recursive: true })
  const pixels = createWriteStream(join(values.out, 'pixels.bin'))
  const lines = createWriteStream(join(values.out, 'scenes.jsonl'))
  for (let seed = from; seed < from + count; seed += 1) {
    const scene = makeScene(seed)
    const image = await render(scene, values.clean)
    if (!pixels.write(image)) await new Promise<void>((resolve) => pixels.once('drain', () => resolve()))
    lines.write(`${JSON.stringify(describe(scene))}\n`)
    if ((seed - from + 1) % 2000 === 0) console.error(`${seed - from + 1} of ${count} scenes`)
  }
  pixels.end()
  lines.end()
}

function describe(scene: Scene): object {
  const random = seededRandom(scene.seed ^ 0x2545f491)
  const drawn = new Set<string>(scene.objects.map((object) => object.kind))
  const absent = random.sample(
    KINDS.filter((kind) => !drawn.has(kind)),
    scene.objects.length,
  )
  return {
    seed: scene.seed,
    objects: scene.objects.map(({ kind, colour, x, y, size }) => ({ kind, colour, x, y, size })),
    captions: captionsOf(scene, 5),
    questions: questionsOf(scene, absent),
  }
}

/** The picture as a camera might give it: another size, a little blur, other light, JPEG. `clean` leaves that out. */
async function render(scene: Scene, clean: boolean): Promise<Buffer> {
  const random = seededRandom(scene.seed ^ 0x68e31da4)
  const drawnAt = clean ? 224 : random.pick([112, 160, 224, 320])
  let image = sharp(Buffer.from(drawScene(scene, drawnAt))).flatten()
  if (!clean) image = await disturb(image, random)
  return image.resize(IMAGE_SIZE, IMAGE_SIZE, { kernel: 'cubic', fit: 'fill' }).removeAlpha().raw().toBuffer()
}

async function disturb(image: Sharp, random: Random): Promise<Sharp> {
  if (random.next() < 0.4) image = image.modulate({ brightness: random.between(0.8, 1.15) })
  if (random.next() < 0.25) image = image.blur(random.between(0.4, 1.1))
  if (random.next() < 0.4)
    return sharp(await image.jpeg({ quality: Math.round(random.between(45, 95)) }).toBuffer())
  return image
}

await main()
