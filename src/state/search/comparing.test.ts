import { afterEach, expect, it, vi } from 'vitest'
import type { TowerStates } from '../../pack/tower-states.ts'
import type { Client } from '../../protocol/rpc.ts'
import { openPage } from '../../../testing/state/fake-browser.ts'
import { Comparing, type ComparingCalls } from './comparing.ts'

afterEach(() => void vi.useRealTimers())

it('what the model that talks saw of a picture goes along with each call about that picture', async () => {
  const { store } = openPage()
  const asked: [string, unknown][] = []
  const client = {
    call: (kind: string, input: unknown) => (asked.push([kind, input]), Promise.resolve(null)),
    fail: () => undefined,
  } as Client<ComparingCalls>
  const states: TowerStates = { tower: 'tower', values: Float32Array.of(1) }
  const dependencies = { start: () => client, builtInUrl: 'http://localhost/compares/' }
  const comparing = new Comparing(store.getState, dependencies, (pictureId) =>
    Promise.resolve(pictureId === 'seen' ? states : null),
  )
  const image = new Blob()
  await comparing.call('match', { picture: { id: 'seen', image }, texts: ['a cat'] })
  await comparing.call('match', { picture: { id: 'strange', image }, texts: ['a cat'] })
  await comparing.call('textFeatures', { texts: ['a cat'] })
  expect(asked.slice(1)).toEqual([
    ['match', { picture: { id: 'seen', image, states }, texts: ['a cat'] }],
    ['match', { picture: { id: 'strange', image }, texts: ['a cat'] }],
    ['textFeatures', { texts: ['a cat'] }],
  ])
})

it('a thread that ends while a picture is looked up is followed by one that is told which model to use', async () => {
  const { store } = openPage()
  const threads: { asked: string[]; died: () => void }[] = []
  const start = (died: () => void): Client<ComparingCalls> => {
    const asked: string[] = []
    threads.push({ asked, died })
    return {
      call: (kind: string) => (asked.push(kind), Promise.resolve(null)),
      fail: () => undefined,
    } as Client<ComparingCalls>
  }
  const dependencies = { start, builtInUrl: 'http://localhost/compares/' }
  const comparing = new Comparing(store.getState, dependencies, () => {
    threads[0]?.died()
    return Promise.resolve(null)
  })
  await comparing.model()
  await comparing.call('match', { picture: { id: 'any', image: new Blob() }, texts: ['a cat'] })
  expect(threads.map(({ asked }) => asked)).toEqual([['choose'], ['choose', 'match']])
})

/** Threads that answer `choose` and nothing else, those that were ended among them. */
function lostThreads() {
  const asked: string[][] = []
  const ended: unknown[] = []
  const start = (): Client<ComparingCalls> => {
    const own: string[] = []
    asked.push(own)
    const reject: ((failure: unknown) => void)[] = []
    return {
      call: (kind: string) => {
        own.push(kind)
        if (kind === 'choose') return Promise.resolve(null)
        return new Promise((_, fail) => reject.push(fail))
      },
      fail: (failure) => {
        ended.push(failure.code)
        for (const fail of reject) fail(failure)
      },
    } as Client<ComparingCalls>
  }
  const { store } = openPage()
  const dependencies = { start, builtInUrl: 'http://localhost/compares/' }
  const comparing = new Comparing(store.getState, dependencies, () => Promise.resolve(null))
  return { asked, ended, comparing, store }
}

it('a thread that does not end what it is told to is ended with all that it is at, and the next call begins another', async () => {
  vi.useFakeTimers()
  const { asked, ended, comparing } = lostThreads()
  const stop = new AbortController()
  const first = comparing.call('textFeatures', { texts: ['a'] }, { signal: stop.signal })
  const other = comparing.call('textFeatures', { texts: ['b'] })
  for (const call of [first, other]) call.catch(() => undefined)
  await vi.advanceTimersByTimeAsync(600_000)
  expect(ended).toEqual([])
  stop.abort()
  await vi.advanceTimersByTimeAsync(600_000)
  expect(ended).toEqual(['unresponsive'])
  for (const call of [first, other]) await expect(call).rejects.toMatchObject({ code: 'unresponsive' })
  void comparing.call('textFeatures', { texts: ['c'] })
  await vi.advanceTimersByTimeAsync(600_000)
  expect(asked).toEqual([
    ['choose', 'textFeatures', 'textFeatures'],
    ['choose', 'textFeatures'],
  ])
})

it('a thread that is lost in a model is ended when another is chosen', async () => {
  vi.useFakeTimers()
  const { asked, ended, comparing, store } = lostThreads()
  comparing.call('textFeatures', { texts: ['a'] }).catch(() => undefined)
  await vi.advanceTimersByTimeAsync(600_000)
  store.getState().changeSettings({ prefer: 'wasm' })
  await comparing.model()
  await vi.advanceTimersByTimeAsync(600_000)
  expect(ended).toEqual(['unresponsive'])
  await comparing.model()
  expect(asked.map(([kind]) => kind)).toEqual(['choose', 'choose'])
})
