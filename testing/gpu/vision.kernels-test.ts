/**
 * The vision encoder on our own kernels, on whatever Dawn finds: at fp32 what transformers computed, at every other
 * precision what ONNX Runtime has on WebAssembly with the same pack; and what a picture costs, counted at the WebGPU
 * interface. No shader of ONNX Runtime is compiled, which takes a software driver minutes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGpuProbe } from '../../src/bench/gpu-probe.ts'
import { PRECISIONS } from '../../src/pack/precisions.ts'
import type { Compute } from '../../src/runtime/device/compute.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { differenceOf } from '../../src/runtime/language/rows-check.ts'
import { openTalkingModel } from '../../src/runtime/models/models.ts'
import { PartsOpener } from '../../src/runtime/models/open-parts.ts'
import { tracedFloats } from '../../src/runtime/models/trace.ts'
import { VisionEncoder } from '../../src/runtime/models/vision-encoder.ts'
import { Runtime } from '../../src/runtime/ort/runtime.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import { openOwnEncoder, planEncoder } from '../../src/runtime/wgsl/vision/open-encoder.ts'
import { NotForKernels } from '../../src/runtime/wgsl/weights/stored.ts'
import { readFromDisk, readIn } from '../parity/files.ts'
import { smallModel } from '../small-model.ts'
import {
  CHECKPOINTS,
  convertReference,
  LAVIS_CHECKPOINTS,
  packInMemory,
  pixelsOf,
  readReference,
  storedValues,
  worstError,
} from '../parity/reference.ts'
import { filesOfPart } from './part-files.ts'

const probe = startGpuProbe()
let processor: Compute
let card: Compute
const complaints: string[] = []
beforeAll(async () => {
  processor = await openCompute('wasm')
  card = await openCompute('webgpu', { subgroups: false })
  card.device?.addEventListener('uncapturederror', ({ error }) => complaints.push(error.message))
})
afterAll(() => {
  expect(complaints).toEqual([])
  card.device?.destroy()
  probe.stop()
})

/** Heads of a size that is no multiple of four. */
const UNFIT = 'untied'
const FIT = [...CHECKPOINTS, ...LAVIS_CHECKPOINTS].filter((name) => name !== UNFIT)

it(`is not for ${UNFIT}, and says so`, async () => {
  const pack = await convertReference(readFromDisk, UNFIT, 'q4')
  const { vision } = pack.manifest.parts
  const files = await filesOfPart(pack, vision, card)
  if (card.device === null) throw new Error('There is no GPU.')
  const { device } = card
  expect(() => planEncoder(device, files, vision.shape)).toThrow(NotForKernels)
})

it('is chosen against ONNX Runtime, let go of behind a picture, and opened again for the next', async () => {
  const pack = packInMemory(await smallModel(readIn('.'), { precision: 'q4' }))
  const parts = new PartsOpener(await Runtime.open(card), pack, ['vision'], { kernels: 'always' })
  const vision = await VisionEncoder.open(parts)
  expect(vision.kernels.ownKernels).toBe('used')
  expect(vision.kernels.times?.other).toBeGreaterThan(0)
  const pictures: Float32Array[] = []
  const features = async (): Promise<void> => {
    const encoded = await vision.encode(vision.nothing())
    pictures.push(await encoded.read())
    encoded.dispose()
  }
  await features()
  const { liveBytes } = probe.counts
  await vision.session.keepOpen(false)
  expect(vision.session.isOpen).toBe(false)
  // Weights, and values on their way.
  expect(liveBytes - probe.counts.liveBytes).toBeGreaterThan(100_000)
  await features()
  expect(vision.session.isOpen).toBe(false)
  expect(vision.kernels.ownKernels).toBe('used')
  expect(pictures[1]).toEqual(pictures[0])
  await vision.session.dispose()
  expect(liveTensorCount()).toBe(0)
  // ONNX Runtime's shaders are compiled by the processor here.
}, 600_000)

describe.each(PRECISIONS)('a vision encoder on our own kernels at %s', (precision) => {
  it.each(FIT)('sees in the pictures of %s what it must', async (name) => {
    const pack = await convertReference(readFromDisk, name, precision)
    const { vision } = pack.manifest.parts
    const { shape } = vision
    const { device } = card
    if (device === null) throw new Error('There is no GPU.')
    const files = await filesOfPart(pack, vision, card)
    const runtime = await Runtime.open(card)
    const plan = planEncoder(device, files, shape)
    const encoder = await openOwnEncoder(runtime, { ...files, shape }, plan)
    const judge = await openTalkingModel(pack, processor)
    const { cases } = await readReference(readFromDisk, name)
    const values = await storedValues(readFromDisk, `${name}/reference.safetensors`)
    for (const key of new Set(cases.map(({ imageKey }) => imageKey))) {
      const pixels = await pixelsOf(values, key, judge)
      const before = { ...probe.counts }
      const features = await encoder.encode(pixels.data)
      const since = (count: keyof typeof before): number => probe.counts[count] - before[count]
      expect([since('submits'), since('passes'), since('bytesRead')]).toEqual([1, 1, 0])
      expect(since('dispatches')).toBe(9 * shape.layers + (plan.places.preNorm === null ? 3 : 4))
      const got = await features.read()
      features.dispose()
      const { seen, tensors } = await judge.look.trace(pixels)
      seen.embeddings.dispose()
      expect(differenceOf(got, tracedFloats(tensors, 'image_features')), key).toBeLessThan(1e-5)
      if (precision === 'fp32')
        expect(worstError(got, await values(`${key}.image_features`)), key).toBeLessThan(2e-5)
    }
    await encoder.dispose()
    await judge.dispose()
    expect(liveTensorCount()).toBe(0)
  })
})
