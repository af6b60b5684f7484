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
