import { renderToStaticMarkup } from 'react-dom/server'
import { I18nextProvider } from 'react-i18next'
import { expect, it } from 'vitest'
import { openPage, withPicture } from '../../../testing/state/fake-browser.ts'
import { openWords } from '../../messages/words.ts'
import type { AppStore } from '../../state/store.ts'
import { StoreContext } from '../store-context.ts'
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

async function drawn(store: AppStore, run: typeof RUN | { status: 'paused' } | null): Promise<string> {
  const state = store.getState()
  const studio = { ...state.studio, run: run === null ? null : { ...RUN, ...run } }
  return renderToStaticMarkup(
    <StoreContext value={{ ...store, getInitialState: () => ({ ...state, studio }) }}>
      <I18nextProvider i18n={await openWords('en')}>
        <QueueLine />
      </I18nextProvider>
    </StoreContext>,
  )
}

it('A folder that is captioned is said wherever one is, with the way there and what waits behind it', async () => {
  const idle = await withPicture()
  expect(await drawn(idle.store, null)).toBe('')
  expect(await drawn(idle.store, { status: 'paused' })).toBe('')
  expect(await drawn(idle.store, RUN)).toBe(
    '<a class="queue-line" href="#/studio">Captioning a folder: 4 of 24</a>',
  )
  // Nothing is loaded in this one, so that what is asked waits.
  const { store } = openPage()
  store.getState().addImages([{ image: new Blob(['one']), name: 'one' }])
  await expect.poll(() => store.getState().conversations.length).toBe(1)
  expect(await drawn(store, RUN)).toContain('4 of 24 · 1 more waits')
})
