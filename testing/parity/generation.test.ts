import { describe, expect, it } from 'vitest'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import { compareGeneration, differences } from './generation.ts'
import { CHECKPOINTS } from './reference.ts'
import { readFromDisk } from './files.ts'

describe('greedy and beam search on WebAssembly', () => {
  it.each(CHECKPOINTS)(
    '%s: answers, their order and their scores are those of transformers',
    async (name) => {
      const results = await compareGeneration(readFromDisk, name, await openCompute('wasm'))
      expect(results.length).toBeGreaterThan(50)
      expect(differences(results)).toEqual([])
      expect(liveTensorCount()).toBe(0)
    },
  )

  it('and so they are as rows of one batch', async () => {
    const results = await compareGeneration(readFromDisk, 'untied', await openCompute('wasm'), {
      together: true,
    })
    expect(results.length).toBeGreaterThan(30)
    expect(differences(results)).toEqual([])
    expect(liveTensorCount()).toBe(0)
  })
})
