import { renderToStaticMarkup } from 'react-dom/server'
import { I18nextProvider } from 'react-i18next'
import { expect, it, vi } from 'vitest'
import {
  currentTurns,
  openPage,
  picture,
  statuses,
  withPicture,
} from '../../../testing/state/fake-browser.ts'
import { openWords } from '../../messages/words.ts'
import type { AppStore } from '../../state/store.ts'
import { StoreContext } from '../store-context.ts'
import { TurnView } from './turn.tsx'

/** The first turn of the current conversation, drawn. */
async function drawn(store: AppStore): Promise<string> {
  const { conversations, currentId } = store.getState()
  const conversation = conversations.find(({ id }) => id === currentId)
  const [turn] = currentTurns(store)
  if (conversation === undefined || turn === undefined) throw new Error('There is no turn to draw.')
  return renderToStaticMarkup(
    <StoreContext value={store}>
      <I18nextProvider i18n={await openWords('en')}>
        <TurnView conversation={conversation} turn={turn} first={false} />
      </I18nextProvider>
    </StoreContext>,
  )
}

it('Another answer is offered for one that is written, and for none that waits', async () => {
  const { store } = await withPicture()
  expect(await drawn(store)).toContain('Write another')
  // Nothing is loaded in this one, so nothing is written.
  const waiting = openPage()
  waiting.store.getState().addImages([picture('one'), picture('two')])
  await vi.waitFor(() => expect(statuses(waiting.store)).toContain('waiting'))
  expect(await drawn(waiting.store)).not.toContain('Write another')
})
