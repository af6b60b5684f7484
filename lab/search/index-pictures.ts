/**
 * Indexes made-up pictures with the built-in model as the app does, on WebAssembly, and asks for them by their captions:
 *   npx tsx lab/search/index-pictures.ts --pictures 10000 --queries 200
 * Prints pictures per second, bytes per picture, milliseconds per question, and how many of the best ten of exact search
 * eight and sixteen bits find. The index lies in memory, in a table that stands in for the browser's.
 */
import { parseArgs } from 'node:util'
import { preprocess } from '../../src/image/preprocess.ts'
import { f32ToF16 } from '../../src/convert/dtypes.ts'
import { f16ToF32 } from '../../src/pack/float16.ts'
import { contrast } from '../../src/runtime/retrieval/scores.ts'
import { captionsOf } from '../../src/scenes/language.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../../src/scenes/scene.ts'
import type { SearchEntry } from '../../src/search/entries.ts'
import { indexSource, type SeenForIndex } from '../../src/search/indexing.ts'
import { PictureIndex } from '../../src/search/picture-index.ts'
import { tableInMemory } from '../../src/store/table.ts'
import { drawnRows, openBuiltIn } from './drawn.ts'

const { values } = parseArgs({
  options: { pictures: { type: 'string', default: '10000' }, queries: { type: 'string', default: '200' } },
})
const [count, queries] = [Number(values.pictures), Number(values.queries)]
const BEST = 10
/** What the app looks at again with the words. */
const RANKED_AGAIN = 32

const model = await openBuiltIn()
const { projectionSize, queries: rows } = model.manifest.parts['text-q-former'].shape
const scenes = Array.from({ length: count }, (_, i) => makeScene(FIRST_HELD_OUT_SEED + i, 'trained'))
const exact: Float32Array[] = []

async function see(image: Blob): Promise<SeenForIndex> {
  const at = Number(await image.text())
  const scene = scenes[at]
  if (scene === undefined) throw new Error(`There is no scene ${at}.`)
  const { preprocessing } = model.manifest
  const picture = await model.encode(preprocess(await drawnRows(scene, preprocessing.size), preprocessing))
  try {
    const { vectors } = await model.imageFeatures(picture)
    exact[at] = vectors
    return { vectors, width: 224, height: 224, thumbnail: new Uint8Array() }
  } finally {
    picture.features.dispose()
  }
}

const index = await PictureIndex.open(tableInMemory<SearchEntry>(), 'model', {
  queries: rows,
  width: projectionSize,
})
const listed = scenes.map((_, i) => {
  const text = String(i)
  const open = (): Promise<Blob> => Promise.resolve(new Blob([text]))
  return { source: 'folder', path: `${i}.png`, name: `${i}.png`, bytes: text.length, modified: i, open }
})
const startedAt = performance.now()
await indexSource('folder', listed, {
  index,
  see,
  taken: () => Promise.resolve(null),
  signal: new AbortController().signal,
  now: () => performance.now(),
  report: ({ done, total }) => {
    if (done % 500 === 0) console.warn(`${done} of ${total}`)
  },
})
const seconds = (performance.now() - startedAt) / 1000
console.log(`${count} pictures in ${seconds.toFixed(0)} s: ${(count / seconds).toFixed(1)} a second`)
console.log(
  `${(index.bytes / count).toFixed(0)} bytes a picture without its thumbnail, ${(index.memoryBytes / 1e6).toFixed(1)} MB of memory`,
)

/** The places of the largest, best first. */
function best(scores: readonly number[], most = BEST): number[] {
  return scores
    .map((_, i) => i)
    .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0))
    .slice(0, most)
}

/** To the nearest of the numbers that float16 has. */
function halved(vectors: Float32Array): Float32Array {
  return f16ToF32(f32ToF16(vectors).values)
}

const half = exact.map(halved)
const texts = scenes.slice(0, queries).map((scene) => captionsOf(scene, 5)[0] ?? '')
const read = await model.textFeatures(texts)
const found = { eight: 0, half: 0, amongRanked: 0, first: { exact: 0, eight: 0 } }
const times: number[] = []
for (const [i, { vector }] of read.entries()) {
  const wanted = best(exact.map((vectors) => contrast(vectors, vector)))
  const asHalf = best(half.map((vectors) => contrast(vectors, vector)))
  const askedAt = performance.now()
  const scored = index.score(vector)
  times.push(performance.now() - askedAt)
  const byPicture = scored.toSorted((a, b) => a.facts.modified - b.facts.modified).map(({ score }) => score)
  const asEight = best(byPicture)
  found.eight += asEight.filter((at) => wanted.includes(at)).length
  const ranked = best(byPicture, RANKED_AGAIN)
  found.amongRanked += wanted.filter((at) => ranked.includes(at)).length
  found.half += asHalf.filter((at) => wanted.includes(at)).length
  if (wanted[0] === i) found.first.exact += 1
  if (asEight[0] === i) found.first.eight += 1
}
times.sort((a, b) => a - b)
const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(2)} %`
console.log(
  `one question: ${(times[Math.floor(times.length / 2)] ?? NaN).toFixed(2)} ms (median), at most ${(times.at(-1) ?? NaN).toFixed(2)} ms`,
)
console.log(
  `best ten of exact search found: ${share(found.eight, BEST * read.length)} in eight bits, ${share(found.half, BEST * read.length)} in float16`,
)
console.log(
  `its own picture first: exact ${share(found.first.exact, read.length)}, eight bits ${share(found.first.eight, read.length)}`,
)
console.log(
  `best ten of exact search among the ${RANKED_AGAIN} that are looked at again: ${share(found.amongRanked, BEST * read.length)}`,
)
await model.dispose()
