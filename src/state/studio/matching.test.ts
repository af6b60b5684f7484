import { expect, it, vi } from 'vitest'
import { fakeBrowser, openPage } from '../../../testing/state/fake-browser.ts'
import { fakeFolder } from '../../../testing/state/fake-studio.ts'
import { AppError } from '../../pack/failure.ts'
import type { Client } from '../../protocol/rpc.ts'
import type { ComparingCalls } from '../search/comparing.ts'

it('Captions are scored by the model that compares; a picture that it cannot read costs no other its score', async () => {
  const browser = fakeBrowser()
  browser.folders.set(
    'holiday',
    fakeFolder('holiday', {
      'a.png': 'a',
      'a.txt': 'one',
      'b.png': 'b',
      'b.txt': 'two',
      'c.png': 'c',
      'c.txt': 'three',
      'd.png': 'd',
    }),
  )
  const asked: string[] = []
  const call = vi.fn((kind: string, input: unknown) => {
    if (kind === 'choose') return Promise.resolve(null)
    const { texts } = input as ComparingCalls['match']['in']
    asked.push(...texts)
    if (texts[0] === 'two') return Promise.reject(new AppError('bad-image', 'This is no picture.'))
    return Promise.resolve([{ itc: 0, itm: texts[0] === 'one' ? 0.25 : 0.75, logits: [0, 0] }])
  })
  const client = { call, fail: () => undefined } as unknown as Client<ComparingCalls>
  const { store } = openPage({ browser, comparing: client })
  const { choose, matchAll, write } = store.getState().studioActions
  await choose()
  await matchAll()
  const scores = (): (number | null)[] => store.getState().studio.pictures.map(({ match }) => match)
  expect(asked).toEqual(['one', 'two', 'three'])
  expect(scores()).toEqual([0.25, null, 0.75, null])
  // Other words, another score.
  write('a.png', 'more')
  expect(scores()).toEqual([null, null, 0.75, null])
})

it('A score that comes when its folder was left, or its caption changed, is of no picture', async () => {
  const browser = fakeBrowser()
  browser.folders.set('holiday', fakeFolder('holiday', { 'a.png': 'a', 'a.txt': 'one' }))
  let say: () => void = () => undefined
  const call = vi.fn((kind: string) =>
    kind === 'choose'
      ? Promise.resolve(null)
      : new Promise((resolve) => (say = () => resolve([{ itc: 0, itm: 0.5, logits: [0, 0] }]))),
  )
  const client = { call, fail: () => undefined } as unknown as Client<ComparingCalls>
  const { store } = openPage({ browser, comparing: client })
  const { choose, close, open, matchAll, write } = store.getState().studioActions
  const asked = (count: number): Promise<void> =>
    vi.waitFor(() => expect(call.mock.calls.filter(([kind]) => kind === 'match')).toHaveLength(count))
  const scores = (): (number | null)[] => store.getState().studio.pictures.map(({ match }) => match)
  await choose()
  const changed = matchAll()
  await asked(1)
  write('a.png', 'other words')
  say()
  await changed
  expect(scores()).toEqual([null])
  const left = matchAll()
  await asked(2)
  await close()
  await open(fakeFolder('other', { 'a.png': 'A', 'a.txt': 'other words' }))
  say()
  await left
  expect(scores()).toEqual([null])
})
