import { describe, expect, it } from 'vitest'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import { tracedFloats, traceStages } from '../../src/runtime/models/trace.ts'
import {
  compareWithReference,
  convertReference,
  LAVIS_CHECKPOINTS,
  readReference,
  stagesOf,
  storedValues,
  worstError,
} from './reference.ts'
import { readFromDisk } from './files.ts'
import { openTokenizer } from '../../src/runtime/talk/tokenizer.ts'

describe.each(LAVIS_CHECKPOINTS)('%s on WebAssembly', (name) => {
  it('agrees with PyTorch at fp32 on every stage and every token', async () => {
    for (const result of await compareWithReference(readFromDisk, name, 'fp32', await openCompute('wasm'))) {
      expect(result.promptIds.ours).toEqual(result.promptIds.reference)
      for (const stage of stagesOf(name))
        expect(result.worst.get(stage), `${stage} for "${result.prompt}"`).toBeLessThan(1e-4)
      expect(result.newIds.ours).toEqual(result.newIds.reference)
      expect(result.text.ours).toBe(result.text.reference)
    }
    expect(liveTensorCount()).toBe(0)
  })

  it('has a pack of 4 bits whose vision encoder is near that', async () => {
    for (const result of await compareWithReference(readFromDisk, name, 'q4f16', await openCompute('wasm')))
      expect(result.rms.get('image_features')).toBeLessThan(0.4)
  })

  it('brings the tokenizer of its language model', async () => {
    const tokenizer = await openTokenizer(await convertReference(readFromDisk, name, 'q4'))
    for (const { text, ids } of (await readReference(readFromDisk, name)).tokenizerCases)
      expect(ids.join()).toContain(tokenizer?.encode(text).join())
  })
})

it("stretches the positions of CLIP's tower as LAVIS does, with corners aligned", async () => {
  const pack = await convertReference(readFromDisk, 'lavis-t5-clip', 'fp32', { imageSize: 84 })
  const stored = await storedValues(readFromDisk, 'lavis-t5-clip/reference.safetensors')
  const values = (name: string): Promise<Float32Array<ArrayBuffer>> => stored(`size84.${name}`)
  const model = await openTalkingModel(pack, await openCompute('wasm'))
  const pixels = { data: await values('pixel_values'), size: 84, brand: 'pixels' as const }
  const traced = await traceStages(model, pixels, model.talk.promptIds(''), [1])
  expect(worstError(tracedFloats(traced, 'image_features'), await values('image_features'))).toBeLessThan(
    1e-4,
  )
  await model.dispose()
})
