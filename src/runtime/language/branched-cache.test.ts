import { expect, it } from 'vitest'
import { computeOn, MemoryDevice } from '../../../testing/gpu/memory-device.ts'
import { Runtime } from '../ort/runtime.ts'
import { seededUniform } from '../decode/sampling.ts'
import { CacheMemory } from './cache-memory.ts'
import { cacheLayout } from './kv-cache.ts'
import { openCache } from './open-cache.ts'

it('finds each position of each branch where it was first written, and moves nothing', async () => {
  const device = new MemoryDevice()
  const runtime = await Runtime.open(computeOn(device))
  const layout = cacheLayout({ layers: 2, heads: 2, cacheHeadSize: 8 }, 'float32')
  const memory = new CacheMemory(runtime, layout)
  const parent = await openCache(memory, 32)
  const [base, count] = [10, 4]
  const branches = await parent.branch?.(count, base, 20)
  const owners = branches?.owners
  if (branches === undefined || owners === undefined) throw new Error('On the GPU there are branches.')
  const { copies } = device
  // The first positions once: keys and values of two layers, two heads each.
  expect(copies).toBe(2 * 2 * 2)
  // What is written at each position of each row, and what each branch should find.
  const written: string[][] = Array.from({ length: count }, () => [])
  let paths: string[][] = Array.from({ length: count }, () => [])
  const next = seededUniform(4)
  for (let length = base; length < 20; length += 1) {
    const parents = Array.from({ length: count }, () => Math.floor(next() * count))
    await branches.reorder(parents, length)
    paths = parents.map((of, row) => [...(paths[of] ?? []), `${length} of ${row}`])
    written.forEach((row, i) => row.push(`${length} of ${i}`))
    const found = paths.map((path, row) =>
      path.map((_, at) => written[owners.rows[row * owners.span + at] ?? NaN]?.[at]),
    )
    expect(found).toEqual(paths)
  }
  expect(device.copies).toBe(copies)
  branches.dispose()
  parent.dispose()
  memory.dispose()
  expect(device.liveBytes).toBe(0)
})
