import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Compute } from '../../src/runtime/device/compute.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import type { Precision } from '../../src/pack/manifest.ts'
import { openSharedDevice, type SharedDevice } from '../gpu/shared-device.ts'
import { compareGeneration, differences } from './generation.ts'
import { CHECKPOINTS, compareWithReference, stagesOf, type CheckpointName } from './reference.ts'
import { readFromServer } from './dev-server.ts'

const complaints = vi.spyOn(console, 'error')
beforeEach(() => complaints.mockClear())
afterEach(() => expect(complaints).not.toHaveBeenCalled())

let shared: SharedDevice
let webgpu: Compute
beforeAll(async () => {
  shared = await openSharedDevice()
  webgpu = shared.compute
})
afterAll(() => shared.close())

async function check(
  compute: Compute,
  name: CheckpointName,
  precision: Precision,
  bound: number,
): Promise<void> {
  for (const result of await compareWithReference(readFromServer, name, precision, compute)) {
    const errors = precision === 'fp32' ? result.worst : result.rms
    for (const stage of stagesOf(name))
      expect(errors.get(stage), `${stage} for "${result.prompt}"`).toBeLessThan(bound)
    if (precision === 'fp32') expect(result.newIds.ours).toEqual(result.newIds.reference)
  }
  expect(liveTensorCount()).toBe(0)
}

describe('converted and run in the browser on WebGPU', () => {
  it.each(CHECKPOINTS)('%s agrees with transformers at fp32 on every stage and every token', (name) =>
    check(webgpu, name, 'fp32', 1e-4),
  )
  it('stays within the stated bound at q8', () => check(webgpu, 'short-tied', 'q8', 0.03))
  it('stays within the stated bound at q4f16', () => check(webgpu, 'wide-image', 'q4f16', 0.4))
})

describe('converted and run in the browser on WebAssembly', () => {
  it('agrees with transformers at fp32 on every stage and every token', async () => {
    const wasm = await openCompute('wasm')
    expect(wasm.provider).toBe('wasm')
    await check(wasm, 'short-tied', 'fp32', 1e-4)
  })
})

describe('greedy and beam search on WebGPU', () => {
  // A prime step, so that every setting comes up; all of them run on WebAssembly.
  it.each(['short-tied', 'untied', 't5-untied'] as const)(
    '%s: answers and scores are those of transformers',
    async (name) => {
      const results = await compareGeneration(readFromServer, name, webgpu, { each: 7 })
      expect(results.length).toBeGreaterThan(12)
      expect(differences(results)).toEqual([])
      expect(liveTensorCount()).toBe(0)
    },
  )
})
