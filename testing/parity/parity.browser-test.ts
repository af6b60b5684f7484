import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Compute } from '../../src/runtime/device/compute.ts'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import type { Precision } from '../../src/pack/manifest.ts'
import { sharedDevice } from '../gpu/shared-device.ts'
import { compareGeneration, differences } from './generation.ts'
import { CHECKPOINTS, compareWithReference, stagesOf, type CheckpointName } from './reference.ts'
import { readFromServer } from './dev-server.ts'

const complaints = vi.spyOn(console, 'error')
beforeEach(() => complaints.mockClear())
afterEach(() => expect(complaints).not.toHaveBeenCalled())

let webgpu: Compute
beforeAll(async () => {
  webgpu = await sharedDevice()
})

interface Checked {
  precision: Precision
  bound: number
  lastOnly: boolean
}

async function check(
  compute: Compute,
  name: CheckpointName,
  { precision, bound, lastOnly }: Checked,
): Promise<void> {
  const results = await compareWithReference(readFromServer, name, precision, compute, { lastOnly })
  expect(results.length).toBeGreaterThan(lastOnly ? 0 : 3)
  for (const result of results) {
    const errors = precision === 'fp32' ? result.worst : result.rms
    for (const stage of stagesOf(name))
      expect(errors.get(stage), `${stage} for "${result.prompt}"`).toBeLessThan(bound)
    if (precision === 'fp32') expect(result.newIds.ours).toEqual(result.newIds.reference)
  }
  expect(liveTensorCount()).toBe(0)
}

/**
 * One of each family in every case. Others differ in their shapes, which choose shaders; a case runs all of these. All
 * cases of all checkpoints in every precision run on WebAssembly in Node.
 */
const IN_EVERY_CASE: readonly CheckpointName[] = ['short-tied', 't5-untied']

describe('converted and run in the browser on WebGPU', () => {
  it.each(CHECKPOINTS)('%s agrees with transformers at fp32 on every stage and every token', (name) =>
    check(webgpu, name, { precision: 'fp32', bound: 1e-4, lastOnly: !IN_EVERY_CASE.includes(name) }),
  )
  it('stays within the stated bound at q8', () =>
    check(webgpu, 'short-tied', { precision: 'q8', bound: 0.03, lastOnly: true }))
  it('stays within the stated bound at q4f16', () =>
    check(webgpu, 'wide-image', { precision: 'q4f16', bound: 0.4, lastOnly: true }))
})

describe('converted and run in the browser on WebAssembly', () => {
  it('agrees with transformers at fp32 on every stage and every token', async () => {
    const wasm = await openCompute('wasm')
    expect(wasm.provider).toBe('wasm')
    await check(wasm, 'short-tied', { precision: 'fp32', bound: 1e-4, lastOnly: false })
  })
})

describe('greedy and beam search on WebGPU', () => {
  // All settings run on WebAssembly. What they mean to a device is how many rows run together, how rows follow others, and
  // how much of a cache is kept for the next prompt: this step comes by one row to five, several answers, and every prompt.
  it.each(['short-tied', 't5-untied'] as const)(
    '%s: answers and scores are those of transformers',
    async (name) => {
      const results = await compareGeneration(readFromServer, name, webgpu, { each: 19 })
      expect(results.length).toBeGreaterThan(6)
      expect(differences(results)).toEqual([])
      expect(liveTensorCount()).toBe(0)
    },
  )
})
