import { expect, it } from 'vitest'
import { browserTable, indexedDbTable, storageProblem } from './indexed-db.ts'

const name = (): string => `pictalk-test-${Math.random()}`

it('IndexedDB works here, and a table in it outlives who wrote it', async () => {
  expect(await storageProblem()).toBeNull()
  const database = name()
  await browserTable<Blob>(database).set('a', new Blob(['kept']))
  const again = await indexedDbTable<Blob>(database).get('a')
  expect(await again?.text()).toBe('kept')
})

it('changes come one after the other, from whichever tab', async () => {
  const database = name()
  // Two connections, as two tabs have.
  const tabs = [indexedDbTable<number>(database), indexedDbTable<number>(database)] as const
  const changes = Array.from({ length: 50 }, (_, i) =>
    tabs[i % 2 === 0 ? 0 : 1].update('count', (present) => (present ?? 0) + 1),
  )
  await Promise.all(changes)
  expect(await tabs[0].get('count')).toBe(50)
})

it('a change that leaves things as they are writes nothing, and one that throws rejects', async () => {
  const table = indexedDbTable<string>(name())
  expect(await table.update('gone', (present) => present && `${present} again`)).toBeUndefined()
  expect(await table.keys()).toEqual([])
  await table.set('a', 'first')
  await expect(
    table.update('a', () => {
      throw new Error('changed its mind')
    }),
  ).rejects.toThrow('changed its mind')
  expect(await table.get('a')).toBe('first')
})
