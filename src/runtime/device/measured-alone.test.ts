import { expect, it, vi } from 'vitest'
import { measuredAlone, type MeasuringLocks } from './measured-alone.ts'

/** Locks of one name, as a browser has them for all tabs. */
class FakeLocks implements MeasuringLocks {
  held = false
  readonly names = new Set<string>()
  #waiting: (() => void)[] = []

  async request<T>(name: string, { signal }: { signal: AbortSignal }, granted: () => Promise<T>): Promise<T> {
    this.names.add(name)
    if (this.held) await this.#turn(signal)
    this.held = true
    try {
      return await granted()
    } finally {
      this.held = false
      this.#waiting.shift()?.()
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve)
      signal.addEventListener('abort', () => {
        this.#waiting = this.#waiting.filter((one) => one !== resolve)
        reject(new DOMException('Gave up.', 'AbortError'))
      })
    })
  }
}

/** A measurement that lasts until it is told to end. */
function measurement(): { work: () => Promise<string>; begun: () => boolean; end: () => void } {
  let begun = false
  let end: () => void = () => undefined
  const over = new Promise<void>((resolve) => (end = resolve))
  const work = async (): Promise<string> => {
    begun = true
    await over
    return 'measured'
  }
  return { work, begun: () => begun, end: () => end() }
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

it('of two tabs one measures behind the other', async () => {
  const locks = new FakeLocks()
  const [one, other] = [measurement(), measurement()]
  const first = measuredAlone(one.work, { locks })
  const second = measuredAlone(other.work, { locks })
  await settled()
  expect([one.begun(), other.begun()]).toEqual([true, false])
  one.end()
  expect(await first).toBe('measured')
  await vi.waitFor(() => expect(other.begun()).toBe(true))
  other.end()
  expect(await second).toBe('measured')
  expect([locks.held, locks.names.size]).toEqual([false, 1])
})

it('does not wait for ever for a tab that hangs, and says that it is still at it', async () => {
  const locks = new FakeLocks()
  const hangs = measurement()
  const first = measuredAlone(hangs.work, { locks })
  const told = (another: boolean): Promise<boolean> => Promise.resolve(another)
  expect(await measuredAlone(told, { locks, mostMs: 1 })).toBe(true)
  hangs.end()
  await first
  expect(await measuredAlone(told, { locks, mostMs: 1 })).toBe(false)
})

it('is not given up for taking long once it has begun', async () => {
  const locks = new FakeLocks()
  const one = measurement()
  const measured = measuredAlone(one.work, { locks, mostMs: 1 })
  await new Promise((resolve) => setTimeout(resolve, 5))
  one.end()
  expect(await measured).toBe('measured')
})

it('never begins where loading is cancelled meanwhile, or was before', async () => {
  const locks = new FakeLocks()
  const [holds, other] = [measurement(), measurement()]
  void measuredAlone(holds.work, { locks })
  const cancel = new AbortController()
  const waiting = measuredAlone(other.work, { locks, signal: cancel.signal })
  cancel.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'cancelled' })
  for (const given of [locks, null])
    await expect(measuredAlone(other.work, { locks: given, signal: cancel.signal })).rejects.toMatchObject({
      code: 'cancelled',
    })
  expect(other.begun()).toBe(false)
})

it('measures all the same where there are no locks, or they are withheld', async () => {
  const withheld: MeasuringLocks = { request: () => Promise.reject(new DOMException('No.', 'SecurityError')) }
  for (const locks of [null, withheld])
    expect(await measuredAlone((another) => Promise.resolve([7, another]), { locks })).toEqual([7, false])
})

it('hands on what goes wrong in a measurement, which is made once', async () => {
  const locks = new FakeLocks()
  const work = vi.fn(() => Promise.reject(new Error('A fault.')))
  await expect(measuredAlone(work, { locks })).rejects.toThrow('A fault.')
  expect([work.mock.calls.length, locks.held]).toEqual([1, false])
})
