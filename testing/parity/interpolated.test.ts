import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/convert/families/config-json.ts'
import { readModel } from '../../src/convert/families/families.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import { tracedFloats, traceStages } from '../../src/runtime/models/trace.ts'
import { convertReference, lastOf, storedValues, worstError } from './reference.ts'
import { readFromDisk } from './files.ts'

interface Case {
  size: number
  prompt: string
  newIds: number[]
}

const CASES = JSON.parse(await readFile('models/reference/interpolated/cases.json', 'utf8')) as Case[]
const STAGES = ['image_features', 'query_output', 'query_embeddings', 'logits'] as const

describe('a checkpoint of 56 pixels that looks at pictures of another size', () => {
  it.each(CASES)(
    'agrees with transformers on every stage and every token at $size pixels',
    async ({ size, prompt, newIds }) => {
      const pack = await convertReference(readFromDisk, 'short-tied', 'fp32', { imageSize: size })
      expect(pack.manifest.preprocessing.size).toBe(size)
      const stored = await storedValues(readFromDisk, 'interpolated/values.safetensors')
      const values = (stage: string): Promise<Float32Array<ArrayBuffer>> => stored(`size${size}.${stage}`)
      const model = await openTalkingModel(pack, await openCompute('wasm'))
      const pixels = { data: await values('pixel_values'), size, brand: 'pixels' as const }
      const traced = await traceStages(model, pixels, model.talk.promptIds(prompt), newIds)
      for (const stage of STAGES)
        expect(worstError(tracedFloats(traced, stage), await values(stage)), stage).toBeLessThan(1e-4)
      const seen = await model.look.see(pixels)
      const answer = await lastOf(model.talk.answer(seen, { prompt, maxNewTokens: newIds.length }))
      expect(answer.tokenIds).toEqual(newIds)
      await model.dispose()
    },
  )

  it('says in its checks where the positions come from', async () => {
    const { manifest } = await convertReference(readFromDisk, 'short-tied', 'q8', { imageSize: 84 })
    expect(manifest.checks.find(({ name }) => name === 'image size')).toEqual({
      name: 'image size',
      ok: true,
      detail: '37 positions for 84 × 84 pixels, interpolated from those for 56 × 56',
    })
  })

  it.each([13, 225, 30.5])('refuses pictures of %s pixels in one sentence', async (imageSize) => {
    const config = await readFile('models/reference/short-tied/config.json', 'utf8')
    const sentence = `This model cannot look at pictures of ${imageSize} pixels; choose a size from 14 to 224.`
    expect(() => readModel(parseConfig(config), { imageSize })).toThrow(
      expect.objectContaining({ code: 'bad-usage', message: sentence }),
    )
  })
})
