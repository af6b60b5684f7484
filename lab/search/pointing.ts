/**
 * Where attention falls when a word names something whose place is known: drawn scenes with two objects or more, the
 * captions of the world, and the box of each object.
 *   npx tsx lab/search/pointing.ts --scenes 200
 * For each way of making one map of the layers, heads and queries it prints how often the brightest patch lies in the
 * object's box (pointing), and which share of the map does (energy). "Chance" is the share of the picture that the box has.
 */
import { parseArgs } from 'node:util'
import { preprocess } from '../../src/image/preprocess.ts'
import { gridOf } from '../../src/runtime/retrieval/pointing.ts'
import { contrast } from '../../src/runtime/retrieval/scores.ts'
import { FIRST_HELD_OUT_SEED, makeScene, type Scene, type SceneObject } from '../../src/scenes/scene.ts'
import { nounPhrase } from '../../src/scenes/language.ts'
import { SCENE_SIZE } from '../../src/scenes/place.ts'
import { WAYS, type Seen } from './pointing/ways.ts'
import { drawnRows, openBuiltIn } from './drawn.ts'

const { values } = parseArgs({ options: { scenes: { type: 'string', default: '200' } } })
const count = Number(values.scenes)
const model = await openBuiltIn()
const { preprocessing } = model.manifest

/** The cosine of each query with a text. */
function likenessOfQueries(vectors: Float32Array, vector: Float32Array): number[] {
  const width = vector.length
  return Array.from({ length: vectors.length / width }, (_, query) =>
    contrast(vectors.subarray(query * width, (query + 1) * width), vector),
  )
}

interface Tally {
  hits: number
  energy: number
}
const tallies = new Map<string, Tally>()
let [cases, chance] = [0, 0]

/** Patches whose middle lies in the square around an object. */
function inside({ x, y, size }: SceneObject, grid: number): boolean[] {
  const half = size / 2
  return Array.from({ length: grid * grid }, (_, i) => {
    const [across, along] = [i % grid, Math.floor(i / grid)].map((at) => ((at + 0.5) * SCENE_SIZE) / grid)
    return Math.abs((across ?? 0) - x) <= half && Math.abs((along ?? 0) - y) <= half
  })
}

async function judge(scene: Scene): Promise<void> {
  const named = scene.objects.map((object) => ({ object, name: nounPhrase(object) }))
  const distinct = named.filter(({ name }) => named.filter((other) => other.name === name).length === 1)
  if (distinct.length < 2) return
  const pixels = preprocess(await drawnRows(scene, preprocessing.size), preprocessing)
  const picture = await model.encode(pixels)
  try {
    const alone = await model.attention(picture, null)
    const texts = distinct.map(({ name }) => name)
    const maps = []
    for (const text of texts) maps.push(await model.attention(picture, text))
    const read = await model.textFeatures(texts)
    const { vectors } = await model.imageFeatures(picture)
    const grid = gridOf(alone)
    for (const [i, { object }] of distinct.entries()) {
      const box = inside(object, grid)
      const share = box.filter(Boolean).length / box.length
      if (share === 0) continue
      cases += 1
      chance += share
      const vector = read[i]?.vector ?? new Float32Array()
      const seen: Seen = {
        alone,
        own: maps[i] ?? alone,
        all: maps,
        index: i,
        likeness: likenessOfQueries(vectors, vector),
      }
      for (const [name, way] of Object.entries(WAYS)) {
        const map = way(seen)
        const total = map.reduce((sum, value) => sum + value, 0)
        const within = map.reduce((sum, value, at) => sum + (box[at] === true ? value : 0), 0)
        const tally = tallies.get(name) ?? { hits: 0, energy: 0 }
        const brightest = map.indexOf(Math.max(...map))
        tally.hits += box[brightest] === true ? 1 : 0
        tally.energy += total > 0 ? within / total : 0
        tallies.set(name, tally)
      }
    }
  } finally {
    picture.features.dispose()
  }
}

for (let i = 0; i < count; i += 1) await judge(makeScene(FIRST_HELD_OUT_SEED + 5000 + i, 'trained'))
const percent = (part: number): string => `${((100 * part) / cases).toFixed(1)} %`
console.log(`${cases} words; chance ${percent(chance)}`)
for (const [name, { hits, energy }] of tallies)
  console.log(
    `${name.padEnd(44)} pointing ${percent(hits).padStart(7)}, energy ${percent(energy).padStart(7)}`,
  )
await model.dispose()
