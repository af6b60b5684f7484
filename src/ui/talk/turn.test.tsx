import { expect, it, vi } from 'vitest'
import { drawn } from '../../../testing/state/drawn.tsx'
import {
  currentTurns,
  openPage,
  picture,
  statuses,
  withPicture,
} from '../../../testing/state/fake-browser.ts'
import type { Turn } from '../../conversation/conversation.ts'
import type { Language } from '../../messages/languages.ts'
import type { AppStore } from '../../state/store.ts'
import { TurnView } from './turn.tsx'

/** The first turn of the current conversation, drawn. */
async function firstTurn(
  store: AppStore,
  change: Partial<Turn> = {},
  language: Language = 'en',
): Promise<string> {
  const { conversations, currentId } = store.getState()
  const conversation = conversations.find(({ id }) => id === currentId)
  const [turn] = currentTurns(store)
  if (conversation === undefined || turn === undefined) throw new Error('There is no turn to draw.')
  const view = <TurnView conversation={conversation} turn={{ ...turn, ...change }} first={false} />
  return drawn(store, {}, view, language)
}

it('Another answer is offered for one that is written, and for none that waits', async () => {
  const { store } = await withPicture()
  expect(await firstTurn(store)).toContain('Write another')
  // Nothing is loaded in this one, so nothing is written.
  const waiting = openPage()
  waiting.store.getState().addImages([picture('one'), picture('two')])
  await vi.waitFor(() => expect(statuses(waiting.store)).toContain('waiting'))
  expect(await firstTurn(waiting.store)).not.toContain('Write another')
})

it('The page says in its own language that nothing was asked about a picture, and offers to ask', async () => {
  const { store } = await withPicture()
  const said = await firstTurn(store, { answers: {} }, 'de')
  expect(said).toContain('<p>Zu diesem Bild wurde hier nichts gefragt')
  expect(said).not.toContain('lang="en"')
  expect(said).toContain('Noch einmal versuchen')
})
