import { asFamily } from '../../pack/manifest.ts'
import { expect, it } from 'vitest'
import { syntheticPack } from '../../synthetic/pack.ts'
import { contextFor } from './context-length.ts'

const { manifest } = syntheticPack({ size: 'tiny', precision: 'fp32', seed: 1 })
const tiny = asFamily(manifest, 'blip2-opt').parts.decoder.shape
/** OPT-2.7B: 327,680 bytes of cache for a position in float16. */
const shape = {
  ...tiny,
  layers: 32,
  heads: 32,
  headSize: 80,
  cacheHeadSize: 80,
  positions: 2048,
}
const weightBytes = 2.1e9
const bufferBytes = 2 ** 30

it.each([
  ['float16', 32, bufferBytes, 2048, 'model'],
  ['float16', 8, bufferBytes, 1024, 'memory'],
  ['float32', 8, bufferBytes, 512, 'memory'],
  ['float16', null, bufferBytes, 1024, 'assumed-memory'],
  ['float16', 2, bufferBytes, 256, 'memory'],
  ['float16', 32, 4 * 2 ** 20, 512, 'buffer'],
  ['float32', 32, null, 512, 'wasm'],
] as const)(
  'chooses for %s, %s GiB and buffers of %s bytes',
  (cacheType, deviceGiB, buffer, positions, why) => {
    const context = contextFor({ shape, cacheType, weightBytes }, { deviceGiB, bufferBytes: buffer })
    expect(context).toEqual({ positions, possible: 2048, why })
  },
)

it('leaves a small model its own maximum', () => {
  const small = { shape: tiny, cacheType: 'float32', weightBytes: 1e6 } as const
  expect(contextFor(small, { deviceGiB: 2, bufferBytes })).toMatchObject({
    positions: tiny.positions,
    why: 'model',
  })
})
