import { expect, it } from 'vitest'
import { drawn } from '../../../testing/state/drawn.tsx'
import { openPage, withPicture } from '../../../testing/state/fake-browser.ts'
import type { AppStore } from '../../state/store.ts'
import { QueueLine } from './queue-line.tsx'

const RUN = {
  status: 'running',
  done: 4,
  total: 24,
  perMinute: null,
  secondsLeft: null,
  path: null,
  text: '',
} as const

function lineIn(store: AppStore, run: typeof RUN | { status: 'paused' } | null): Promise<string> {
  const studio = { ...store.getState().studio, run: run === null ? null : { ...RUN, ...run } }
  return drawn(store, { studio }, <QueueLine />)
}

it('A folder that is captioned is said wherever one is, with the way there and what waits behind it', async () => {
  const idle = await withPicture()
  expect(await lineIn(idle.store, null)).toBe('')
  expect(await lineIn(idle.store, { status: 'paused' })).toBe('')
  expect(await lineIn(idle.store, RUN)).toBe(
    '<a class="queue-line" href="#/studio">Writing texts for a folder: 4 of 24</a>',
  )
  // Nothing is loaded in this one, so that what is asked waits.
  const { store } = openPage()
  store.getState().addImages([{ image: new Blob(['one']), name: 'one' }])
  await expect.poll(() => store.getState().conversations.length).toBe(1)
  expect(await lineIn(store, RUN)).toContain('4 of 24 · 1 more waits')
})
