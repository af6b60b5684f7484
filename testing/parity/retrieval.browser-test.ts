import { expect, it } from 'vitest'
import type { Precision } from '../../src/pack/manifest.ts'
import type { Compute } from '../../src/runtime/device/compute.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import { sharedDevice } from '../gpu/shared-device.ts'
import { convertReference } from './reference.ts'
import { readFromServer } from './dev-server.ts'
import { chatFeatureErrors } from './chat-features.ts'
import { retrievalErrors } from './retrieval.ts'
import { compareWriting, WRITER, writerPack } from './writing.ts'

/**
 * On software WebGPU each takes a minute, so that it is asked for:
 * `VITE_ALL_PARITY=1 npx vitest run --project browser testing/parity/retrieval.browser-test.ts`.
 */
const ALL = import.meta.env['VITE_ALL_PARITY'] === '1'

const opened = (provider: 'wasm' | 'webgpu'): Promise<Compute> =>
  provider === 'wasm' ? openCompute('wasm') : sharedDevice()

/** For the table of docs/stage-1-calls.md. */
function print(provider: 'wasm' | 'webgpu', errors: ReadonlyMap<string, number>): void {
  if (!ALL) return
  for (const [call, error] of errors) console.warn(`${provider}: ${call} ${error.toExponential(1)}`)
}

async function worst(name: string, precision: Precision, provider: 'wasm' | 'webgpu'): Promise<number> {
  const pack = await convertReference(readFromServer, name, precision)
  const compute = await opened(provider)
  const errors = await retrievalErrors(readFromServer, name, pack, compute, { few: true })
  print(provider, errors)
  expect(errors.size).toBe(16)
  expect(liveTensorCount()).toBe(0)
  return Math.max(...errors.values())
}

it.each([
  ['itm-odd', 'fp32', 'webgpu', 1e-4],
  ['itm-odd', 'fp32', 'wasm', 1e-4],
] as const)(
  '%s as %s agrees with transformers in every call on %s',
  async (name, precision, provider, bound) => {
    expect(await worst(name, precision, provider)).toBeLessThan(bound)
  },
)

const PROVIDERS: ('wasm' | 'webgpu')[] = ALL ? ['wasm', 'webgpu'] : ['wasm']

it.each(PROVIDERS)(
  'a Q-Former finds words as likely as LAVIS does, and writes those, on %s',
  async (provider) => {
    const paths = ['blip2_pretrained_small.pth', 'vocab.txt']
    const tree = {
      open: (path: string) => readFromServer(`${WRITER}/${path}`),
      list: () => Promise.resolve(paths),
    }
    const compute = await opened(provider)
    const pack = await writerPack(tree, 'fp32')
    const writes = provider === 'wasm'
    const { errors, written } = await compareWriting(readFromServer, pack, compute, { few: true, writes })
    print(provider, errors)
    for (const [call, error] of errors) expect(error, call).toBeLessThan(1e-4)
    expect(errors.size).toBe(2)
    expect(written).toHaveLength(writes ? 2 : 0)
    for (const { ours, reference } of written)
      expect(ours.map(({ tokenIds }) => tokenIds)).toEqual(reference.map(({ ids }) => ids))
    expect(liveTensorCount()).toBe(0)
  },
)

it.each(PROVIDERS)('a chat model gives its features on %s', async (provider) => {
  const compute = await opened(provider)
  const errors = await chatFeatureErrors(readFromServer, 'untied', compute)
  print(provider, errors)
  expect(errors.size).toBe(2)
  for (const [what, error] of errors) expect(error, what).toBeLessThan(1e-4)
  expect(liveTensorCount()).toBe(0)
})
