import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { folderTree, openPackFolder } from '../../../src/cli/files.ts'
import { convertCheckpoint } from '../../../src/convert/convert.ts'
import { sinkInMemory } from '../../../src/pack/bytes.ts'
import { openTalkingModel } from '../../../src/runtime/models/models.ts'
import type { TalkingModel } from '../../../src/runtime/models/model.ts'
import { openCompute } from '../../../src/runtime/device/open-compute.ts'
import { FIRST_HELD_OUT_SEED } from '../../../src/scenes/scene.ts'
import { measure } from './measure.ts'

const PACK = 'public/models/drawn-scenes'
const CHECKPOINT = 'models/drawn-scenes/checkpoint'
/** Thirty scenes say little about how good it is (see its card), but enough to tell a model from a broken one. */
const SET = { scenes: 30, from: FIRST_HELD_OUT_SEED, combinations: 'trained', noise: false } as const

describe('the built-in model', () => {
  let model: TalkingModel

  beforeAll(async () => {
    model = await openTalkingModel(await openPackFolder(PACK), await openCompute('wasm'))
  })

  afterAll(() => model.dispose())

  it('is its checkpoint, converted', async () => {
    const files = new Map<string, Uint8Array<ArrayBuffer>>()
    await convertCheckpoint(folderTree(CHECKPOINT), sinkInMemory(files), {
      name: 'drawn-scenes',
      precision: 'q8',
    })
    // What a conversion remembers to go on from is not shipped.
    files.delete('conversion.json')
    const shipped = readdirSync(PACK).filter((path) => path !== 'conversion.json')
    expect(shipped.sort()).toEqual([...files.keys()].sort())
    for (const [path, bytes] of files)
      expect(Buffer.compare(bytes, readFileSync(join(PACK, path))), path).toBe(0)
  })

  it('knows scenes that it has never seen', { timeout: 120_000 }, async () => {
    const { captions, questions } = await measure(model, { ...SET, wording: 'plain' }, () => undefined)
    expect(captions.drawn.right / captions.drawn.of).toBeGreaterThan(0.9)
    expect(captions.named.right / captions.named.of).toBeGreaterThan(0.9)
    expect(questions.all.right / questions.all.of).toBeGreaterThan(0.85)
  })

  it('understands questions in many words', { timeout: 120_000 }, async () => {
    const { questions } = await measure(model, { ...SET, wording: 'varied' }, () => undefined)
    expect(questions.all.right / questions.all.of).toBeGreaterThan(0.85)
  })
})
