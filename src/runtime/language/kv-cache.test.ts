import { afterEach, describe, expect, it, vi } from 'vitest'
import { computeOn, MemoryDevice } from '../../../testing/gpu/memory-device.ts'
import { openCompute } from '../device/open-compute.ts'
import { Runtime } from '../ort/runtime.ts'
import { liveTensorCount, type DeviceTensor } from '../ort/tensor.ts'
import { CacheMemory } from './cache-memory.ts'
import { longestOf } from './decoder-parts.ts'
import { cacheLayout, positionBytes, tensorAt, type KvCache, type Tensors } from './kv-cache.ts'
import { openCache } from './open-cache.ts'

const [LAYERS, HEADS, HEAD_SIZE] = [2, 3, 4]
const LAYOUT = cacheLayout({ layers: LAYERS, heads: HEADS, cacheHeadSize: HEAD_SIZE }, 'float32')

afterEach(() => {
  expect(liveTensorCount()).toBe(0)
  vi.unstubAllGlobals()
})

/** What a cache should hold: for each row the number that was written at each position. */
type Model = number[][]

/** The value of one number at a place in a tensor: different everywhere. */
const valueAt = (tensor: number, head: number, written: number, i: number): number =>
  1000 * written + 100 * tensor + 10 * head + i

/** A tensor's values as they are now: `read` would take a GPU tensor to the processor for good. */
async function valuesOf(runtime: Runtime, tensor: DeviceTensor): Promise<Float32Array> {
  if (runtime.compute.device === null) return tensor.read()
  const staging = runtime.staging(tensor)
  const values = await runtime.readBack(tensor, staging)
  staging.destroy()
  return values
}

/** Writes numbers behind `length`, one for each row, as a run of the decoder does. */
async function write(runtime: Runtime, cache: KvCache, length: number, written: number[]): Promise<void> {
  const into = cache.into()
  const present: Tensors = {}
  for (const [t, { past, present: name }] of LAYOUT.names.entries()) {
    const before = await valuesOf(runtime, tensorAt(cache.past(), past))
    const capacity = Object.keys(into).length === 0 ? length : cache.capacity
    const after = Object.keys(into).length === 0 ? length + 1 : cache.capacity
    const values = new Float32Array(written.length * HEADS * after * HEAD_SIZE)
    for (const [row, number] of written.entries()) {
      for (let head = 0; head < HEADS; head += 1) {
        const [from, to] = [(row * HEADS + head) * capacity, (row * HEADS + head) * after]
        values.set(before.subarray(from * HEAD_SIZE, (from + capacity) * HEAD_SIZE), to * HEAD_SIZE)
        for (let i = 0; i < HEAD_SIZE; i += 1)
          values[(to + length) * HEAD_SIZE + i] = valueAt(t, head, number, i)
      }
    }
    const target = into[name]
    if (target === undefined)
      present[name] = runtime.tensor('float32', values, [written.length, HEADS, after, HEAD_SIZE])
    else runtime.write(target, values)
  }
  cache.keep(present)
}

async function expectHolds(runtime: Runtime, cache: KvCache, model: Model): Promise<void> {
  const length = model[0]?.length ?? 0
  for (const [t, { past }] of LAYOUT.names.entries()) {
    const tensor = tensorAt(cache.past(), past)
    const values = await valuesOf(runtime, tensor)
    const positions = tensor.dims[2] ?? 0
    expect(tensor.dims[0]).toBe(model.length)
    const held = model.map((_, row) =>
      Array.from({ length: HEADS }, (__, head) => {
        const start = (row * HEADS + head) * positions * HEAD_SIZE
        return Array.from(values.subarray(start, start + length * HEAD_SIZE))
      }),
    )
    const expected = model.map((numbers) =>
      Array.from({ length: HEADS }, (_, head) =>
        numbers.flatMap((number) =>
          Array.from({ length: HEAD_SIZE }, (__, i) => valueAt(t, head, number, i)),
        ),
      ),
    )
    expect(held).toEqual(expected)
  }
}

async function open(kind: 'processor' | 'GPU'): Promise<{ runtime: Runtime; memory: CacheMemory }> {
  const compute = kind === 'GPU' ? computeOn(new MemoryDevice()) : await openCompute('wasm')
  const runtime = await Runtime.open(compute)
  return { runtime, memory: new CacheMemory(runtime, LAYOUT) }
}

describe.each(['processor', 'GPU'] as const)('a cache on the %s', (kind) => {
  it('holds what is written, is cut short and grows, and its branches go their own ways', async () => {
    const { runtime, memory } = await open(kind)
    const cache = await openCache(memory, 4)
    for (const [length, number] of [1, 2, 3, 4].entries()) await write(runtime, cache, length, [number])
    await expectHolds(runtime, cache, [[1, 2, 3, 4]])
    await cache.truncate(2)
    await write(runtime, cache, 2, [5])
    await cache.reserve(8, 3)
    expect(cache.capacity).toBeGreaterThanOrEqual(8)
    await write(runtime, cache, 3, [6])
    await expectHolds(runtime, cache, [[1, 2, 5, 6]])

    const branches = await cache.fork([0, 0, 0], 4, 7)
    await write(runtime, branches, 4, [10, 11, 12])
    await branches.reorder([2, 0, 0], 5)
    await write(runtime, branches, 5, [20, 21, 22])
    await branches.reorder([1, 1, 2], 6)
    await branches.reorder([0, 1, 2], 6)
    await expectHolds(runtime, branches, [
      [1, 2, 5, 6, 10, 21],
      [1, 2, 5, 6, 10, 21],
      [1, 2, 5, 6, 10, 22],
    ])
    await expectHolds(runtime, cache, [[1, 2, 5, 6]])
    branches.dispose()
    cache.dispose()
    memory.dispose()
    expect(memory.heldBytes).toBe(0)
  })

  it('counts what it holds', async () => {
    const { runtime, memory } = await open(kind)
    const cache = await openCache(memory, 4)
    for (let length = 0; length < 4; length += 1) await write(runtime, cache, length, [length])
    expect(memory.heldBytes).toBe(4 * positionBytes(LAYOUT))
    const branches = await cache.fork([0, 0], 4, 6)
    expect(memory.heldBytes).toBe((kind === 'GPU' ? 4 + 12 : 4 + 8) * positionBytes(LAYOUT))
    branches.dispose()
    cache.dispose()
    memory.dispose()
    expect(memory.heldBytes).toBe(0)
  })
})

describe('memory that runs out', () => {
  const limit = 40 * positionBytes(LAYOUT)

  it('is said with numbers before branches are allocated', async () => {
    const device = new MemoryDevice()
    const runtime = await Runtime.open(computeOn(device))
    const memory = new CacheMemory(runtime, LAYOUT, limit)
    const cache = await openCache(memory, 8)
    const before = device.liveBytes
    memory.admitBranches(2, 8)
    expect(() => memory.admitBranches(3, 8)).toThrow(
      expect.objectContaining({
        code: 'out-of-memory',
        message: expect.stringMatching(
          /^3 answers side by side, over 8 positions each, need .* MB/,
        ) as string,
      }),
    )
    expect(device.liveBytes).toBe(before)
    cache.dispose()
    memory.dispose()
  })

  it('is made by letting go of spare sets', async () => {
    const device = new MemoryDevice()
    const memory = new CacheMemory(await Runtime.open(computeOn(device)), LAYOUT, limit)
    for (const cache of [await openCache(memory, 10), await openCache(memory, 12)]) cache.dispose()
    expect(device.liveBytes).toBe(22 * positionBytes(LAYOUT))
    memory.admitBranches(2, 10)
    expect(device.liveBytes).toBe(0)
    memory.dispose()
  })

  it('keeps no set to spare above its limit, whether one is taken or given back', async () => {
    const device = new MemoryDevice()
    const memory = new CacheMemory(await Runtime.open(computeOn(device)), LAYOUT, limit)
    const position = positionBytes(LAYOUT)
    const small = await openCache(memory, 10)
    small.dispose()
    const large = await openCache(memory, 32)
    expect(device.liveBytes).toBe(32 * position)
    const larger = await openCache(memory, 20)
    larger.dispose()
    expect(device.liveBytes).toBe(32 * position)
    large.dispose()
    expect(device.liveBytes).toBe(32 * position)
    memory.dispose()
    expect(device.liveBytes).toBe(0)
  })

  it('fails a cache that cannot grow, which goes on with what it has', async () => {
    const device = new MemoryDevice(10 * positionBytes(LAYOUT))
    const runtime = await Runtime.open(computeOn(device))
    const memory = new CacheMemory(runtime, LAYOUT)
    const cache = await openCache(memory, 4)
    await write(runtime, cache, 0, [7])
    await expect(cache.reserve(8, 1)).rejects.toMatchObject({
      code: 'out-of-memory',
      message: expect.stringContaining('keys and values of 8 positions') as string,
    })
    expect(device.liveBytes).toBe(4 * positionBytes(LAYOUT))
    expect(cache.capacity).toBe(4)
    await expectHolds(runtime, cache, [[7]])
    await expect(cache.fork([0, 0], 1, 4)).rejects.toMatchObject({ code: 'out-of-memory' })
    cache.dispose()
    memory.dispose()
    expect(device.liveBytes).toBe(0)
  })

  it('leaves sequences the half of what there was no room for, if that is worth having', async () => {
    const longest: number[] = []
    for (const capacity of [1000, 600, 300, 100]) {
      const runtime = await Runtime.open(computeOn(new MemoryDevice(capacity * positionBytes(LAYOUT))))
      const memory = new CacheMemory(runtime, LAYOUT)
      const { cache, failure } = await openCache(memory, 128).then(
        (opened) => ({ cache: opened, failure: null }),
        (error: unknown) => ({ cache: null, failure: error }),
      )
      expect(failure === null).toBe(capacity > 128)
      for (const positions of [256, 512, 1024]) await cache?.reserve(positions, 0).catch(() => undefined)
      longest.push(longestOf({ context: 1024, memory }))
      cache?.dispose()
      memory.dispose()
    }
    // A set is copied into one of twice its size, and the two are there at once.
    expect(longest).toEqual([512, 256, 128, 1024])
  })
})
