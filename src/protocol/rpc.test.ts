import { afterEach, describe, expect, it, vi } from 'vitest'
import { AppError } from '../pack/failure.ts'
import { connect, serve, type Client, type Handlers } from './rpc.ts'

interface TestCalls {
  double: { in: number; event: never; out: number }
  count: { in: number; event: number; out: 'all' | 'stopped' }
  refuse: { in: null; event: never; out: null }
  break: { in: null; event: never; out: null }
  pass: { in: unknown; event: unknown; out: unknown }
}

const channels: MessageChannel[] = []
afterEach(() => {
  for (const { port1, port2 } of channels.splice(0)) {
    port1.close()
    port2.close()
  }
})

function pair(handlers: Partial<Handlers<TestCalls>>): Client<TestCalls> {
  const channel = new MessageChannel()
  channels.push(channel)
  const unused = (): Promise<never> => Promise.reject(new Error('not expected'))
  serve<TestCalls>(channel.port1, {
    double: unused,
    count: unused,
    refuse: unused,
    break: unused,
    pass: unused,
    ...handlers,
  })
  channel.port1.start()
  const client = connect<TestCalls>(channel.port2)
  channel.port2.start()
  return client
}

describe('calls over a port', () => {
  it('return what the handler returns, each to its own caller', async () => {
    const client = pair({ double: (n) => Promise.resolve(2 * n) })
    expect(await Promise.all([client.call('double', 1), client.call('double', 2)])).toEqual([2, 4])
  })

  it('pass events on in order', async () => {
    const client = pair({
      count: (n, report) => {
        for (let i = 1; i <= n; i += 1) report(i)
        return Promise.resolve('all')
      },
    })
    const seen: number[] = []
    await client.call('count', 3, { onEvent: (i) => seen.push(i) })
    expect(seen).toEqual([1, 2, 3])
  })

  it('let the handler decide how to end when cancelled', async () => {
    const client = pair({
      count: (_, report, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve('stopped'))
          report(0)
        }),
    })
    const controller = new AbortController()
    const outcome = client.call('count', 9, { signal: controller.signal, onEvent: () => controller.abort() })
    expect(await outcome).toBe('stopped')
  })

  it('carry a failure with its code and sentence', async () => {
    const client = pair({ refuse: () => Promise.reject(new AppError('bad-image', 'Not a picture.')) })
    await expect(client.call('refuse', null)).rejects.toMatchObject({
      code: 'bad-image',
      message: 'Not a picture.',
    })
  })

  it('carry what a failure says beside its sentence', async () => {
    const details = { path: 'vision.weights', expected: 3 }
    const client = pair({ refuse: () => Promise.reject(new AppError('bad-pack', 'Misshapen.', { details })) })
    await expect(client.call('refuse', null)).rejects.toMatchObject({ code: 'bad-pack', details })
  })

  it('are refused when what goes in cannot be sent, and nothing waits for them', async () => {
    const client = pair({ double: (n) => Promise.resolve(2 * n) })
    const signal = new AbortController().signal
    const removed = vi.spyOn(signal, 'removeEventListener')
    await expect(client.call('pass', () => undefined, { signal })).rejects.toMatchObject({ code: 'bug' })
    expect(removed).toHaveBeenCalled()
    expect(await client.call('double', 4)).toBe(8)
  })

  it.each<[string, Handlers<TestCalls>['pass']]>([
    ['comes out', () => Promise.resolve(() => undefined)],
    [
      'is told on the way',
      (_, report) => {
        report(() => undefined)
        return Promise.resolve(null)
      },
    ],
  ])('fail when what %s cannot be sent', async (_, handler) => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const client = pair({ pass: handler })
    await expect(client.call('pass', null)).rejects.toMatchObject({ code: 'bug' })
    expect(logged).toHaveBeenCalledOnce()
    logged.mockRestore()
  })

  it('leave no listener on the signal that could have cancelled them, however they end', async () => {
    const { signal } = new AbortController()
    const added = vi.spyOn(signal, 'addEventListener')
    const removed = vi.spyOn(signal, 'removeEventListener')
    const client = pair({
      double: (n) => (n === 3 ? new Promise(() => undefined) : Promise.resolve(2 * n)),
      refuse: () => Promise.reject(new AppError('bad-image', 'Not a picture.')),
    })
    await client.call('double', 1, { signal })
    await client.call('refuse', null, { signal }).catch(() => undefined)
    const waiting = client.call('double', 3, { signal }).catch(() => undefined)
    client.fail({ code: 'out-of-memory', message: 'The thread stopped.' })
    await waiting
    const listeners = added.mock.calls.map(([, listener]) => listener)
    expect(listeners).toHaveLength(3)
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(listeners)
  })

  it('turn what nobody foresaw into a bug, and log it once', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const client = pair({ break: () => Promise.reject(new TypeError('x is undefined')) })
    await expect(client.call('break', null)).rejects.toMatchObject({ code: 'bug' })
    expect(logged).toHaveBeenCalledOnce()
    logged.mockRestore()
  })

  it('reject everything once the other side has died', async () => {
    const client = pair({ double: () => new Promise(() => undefined) })
    const waiting = client.call('double', 1)
    client.fail({ code: 'out-of-memory', message: 'The thread stopped.' })
    await expect(waiting).rejects.toMatchObject({ code: 'out-of-memory' })
    await expect(client.call('double', 2)).rejects.toMatchObject({ code: 'out-of-memory' })
  })
})
