import { expect, it } from 'vitest'
import { readFromDisk } from '../../testing/parity/files.ts'
import { convertReference } from '../../testing/parity/reference.ts'
import { openCompute } from '../runtime/device/open-compute.ts'
import { liveTensorCount } from '../runtime/ort/tensor.ts'
import { syntheticPack } from '../synthetic/pack.ts'
import { measure } from './measure.ts'

const options = { tokens: 4, promptTokens: 3 }
const pack = syntheticPack({ size: 'tiny', precision: 'q4', seed: 1 })

it('measures every part of a model, and lets go of it', async () => {
  const stages: string[] = []
  const told: number[] = []
  const result = await measure(pack, await openCompute('wasm'), {
    ...options,
    onStage: (stage) => stages.push(stage),
    onPart: (soFar) => told.push(Object.keys(soFar).length),
  })
  const { load, encode, prefill, decode, firstToken, model } = result
  expect(stages).toEqual(['bandwidth', 'load', 'first picture', 'picture', 'follow-up', 'decode'])
  expect(told).toEqual(told.toSorted((a, b) => a - b))
  expect(model.packBytes).toBeGreaterThan(model.decoderBytes)
  expect(load.bytes).toBeGreaterThan(model.decoderBytes)
  // 32 queries and the prompt.
  expect(prefill.positions).toBe(35)
  // The last token before it, and those of the question.
  expect(result.followUp.positions).toBe(10)
  expect(result.kernels).toBeNull()
  expect(decode.recorded).toBeNull()
  expect(decode.plain.tokens).toBe(4)
  const times = [...Object.values(load.sessions), ...Object.values(encode), prefill.ms, decode.plain.ms]
  for (const ms of times) expect(ms).toBeGreaterThan(0)
  expect(firstToken.warm).toBeGreaterThanOrEqual(prefill.ms)
  expect(result.limit).toBeNull()
  expect(liveTensorCount()).toBe(0)
})

it('measures a model with T5, whose prompt is read by an encoder of its own', async () => {
  const t5 = await convertReference(readFromDisk, 't5-untied', 'q8')
  const { model, load, prefill, decode } = await measure(t5, await openCompute('wasm'), options)
  const decoder = t5.manifest.files.find(({ path }) => path === 'text-decoder.weights')
  expect(model.decoderBytes).toBe(decoder?.bytes)
  expect(Object.keys(load.sessions)).toEqual(['vision', 'q-former', 'text-encoder', 'text-decoder'])
  // 8 queries and the prompt, and the token that the decoder starts with.
  expect(prefill.positions).toBe(12)
  expect(decode.plain.tokens).toBe(4)
  expect(liveTensorCount()).toBe(0)
})

it('can be stopped', async () => {
  const signal = AbortSignal.abort()
  const stopped = measure(pack, await openCompute('wasm'), { ...options, signal })
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' })
})
