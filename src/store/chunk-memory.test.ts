import { expect, it } from 'vitest'
import { ChunkMemory } from './chunk-memory.ts'

it('lends the same memory again, none of it to two at once, and more only where it is too small', async () => {
  const memory = new ChunkMemory()
  const seen: ArrayBuffer[][] = []
  const use = async (...sizes: number[]): Promise<void> => {
    const buffers: ArrayBuffer[] = []
    const lent = sizes.map((size) =>
      memory.lend(size, async (bytes) => {
        expect(bytes).toHaveLength(size)
        buffers.push(bytes.buffer)
        await Promise.resolve()
      }),
    )
    await Promise.all(lent)
    expect(new Set(buffers).size).toBe(sizes.length)
    seen.push(buffers)
  }
  await use(10, 20)
  await use(5, 15)
  await use(30, 20)
  await use(30, 30)
  await use(10, 20)
  // Those that were too small are gone.
  expect(seen.at(-1)?.map(({ byteLength }) => byteLength)).toEqual([30, 30])
  const all = new Set(seen.flat())
  // Two at first; then one of 30 in the place of that of 10, and another in the place of that of 20.
  expect([...all].map(({ byteLength }) => byteLength)).toEqual([10, 20, 30, 30])
})

it('takes memory back from work that fails', async () => {
  const memory = new ChunkMemory()
  let first: ArrayBuffer | null = null
  const failing = memory.lend(8, (bytes) => {
    first = bytes.buffer
    return Promise.reject(new Error('no line'))
  })
  await expect(failing).rejects.toThrow('no line')
  expect(await memory.lend(8, ({ buffer }) => Promise.resolve(buffer))).toBe(first)
})
