import { expect, it } from 'vitest'
import { asFamily, type PackReader } from '../../pack/manifest.ts'
import { syntheticPack } from '../../synthetic/pack.ts'
import { openTalkingModel } from '../models/models.ts'
import { openCompute } from '../device/open-compute.ts'
import { liveTensorCount } from '../ort/tensor.ts'

const pack = syntheticPack({ size: 'tiny', precision: 'fp32', seed: 1 })

/** The pack with a decoder whose last norm's last bias is no number, as behind an overflow. */
const overflowing: PackReader = {
  ...pack,
  file: async (path) => {
    const file = await pack.file(path)
    if (path === 'decoder.weights' && file instanceof Uint8Array)
      new DataView(file.buffer).setFloat32(file.byteLength - 4, NaN, true)
    return file
  },
}

it('says so when no numbers come out, and lets go of everything', async () => {
  const model = await openTalkingModel(overflowing, await openCompute('wasm'))
  const { queries, hiddenSize } = asFamily(model.manifest, 'blip2-opt').parts.decoder.shape
  const seen = model.look.seenBefore(new Float32Array(queries * hiddenSize))
  const answer = model.talk.answer(seen, { prompt: '', maxNewTokens: 2 })
  await expect(answer.next()).rejects.toMatchObject({ code: 'bad-pack' })
  await model.dispose()
  expect(liveTensorCount()).toBe(0)
})
