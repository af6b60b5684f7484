import { expect, it } from 'vitest'
import type { TowerStates } from '../../pack/tower-states.ts'
import type { Client } from '../../protocol/rpc.ts'
import { openPage } from '../../../testing/state/fake-browser.ts'
import { Comparing, type ComparingCalls } from './comparing.ts'

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
