import { expect, it, vi } from 'vitest'
import { AppError } from '../pack/failure.ts'
import type { EngineCalls } from '../protocol/engine-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import { engineAccess, type EngineAccess, type EngineWatch } from './engine-access.ts'

const PATIENCE_MS = 20
const blocked = (): Promise<never> => new Promise(() => undefined)
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 4 * PATIENCE_MS))

function access(
  calls: Partial<Record<keyof EngineCalls, (signal: AbortSignal | undefined) => Promise<unknown>>>,
): EngineAccess & { watch: EngineWatch } {
  const call = (kind: keyof EngineCalls, _: unknown, { signal }: { signal?: AbortSignal } = {}): unknown =>
    calls[kind]?.(signal) ?? Promise.resolve(null)
  const client = { call, fail: () => undefined } as unknown as Client<EngineCalls>
  const watch = { patienceMs: PATIENCE_MS, onUnresponsive: vi.fn(), onBlocked: vi.fn() }
  return { ...engineAccess({ client, restart: () => client }, watch), watch }
}

const look = { id: 'p', image: new Blob([]) }

it('A call that ends when it is told to leaves its thread alone, and no listener behind', async () => {
  const stop = new AbortController()
  const removed = vi.spyOn(stop.signal, 'removeEventListener')
  const { call, watch } = access({
    look: (signal) =>
      new Promise((_, reject) =>
        signal?.addEventListener('abort', () => reject(new AppError('cancelled', 'Stopped.'))),
      ),
  })
  const looking = call('look', look, { signal: stop.signal })
  stop.abort()
  await expect(looking).rejects.toMatchObject({ code: 'cancelled' })
  await soon()
  expect(watch.onUnresponsive).not.toHaveBeenCalled()
  expect(removed).toHaveBeenCalled()
})

it.each([
  ['that answers nothing', blocked, true],
  ['that only does not end this', () => Promise.resolve(null), false],
])('A thread %s is given up once its time is over', async (_, ping, isBlocked) => {
  const stop = new AbortController()
  const { call, watch } = access({ look: blocked, ping })
  void call('look', look, { signal: stop.signal })
  expect(watch.onUnresponsive).not.toHaveBeenCalled()
  stop.abort()
  await vi.waitFor(() => expect(watch.onUnresponsive).toHaveBeenCalledOnce())
  expect(watch.onUnresponsive).toHaveBeenCalledWith(
    expect.objectContaining({ code: 'unresponsive' }),
    isBlocked,
  )
})

it('A thread that was ended meanwhile is not given up for a second call', async () => {
  const stop = new AbortController()
  let client: Client<EngineCalls>
  const make = (): Client<EngineCalls> => ({ call: blocked, fail: () => undefined })
  const onUnresponsive = vi.fn(() => engine.restart({ code: 'unresponsive', message: '' }))
  const engine = engineAccess(
    { client: (client = make()), restart: () => (client = make()) },
    { patienceMs: PATIENCE_MS, onUnresponsive, onBlocked: () => undefined },
  )
  for (const kind of ['look', 'answer'] as const) void engine.call(kind, look, { signal: stop.signal })
  const first = client
  stop.abort()
  await soon()
  expect(onUnresponsive).toHaveBeenCalledOnce()
  expect(client).not.toBe(first)
})

it('Whether a thread that works still answers is looked at now and then, and no longer than it works', async () => {
  let finish: (value: unknown) => void = () => undefined
  const ping = vi.fn<() => Promise<unknown>>().mockResolvedValue(null)
  const { call, watch } = access({ load: () => new Promise((resolve) => (finish = resolve)), ping })
  void call('load', { pack: { kind: 'kept', id: 'x' }, prefer: null, memory: 'auto' })
  await vi.waitFor(() => expect(ping.mock.calls.length).toBeGreaterThan(1))
  ping.mockImplementationOnce(blocked)
  await vi.waitFor(() => expect(watch.onBlocked).toHaveBeenCalledWith(true))
  finish(null)
  const { length } = ping.mock.calls
  await soon()
  expect(ping.mock.calls).toHaveLength(length)
})
