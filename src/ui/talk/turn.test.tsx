import { expect, it, vi } from 'vitest'
import { drawn } from '../../../testing/state/drawn.tsx'
import {
  ANSWERED,
  currentTurns,
  LOST,
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

function onlyPicture(store: AppStore): string {
  return store.getState().conversations[0]?.pictures[0]?.id ?? ''
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

it('A row of a table says the words alone; what can be asked about them waits behind its facts', async () => {
  const saidOf = async (...names: string[]): Promise<string> => {
    const page = openPage()
    page.answer.mockResolvedValue({ ...ANSWERED, text: 'a cat on a mat' })
    await page.store.getState().loadModel()
    page.store.getState().addImages(names.map(picture))
    await vi.waitFor(() => expect(new Set(statuses(page.store))).toEqual(new Set(['done'])))
    return firstTurn(page.store)
  }
  expect(await saidOf('one')).toContain('Where the words point')
  const rows = await saidOf('one', 'two')
  expect(rows).toContain('a cat on a mat')
  expect(rows).toContain('About this answer')
  expect(rows).not.toMatch(/How well does it fit|Where the words point/)
})

it.each([
  ['loading', { status: 'loading', progress: null }, 'Das Modell wird von selbst neu geladen.'],
  ['ready', undefined, 'Das Modell ist wieder bereit'],
] as const)(
  'An answer that a lost graphics device ended says in its language what the page does: %s',
  async (_, model, sentence) => {
    const { store } = await withPicture()
    if (model !== undefined) store.setState({ model })
    const failed = { status: 'failed', text: 'a c', tokenIds: [], failure: LOST } as const
    const said = await firstTurn(store, { answers: { [onlyPicture(store)]: failed } }, 'de')
    expect(said).toContain(`Die Grafikkarte war plötzlich nicht mehr da. ${sentence}`)
    expect(said).toContain('<code title="The graphics device went away.">device-lost</code>')
    expect(said).not.toContain(LOST.message + ' ')
  },
)

it('The page says in its own language that nothing was asked about a picture, and offers to ask', async () => {
  const { store } = await withPicture()
  const said = await firstTurn(store, { answers: {} }, 'de')
  expect(said).toContain('<p>Zu diesem Bild wurde hier nichts gefragt')
  expect(said).not.toContain('lang="en"')
  expect(said).toContain('Noch einmal versuchen')
})
