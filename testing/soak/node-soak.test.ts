/** A few cycles of `npm run soak`, and that it notices what it is there for. */
import { expect, it } from 'vitest'
import type { PackReader } from '../../src/pack/manifest.ts'
import { syntheticPack } from '../../src/synthetic/pack.ts'
import { soakNode, type NodeLeak } from './node-soak.ts'

const CYCLES = 10

/** Its files are made once; making them up takes longer than a cycle. */
function tinyPack(): PackReader {
  const pack = syntheticPack({ size: 'tiny', precision: 'q8', seed: 1 })
  const files = new Map<string, ReturnType<PackReader['file']>>()
  return {
    ...pack,
    file: (path) => {
      const file = files.get(path) ?? pack.file(path)
      files.set(path, file)
      return file
    },
  }
}

const pack = tinyPack()

async function grownWith(leak: NodeLeak | null): Promise<string[]> {
  const measured = await soakNode({ cycles: CYCLES, leak, pack })
  // The heap and what the system gives are those of all tests of this process; they are for a long run.
  const exact = measured.filter(({ name }) => ['tensors', 'array buffers'].includes(name))
  expect(exact).toHaveLength(2)
  return exact.filter(({ grew }) => grew).map(({ name }) => name)
}

it('A model that is loaded, answers and is let go of again and again leaves nothing behind', async () => {
  expect(await grownWith(null)).toEqual([])
})

it.each([
  ['tensor', 'tensors'],
  ['bytes', 'array buffers'],
] as const)('A leak of one %s in each cycle is noticed', async (leak, name) => {
  expect(await grownWith(leak)).toContain(name)
})
