import { expect, it } from 'vitest'
import { uncaptioned, withCaption, type CaptionedPicture } from '../studio/caption.ts'
import { NO_HISTORY, remember, undo, type History } from '../studio/history.ts'
import { openStudioLibrary } from './studio-library.ts'
import { tableInMemory, type Table } from './table.ts'

const databases = new Map<string, Map<string, unknown>>()
const library = openStudioLibrary(<T>(name: string): Table<T> => {
  const entries = databases.get(name) ?? new Map<string, unknown>()
  databases.set(name, entries)
  return tableInMemory(entries as Map<string, T>)
})

function said(picture: CaptionedPicture, text: string): CaptionedPicture {
  return withCaption(picture, { text, by: { kind: 'person' }, at: 1, score: null })
}

/** So many steps, each with another caption, and the last two of them taken back. */
function historyOf(count: number): History {
  let [history, picture] = [NO_HISTORY, uncaptioned('a.png')]
  for (let i = 1; i <= count; i += 1) {
    const next = said(picture, `text ${i}`)
    history = remember(history, { id: `${i}`, name: 'one' }, [picture], [next])
    picture = next
  }
  return undo([picture], undo([picture], history).history).history
}

const idsOf = ({ done, undone }: History): string[][] =>
  [done, undone].map((list) => list.map(({ id }) => id))

it('Steps are kept in their order, and those that nothing speaks of any more go', async () => {
  await library.keepHistory('x', historyOf(5))
  expect(await library.history('x')).toEqual(historyOf(5))
  const { done } = historyOf(5)
  await library.keepHistory('x', { done, undone: [] })
  expect(idsOf(await library.history('x'))).toEqual([['1', '2', '3'], []])
  expect([...(databases.get('pictalk-steps-x')?.keys() ?? [])].sort()).toEqual(['1', '2', '3', 'order'])
})

it('A damaged step cuts off what lies behind it and nothing else', async () => {
  await library.keepHistory('y', historyOf(6))
  databases.get('pictalk-steps-y')?.set('2', { id: '2', name: 'one', changes: [{ path: 'a.png' }] })
  databases.get('pictalk-steps-y')?.delete('6')
  expect(idsOf(await library.history('y'))).toEqual([['3', '4'], ['5']])
})

it('Steps go with their folder, and beyond a hundred the oldest go', async () => {
  const history = historyOf(120)
  expect(history.done).toHaveLength(98)
  await library.keepHistory('z', history)
  await library.removeProject('z')
  expect(await library.history('z')).toEqual(NO_HISTORY)
  expect(databases.get('pictalk-steps-z')?.size).toBe(0)
})
