/**
 * Renders scenes for training and evaluation in Python:
 *   npx tsx models/drawn-scenes/training/render-scenes.ts --from 0 --count 30000 --out <folder>
 * writes pixels.bin (uint8 [count, size, size, 3]) and scenes.jsonl, a line per scene: objects, notes, captions,
 * conversations, `comparisons` (conversations that mostly compare), both in plain words, and `reworded` ones of both
 * sorts. `--text-only` leaves the pictures out, `--clean` the noise; `--combinations new` draws what training never
 * shows, `--wording unseen` rewords as training never does.
 */
import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seenAt, type Camera, type View } from '../../../src/scenes/draw.ts'
import { captionsOf, settingOf } from '../../../src/scenes/language.ts'
import { conversationOf, type ConversationStyle, type QuestionAnswer } from '../../../src/scenes/questions.ts'
import { SCENE_SIZE } from '../../../src/scenes/place.ts'
import { makeScene, type Scene, type SceneObject } from '../../../src/scenes/scene.ts'
import { asDrawn, asPhotographed } from '../photograph.ts'

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '0' },
    count: { type: 'string', default: '1000' },
    size: { type: 'string', default: '112' },
    out: { type: 'string', default: 'scenes' },
    conversations: { type: 'string', default: '3' },
    comparisons: { type: 'string', default: '2' },
    turns: { type: 'string', default: '8' },
    combinations: { type: 'string', default: 'trained' },
    wording: { type: 'string', default: 'varied' },
    clean: { type: 'boolean', default: false },
    'text-only': { type: 'boolean', default: false },
  },
})

async function main(): Promise<void> {
  const [from, count, size] = [Number(values.from), Number(values.count), Number(values.size)]
  mkdirSync(values.out, { recursive: true })
  const pixels = values['text-only'] ? null : createWriteStream(join(values.out, 'pixels.bin'))
  const lines = createWriteStream(join(values.out, 'scenes.jsonl'))
  for (let seed = from; seed < from + count; seed += 1) {
    const scene = makeScene(seed, values.combinations === 'new' ? 'new' : 'trained')
    const { view, take } = values.clean ? asDrawn(scene) : asPhotographed(scene)
    if (pixels !== null) {
      const resized = (await take()).resize(size, size, { kernel: 'cubic', fit: 'fill' })
      const image = await resized.removeAlpha().raw().toBuffer()
      if (!pixels.write(image)) await new Promise<void>((resolve) => pixels.once('drain', () => resolve()))
    }
    if (!lines.write(`${JSON.stringify(describe(scene, view))}\n`))
      await new Promise<void>((resolve) => lines.once('drain', () => resolve()))
    if ((seed - from + 1) % 2000 === 0) console.error(`${seed - from + 1} of ${count} scenes`)
  }
  pixels?.end()
  lines.end()
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
    conversations: told(scene, 0, values.conversations),
    comparisons: told(scene, COMPARING, values.comparisons, { types: COMPARISONS }),
    reworded: [
      ...told(scene, REWORDED, values.conversations, { wording }),
      ...told(scene, COMPARING + REWORDED, values.comparisons, { wording, types: COMPARISONS }),
    ],
  }
}

function told(scene: Scene, from: number, count: string, style: ConversationStyle = {}): QuestionAnswer[][] {
  const all = Array.from({ length: Number(count) }, (_, i) =>
    conversationOf(scene, Number(values.turns), from + i, style),
  )
  return all.filter(({ length }) => length > 0)
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

const wording = values.wording === 'unseen' ? 'unseen' : 'varied'
const COMPARISONS = ['yes-no', 'relation'] as const
/** Seeds of conversations that compare, and of reworded ones, begin here, so that none is another told once more. */
const [COMPARING, REWORDED] = [100, 200]

const SIZES = ['tiny', 'small', 'smallish', 'medium', 'largish', 'large', 'larger', 'huge', 'giant']

await main()
