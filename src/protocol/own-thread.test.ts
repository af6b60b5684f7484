import { expect, it, vi } from 'vitest'
import { callOwnThread } from './own-thread.ts'
import { connect, serve } from './rpc.ts'

interface Calls {
  measure: { in: string; event: number; out: string }
}

function thread(measure: (input: string, report: (event: number) => void) => Promise<string>) {
  const { port1, port2 } = new MessageChannel()
  port1.start()
  port2.start()
  serve<Calls>(port1, { measure })
  const end = vi.fn(() => port2.close())
  return { client: connect<Calls>(port2), end }
}

it('a thread for one call is ended behind it, and at once when the call is cancelled though it answers nothing', async () => {
  const { signal } = new AbortController()
  const answering = thread((input, report) => (report(1), Promise.resolve(`${input}!`)))
  const onEvent = vi.fn()
  expect(await callOwnThread(answering, 'measure', 'a', { onEvent, signal })).toBe('a!')
  expect(onEvent).toHaveBeenCalledWith(1)
  expect(answering.end).toHaveBeenCalledOnce()

  const blocked = thread(() => new Promise(() => undefined))
  const stop = new AbortController()
  const call = callOwnThread(blocked, 'measure', 'a', { signal: stop.signal })
  stop.abort()
  await expect(call).rejects.toMatchObject({ code: 'cancelled' })
  expect(blocked.end).toHaveBeenCalledOnce()

  const late = thread(() => Promise.resolve('too late'))
  await expect(callOwnThread(late, 'measure', 'a', { signal: stop.signal })).rejects.toMatchObject({
    code: 'cancelled',
  })
  expect(late.end).toHaveBeenCalledOnce()
})
