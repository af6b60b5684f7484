import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { folderTree, openPackFolder } from '../../../src/cli/files.ts'
import { convertCheckpoint } from '../../../src/convert/convert.ts'
import { sinkInMemory } from '../../../src/pack/bytes.ts'
import { openTalkingModel } from '../../../src/runtime/models/models.ts'
import type { TalkingModel } from '../../../src/runtime/models/model.ts'
import { openCompute } from '../../../src/runtime/device/open-compute.ts'
import type { Tally } from '../../../src/scenes/judge.ts'
import { FIRST_HELD_OUT_SEED } from '../../../src/scenes/scene.ts'
import { measureWordings } from './measure.ts'
import type { Evaluation } from './tallies.ts'

const PACK = 'public/models/drawn-scenes'
const RETRIEVAL_PACK = 'public/models/drawn-scenes-retrieval'
const VISION_WIDTH = 192
/** Thirty scenes say little about how good it is (see its card), but enough to tell a model from a broken one. */
const SET = { scenes: 30, from: FIRST_HELD_OUT_SEED, combinations: 'trained', noise: false } as const

it.each([
  ['drawn-scenes', PACK, 'models/drawn-scenes/checkpoint'],
  ['drawn-scenes-retrieval', RETRIEVAL_PACK, 'models/drawn-scenes/retrieval-checkpoint'],
])('%s is its checkpoint, converted', async (name, pack, checkpoint) => {
  const files = new Map<string, Uint8Array<ArrayBuffer>>()
  await convertCheckpoint(folderTree(checkpoint), sinkInMemory(files), { name, precision: 'q8' })
  // What a conversion remembers to go on from is not shipped.
  files.delete('conversion.json')
  const shipped = readdirSync(pack).filter((path) => path !== 'conversion.json')
  expect(shipped.sort()).toEqual([...files.keys()].sort())
  for (const [path, bytes] of files)
    expect(Buffer.compare(bytes, readFileSync(join(pack, path))), path).toBe(0)
})

it('has two vision encoders that differ in nothing but the norm that training changes', () => {
  const talks = readFileSync(join(PACK, 'vision.weights'))
  const compares = readFileSync(join(RETRIEVAL_PACK, 'vision.weights'))
  // Both lie within one chunk, so that neither can be kept in place of the other.
  expect(Buffer.compare(talks, compares)).not.toBe(0)
  const end = compares.length - 2 * 4 * VISION_WIDTH
  expect(Buffer.compare(talks.subarray(0, end), compares.subarray(0, end))).toBe(0)
})

describe('the built-in model', () => {
  let model: TalkingModel
  let [plain, varied]: (Evaluation | undefined)[] = []

  beforeAll(async () => {
    model = await openTalkingModel(await openPackFolder(PACK), await openCompute('wasm'))
    ;[plain, varied] = await measureWordings(model, SET, ['plain', 'varied'])
  })

  afterAll(() => model.dispose())

  it('knows scenes that it has never seen', () => {
    expect(shareOf(plain?.captions.drawn)).toBeGreaterThan(0.9)
    expect(shareOf(plain?.captions.named)).toBeGreaterThan(0.9)
    expect(shareOf(plain?.questions.all)).toBeGreaterThan(0.85)
  })

  it('understands questions in many words', () => {
    expect(varied?.wording).toBe('varied')
    expect(shareOf(varied?.questions.all)).toBeGreaterThan(0.85)
  })
})

function shareOf(tally: Tally | undefined): number {
  return tally === undefined ? NaN : tally.right / tally.of
}
