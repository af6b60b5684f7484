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

// What every kind of lock promises is in the contract of the store (`testing/store`).
describe('locks of one thread', () => {
  it('are taken from the moment that they are asked for', async () => {
    const locks = locksInMemory()
    const first = held()
    const holding = locks.ifFree('a', first.work)
    expect(await locks.ifFree('a', () => Promise.resolve('second'))).toBeUndefined()
    first.end()
    await holding
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
