/**
 * How well the built-in model of stage 1 finds held-out scenes by their captions and captions by their scenes, run by the
 * engine itself on WebAssembly, at every precision:
 *   npx tsx lab/built-in-model/retrieval.ts --scenes 1000 --rerank 16
 * `--rerank 0` leaves matching out, which is most of the time. A caption equal to the right one counts as right.
 */
import { parseArgs } from 'node:util'
import { folderTree } from '../../src/cli/files.ts'
import { convertCheckpoint } from '../../src/convert/convert.ts'
import { preprocess } from '../../src/image/preprocess.ts'
import { sinkInMemory } from '../../src/pack/bytes.ts'
import { PRECISIONS, type Precision } from '../../src/pack/precisions.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { openRetrievalModel } from '../../src/runtime/models/models.ts'
import type { RetrievalModel } from '../../src/runtime/models/retrieval.ts'
import type { EncodedPicture } from '../../src/runtime/retrieval/text-q-former.ts'
import { contrastMatrix, retrieve, type MatchLogits } from '../../src/runtime/retrieval/scores.ts'
import { captionsOf } from '../../src/scenes/language.ts'
import { FIRST_HELD_OUT_SEED, makeScene } from '../../src/scenes/scene.ts'
import { packInMemory } from '../../testing/parity/reference.ts'
import { drawnRows } from '../search/drawn.ts'
import { recalls, recallsOf } from './retrieval/recalls.ts'

const { values } = parseArgs({
  options: {
    scenes: { type: 'string', default: '1000' },
    rerank: { type: 'string', default: '16' },
    precision: { type: 'string', default: PRECISIONS.join(',') },
    from: { type: 'string', default: 'models/drawn-scenes/retrieval-checkpoint' },
  },
})

const [count, rerank] = [Number(values.scenes), Number(values.rerank)]

const scenes = Array.from({ length: count }, (_, i) => makeScene(FIRST_HELD_OUT_SEED + i, 'trained'))
const captions = scenes.map((scene) => captionsOf(scene, 5)[0] ?? '')

async function load(precision: Precision): Promise<RetrievalModel> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  await convertCheckpoint(folderTree(values.from), sinkInMemory(files), { name: 'retrieval', precision })
  return openRetrievalModel(packInMemory(files), await openCompute('wasm'))
}

async function encode(model: RetrievalModel, index: number): Promise<EncodedPicture> {
  const scene = scenes[index]
  if (scene === undefined) throw new Error(`There is no scene ${index}.`)
  const { preprocessing } = model.manifest
  return model.encode(preprocess(await drawnRows(scene, preprocessing.size), preprocessing))
}

async function measure(precision: Precision): Promise<void> {
  const started = performance.now()
  const model = await load(precision)
  const texts = await model.textFeatures(captions)
  const pictures: EncodedPicture[] = []
  const vectors: Float32Array[] = []
  for (let i = 0; i < count; i += 1) {
    const picture = await encode(model, i)
    pictures.push(picture)
    vectors.push((await model.imageFeatures(picture)).vectors)
  }
  const rows = contrastMatrix(
    vectors,
    texts.map(({ vector }) => vector),
  )
  console.warn(`${precision}: ${recallsOf(rows, captions)}`)
  if (rerank > 0) await reranked(model, pictures, rows)
  for (const { features } of pictures) features.dispose()
  await model.dispose()
  console.warn(`  ${((performance.now() - started) / 1000).toFixed(0)} s`)
}

async function reranked(
  model: RetrievalModel,
  pictures: readonly EncodedPicture[],
  rows: readonly number[][],
): Promise<void> {
  const columns = captions.map((_, text) => rows.map((row) => row[text] ?? 0))
  const known = new Map<string, MatchLogits>()
  const pair = async (image: number, text: number): Promise<MatchLogits> => {
    const key = `${image} ${text}`
    const picture = pictures[image]
    if (picture === undefined) throw new Error(`There is no picture ${image}.`)
    const found =
      known.get(key) ?? (await model.multimodalFeatures(picture, [captions[text] ?? '']))[0]?.logits
    if (found === undefined) throw new Error(`Nothing came of ${key}.`)
    known.set(key, found)
    return found
  }
  const order = async (
    likeness: readonly number[],
    of: (at: number) => Promise<MatchLogits>,
  ): Promise<number[]> =>
    (await retrieve(likeness, (indices) => Promise.all(indices.map(of)), rerank)).map(({ index }) => index)
  const texts: number[][] = []
  for (const [image, row] of rows.entries()) texts.push(await order(row, (text) => pair(image, text)))
  const images: number[][] = []
  for (const [text, column] of columns.entries())
    images.push(await order(column, (image) => pair(image, text)))
  console.warn(
    `  re-ranked: image to text ${recalls(texts, captions)}, text to image ${recalls(images, captions)}`,
  )
}

for (const precision of PRECISIONS)
  if (values.precision.split(',').includes(precision)) await measure(precision)
