/**
 * How long the kernel takes for one question over so many pictures of the published size, 32 × 256, beside the same loop
 * in JavaScript, and how much memory that is:
 *   npx tsx lab/search/score-time.ts --pictures 10000
 */
import { parseArgs } from 'node:util'
import { contrast } from '../../src/runtime/retrieval/scores.ts'
import { seededRandom } from '../../src/scenes/random.ts'
import { BLOCK_PICTURES } from '../../src/search/picture-index.ts'
import { ScoredBlocks } from '../../src/search/scored-blocks.ts'
import { rounded } from '../../src/search/vectors.ts'

const { values } = parseArgs({ options: { pictures: { type: 'string', default: '10000' } } })
const count = Number(values.pictures)
const SHAPE = { queries: 32, width: 256 }
const REPEATS = 21

const random = seededRandom(1)
const unit = (rows: number): Float32Array<ArrayBuffer> => {
  const all = Float32Array.from({ length: rows * SHAPE.width }, () => random.between(-1, 1))
  for (let row = 0; row < rows; row += 1) {
    const own = all.subarray(row * SHAPE.width, (row + 1) * SHAPE.width)
    const length = Math.hypot(...own)
    own.forEach((value, i) => (own[i] = value / length))
  }
  return all
}

const facts = { source: '', path: '', bytes: 0, modified: 0, name: '', sha256: '', width: 0, height: 0 }
const blocks = new ScoredBlocks(SHAPE, BLOCK_PICTURES)
const pictures: Float32Array[] = []
for (let number = 0; number * BLOCK_PICTURES < count; number += 1) {
  const own = Math.min(BLOCK_PICTURES, count - number * BLOCK_PICTURES)
  const vectors = unit(own * SHAPE.queries)
  if (pictures.length < 1000)
    for (let i = 0; i < own; i += 1)
      pictures.push(vectors.slice(i * SHAPE.queries * SHAPE.width, (i + 1) * SHAPE.queries * SHAPE.width))
  const listed = Array.from({ length: own }, () => ({ ...facts, thumbnailBytes: 0 }))
  blocks.set(number, { pictures: listed, refused: [], ...rounded(vectors, SHAPE.width) })
}
const text = unit(1)

/** The median of some runs, in milliseconds. */
function median(run: () => unknown): number {
  const times = Array.from({ length: REPEATS }, () => {
    const startedAt = performance.now()
    run()
    return performance.now() - startedAt
  })
  return times.sort((a, b) => a - b)[Math.floor(REPEATS / 2)] ?? NaN
}

const kernel = median(() => blocks.score(text))
const plain = (median(() => pictures.map((vectors) => contrast(vectors, text))) * count) / pictures.length
console.log(`${count} pictures of 32 × 256: ${(blocks.bytes / 1e6).toFixed(1)} MB`)
console.log(
  `kernel ${kernel.toFixed(1)} ms, JavaScript on float32 ${plain.toFixed(0)} ms (of ${pictures.length}, scaled)`,
)
