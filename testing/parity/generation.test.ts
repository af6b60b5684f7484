import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { openCompute } from '../../src/runtime/device/open-compute.ts'
import { liveTensorCount } from '../../src/runtime/ort/tensor.ts'
import { compareGeneration, differences } from './generation.ts'
import { CHECKPOINTS, type ReadFile } from './reference.ts'

const read: ReadFile = async (path) => {
  const bytes = await readFile(`models/reference/${path}`).catch(() => undefined)
  return bytes === undefined ? undefined : new Uint8Array(bytes).buffer
}

describe('greedy and beam search on WebAssembly', () => {
  it.each(CHECKPOINTS)(
    '%s: answers, their order and their scores are those of transformers',
    async (name) => {
      const results = await compareGeneration(read, name, await openCompute('wasm'))
      expect(results.length).toBeGreaterThan(50)
      expect(differences(results)).toEqual([])
      expect(liveTensorCount()).toBe(0)
    },
  )
})
