import { afterEach, describe, expect, it, vi } from 'vitest'
import { browserLocks, locksInMemory, type Locks } from './locks.ts'

/** Work that ends when it is told to. */
function held(): { work: () => Promise<string>; end: () => void; began: () => boolean } {
  let end = (): void => undefined
  let began = false
  const done = new Promise<string>((resolve) => (end = () => resolve('done')))
  return { work: () => ((began = true), done), end: () => end(), began: () => began }
}

const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

describe('locks of one thread', () => {
  it('let one in at a time, in order, and go on after one that failed', async () => {
    const locks = locksInMemory()
    const [first, second] = [held(), held()]
    const failing = locks.exclusive('a', async () => {
      await first.work()
      throw new Error('broken')
    })
    const waiting = locks.exclusive('a', second.work)
    await soon()
    expect([first.began(), second.began()]).toEqual([true, false])
    first.end()
    await expect(failing).rejects.toThrow('broken')
    await soon()
    expect(second.began()).toBe(true)
    second.end()
    expect(await waiting).toBe('done')
  })

  it('let sharers in together, and nobody past one who waits to be alone', async () => {
    const locks = locksInMemory()
    const [one, two, alone, late] = [held(), held(), held(), held()]
    const all = [
      locks.shared('a', one.work),
      locks.shared('a', two.work),
      locks.exclusive('a', alone.work),
      locks.shared('a', late.work),
    ]
    await soon()
    const begun = (): boolean[] => [one, two, alone, late].map(({ began }) => began())
    expect(begun()).toEqual([true, true, false, false])
    one.end()
    two.end()
    await soon()
    expect(begun()).toEqual([true, true, true, false])
    alone.end()
    late.end()
    await Promise.all(all)
    expect(begun()).toEqual([true, true, true, true])
  })

  it('say at once when a name is taken, even within the same moment', async () => {
    const locks = locksInMemory()
    const first = held()
    const holding = locks.ifFree('a', first.work)
    expect(await locks.ifFree('a', () => Promise.resolve('second'))).toBeUndefined()
    expect(await locks.ifFree('b', () => Promise.resolve('other name'))).toBe('other name')
    first.end()
    expect(await holding).toBe('done')
    expect(await locks.ifFree('a', () => Promise.resolve('second'))).toBe('second')
  })

  it('are not waited for any longer than until the signal', async () => {
    const locks = locksInMemory()
    const [first, never] = [held(), held()]
    const holding = locks.exclusive('a', first.work)
    const stop = new AbortController()
    const waiting = locks.exclusive('a', never.work, stop.signal)
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
    first.end()
    await holding
    expect(never.began()).toBe(false)
    expect(await locks.ifFree('a', () => Promise.resolve('free'))).toBe('free')
  })

  it('stop listening to the signal of whoever got a turn', async () => {
    const locks = locksInMemory()
    const first = held()
    const holding = locks.exclusive('a', first.work)
    const { signal } = new AbortController()
    const removed = vi.spyOn(signal, 'removeEventListener')
    const waiting = locks.exclusive('a', () => Promise.resolve('second'), signal)
    first.end()
    await holding
    expect(await waiting).toBe('second')
    expect(removed).toHaveBeenCalledWith('abort', expect.any(Function))
  })
})

describe('locks of a browser', () => {
  afterEach(() => vi.unstubAllGlobals())

  const refusing = {
    request: () => Promise.reject(new DOMException('Access to the Locks API is denied.', 'SecurityError')),
  }

  it.each([
    ['that has none', {}],
    ['that refuses every request', { locks: refusing }],
  ])('%s are those of the thread', async (_, navigator) => {
    vi.stubGlobal('navigator', navigator)
    const [first, second] = [browserLocks(), browserLocks()]
    const one = held()
    const holding = first.exclusive('a', one.work)
    await soon()
    expect(one.began()).toBe(true)
    expect(await second.ifFree('a', () => Promise.resolve('taken twice'))).toBeUndefined()
    one.end()
    expect(await holding).toBe('done')
    expect(await second.shared('a', () => Promise.resolve('free again'))).toBe('free again')
  })

  it('do not begin work again that failed for a reason of its own', async () => {
    const manager = { request: (_: string, __: object, work: () => Promise<unknown>) => work() }
    vi.stubGlobal('navigator', { locks: manager })
    const work = vi.fn<() => Promise<never>>().mockRejectedValue(new DOMException('No.', 'SecurityError'))
    const locks: Locks = browserLocks()
    await expect(locks.exclusive('a', work)).rejects.toThrow('No.')
    expect(work).toHaveBeenCalledOnce()
  })
})
