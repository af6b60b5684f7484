import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AppError } from '../pack/failure.ts'
import { WritingDown } from './writing-down.ts'

function onDisk() {
  const full = new Set<string>()
  const said: (string | null)[] = []
  const keep = vi.fn((id: string) =>
    full.has(id) ? Promise.reject(new AppError('no-space', `No room for ${id}.`)) : Promise.resolve(),
  )
  const writing = new WritingDown({ keep, say: (failure) => said.push(failure?.message ?? null) })
  return { writing, full, said, keep }
}

describe('What could not be kept', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('is tried again until there is room, and said once for each change', async () => {
    const { writing, full, said, keep } = onDisk()
    full.add('a')
    writing.save('a')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(keep.mock.calls.length).toBeGreaterThan(3)
    expect(said).toEqual(['No room for a.'])
    writing.save('a')
    await vi.advanceTimersByTimeAsync(0)
    expect(said).toEqual(['No room for a.', 'No room for a.'])
    expect(writing.isDue('a')).toBe(true)
    full.clear()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(said.at(-1)).toBeNull()
    expect([writing.isDue('a'), vi.getTimerCount()]).toEqual([false, 0])
  })

  it('is tried again when something else was kept, once, whatever still has no room', async () => {
    const { writing, full, said, keep } = onDisk()
    for (const id of ['a', 'b']) {
      full.add(id)
      writing.save(id)
    }
    await vi.advanceTimersByTimeAsync(0)
    full.delete('a')
    keep.mockClear()
    writing.save('c')
    await vi.advanceTimersByTimeAsync(0)
    expect(keep.mock.calls.flat()).toEqual(['c', 'a', 'b', 'b'])
    expect(said).toEqual(['No room for a.', 'No room for b.'])
    full.clear()
    writing.again()
    await vi.advanceTimersByTimeAsync(0)
    expect(said.at(-1)).toBeNull()
  })
})
