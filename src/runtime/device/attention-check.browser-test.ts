import { expect, it } from 'vitest'
import { attendsRightly, attentionErrors } from './attention-check.ts'
import { openTalkingModel } from '../models/models.ts'
import { openCompute } from './open-compute.ts'
import { liveTensorCount } from '../ort/tensor.ts'
import { sharedDevice } from '../../../testing/gpu/shared-device.ts'
import { smallPack } from '../../../testing/small-model.ts'

/** The software adapter has subgroups of 4, with which ONNX Runtime's attention is wrong. */
it('says that attention is wrong with subgroups of 4', async () => {
  const compute = await openCompute('webgpu', { subgroups: true })
  expect(compute.subgroups).toBe('used')
  expect(compute.device?.features.has('subgroups')).toBe(true)
  expect(await attendsRightly(compute)).toBe(false)
  const { float32 } = await attentionErrors(compute)
  expect(float32).toBeGreaterThan(1e-2)
  if (import.meta.env['VITE_PRINT_COUNTS']) console.warn('error with subgroups', float32)
  compute.device?.destroy()
})

it('says that attention is right without, and leaves a device that a model can be opened on', async () => {
  const { device, subgroups } = await openCompute('webgpu', { subgroups: false })
  expect(subgroups).toBe('left-out')
  expect(device?.features.has('subgroups')).toBe(false)
  device?.destroy()
  const compute = await sharedDevice()
  expect(compute.device?.features.has('subgroups')).toBe(false)
  const started = performance.now()
  expect(await attendsRightly(compute)).toBe(true)
  const ms = performance.now() - started
  const { float32 } = await attentionErrors(compute)
  expect(float32).toBeLessThan(1e-5)
  if (import.meta.env['VITE_PRINT_COUNTS']) console.warn('error without subgroups', float32, 'in ms', ms)
  expect(liveTensorCount()).toBe(0)
  const model = await openTalkingModel(await smallPack(), compute, { warmUp: true })
  expect(model.talk.recordsSteps).toBe(true)
  await model.dispose()
})

it('gives software adapters no subgroups', async () => {
  const compute = await openCompute('webgpu')
  expect(compute).toMatchObject({ software: true, subgroups: 'software' })
  expect(compute.device?.features.has('subgroups')).toBe(false)
  compute.device?.destroy()
})

/** As if the adapter were a graphics card with large subgroups: only the self-test can tell. */
it('opens the device again without subgroups when the self-test fails', async () => {
  const request = navigator.gpu.requestAdapter.bind(navigator.gpu)
  const adapters: GPUAdapter[] = []
  navigator.gpu.requestAdapter = async (options) => {
    const adapter = await request(options)
    if (adapter === null) return null
    adapters.push(adapter)
    const info = { vendor: 'disguised', architecture: '', description: '', subgroupMinSize: 32 }
    Object.defineProperty(adapter, 'info', { value: { ...info, isFallbackAdapter: false } })
    return adapter
  }
  try {
    const compute = await openCompute('webgpu')
    expect(compute).toMatchObject({ provider: 'webgpu', subgroups: 'wrong' })
    expect(compute.device?.features.has('subgroups')).toBe(false)
    expect(adapters).toHaveLength(2)
    expect(await attendsRightly(compute)).toBe(true)
    compute.device?.destroy()
  } finally {
    navigator.gpu.requestAdapter = request
  }
})
