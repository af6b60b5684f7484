import { describe, expect, it } from 'vitest'
import { JobQueue, type Job } from './queue.ts'

interface Counted {
  queue: JobQueue<Job>
  /** Keys in the order in which work on them began, and how each was told to end. */
  begun: string[]
  reasons: Record<string, unknown>
  /** Ends the work under way. */
  end: () => Promise<void>
}

function counted(options: { ready?: () => boolean; rank?: (job: Job) => number } = {}): Counted {
  const begun: string[] = []
  const reasons: Record<string, unknown> = {}
  let finish = (): void => undefined
  const queue = new JobQueue({
    ready: () => true,
    ...options,
    run: ({ key }, signal) => {
      begun.push(key)
      if (signal.aborted) reasons[key] = signal.reason
      signal.addEventListener('abort', () => {
        reasons[key] = signal.reason
      })
      return new Promise((resolve) => (finish = resolve))
    },
  })
  const end = async (): Promise<void> => {
    finish()
    await new Promise((resolve) => setTimeout(resolve))
  }
  return { queue, begun, reasons, end }
}

describe('a queue', () => {
  it('works on one job at a time, in order, and on none twice', async () => {
    const { queue, begun, end } = counted()
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add({ key })
    expect(begun).toEqual(['a'])
    expect(queue.waiting.map(({ key }) => key)).toEqual(['b', 'c'])
    await end()
    expect(queue.running).toEqual({ key: 'b' })
    await end()
    await end()
    expect(begun).toEqual(['a', 'b', 'c'])
    expect(queue.idle).toBe(true)
  })

  it('waits until it may begin, and then takes first what has the lowest rank', async () => {
    let ready = false
    const { queue, begun, end } = counted({ ready: () => ready, rank: ({ key }) => (key === 'b' ? 0 : 1) })
    for (const key of ['a', 'b', 'c']) queue.add({ key })
    expect(begun).toEqual([])
    ready = true
    queue.advance()
    await end()
    await end()
    expect(begun).toEqual(['b', 'a', 'c'])
  })

  it('stops what is being worked on and nothing that comes after it, however often it is told', async () => {
    const { queue, reasons, begun, end } = counted()
    queue.add({ key: 'a' })
    queue.stop()
    queue.add({ key: 'b' })
    queue.stop()
    await end()
    expect(begun).toEqual(['a', 'b'])
    expect(reasons).toEqual({ a: 'stopped' })
    await end()
    queue.stop()
    queue.add({ key: 'c' })
    expect(reasons).toEqual({ a: 'stopped' })
  })

  it('lets go of a job that is withdrawn, wherever it stands, and takes it back', async () => {
    const { queue, reasons, begun, end } = counted()
    for (const key of ['a', 'b', 'c']) queue.add({ key })
    queue.withdraw('b')
    queue.withdraw('a')
    queue.add({ key: 'a' })
    expect(reasons).toEqual({ a: 'withdrawn' })
    await end()
    await end()
    expect(begun).toEqual(['a', 'c', 'a'])
  })
})
