import { describe, expect, it, vi } from 'vitest'
import type { Saying } from '../messages/note.ts'
import type { KeptConversation } from '../conversation/kept.ts'
import { photographsAmong } from './photographs.ts'
import type { AppStore } from './store.ts'
import {
  ANSWERED,
  OF_A_PHOTOGRAPH,
  ask,
  loaded,
  openPage,
  picture,
  statuses,
  withPicture,
  exported,
} from '../../testing/state/fake-browser.ts'

describe('a photograph', () => {
  const beyond = (store: AppStore): number => {
    const { conversations, settings } = store.getState()
    return photographsAmong(conversations[0]?.pictures ?? [], settings).length
  }

  it('is beyond the built-in model, which is said aloud once, and not beyond another', async () => {
    const { store, answer } = openPage()
    answer.mockImplementation(async ({ picture: { image } }) =>
      (await image.text()) === 'a' ? OF_A_PHOTOGRAPH : ANSWERED,
    )
    const said: Saying[] = []
    store.subscribe(({ announcement }, before) => {
      if (announcement !== before.announcement) said.push(announcement)
    })
    await store.getState().loadModel()
    store.getState().addImages([picture('a'), picture('b')])
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    await ask(store, 'why?')
    const [first, ...later] = said
    expect(first).toEqual(['a: a cat.', { key: 'talk:photograph.only' }, { key: 'talk:photograph.text' }])
    expect(JSON.stringify(later)).not.toContain('photograph')
    expect(beyond(store)).toBe(1)
    store.getState().changeSettings({ model: 'kept' })
    expect(beyond(store)).toBe(0)
  })

  it('is still known as one after a reload, and in another browser', async () => {
    const first = openPage()
    first.answer.mockResolvedValueOnce(OF_A_PHOTOGRAPH)
    await first.store.getState().loadModel()
    first.store.getState().addImages([picture('a')])
    await vi.waitFor(() => expect(statuses(first.store)).toEqual(['done']))
    const again = openPage({ browser: first.browser })
    await again.store.getState().restoreConversations()
    expect(beyond(again.store)).toBe(1)
    const elsewhere = openPage()
    await elsewhere.store.getState().importFile(await exported(first))
    expect(beyond(elsewhere.store)).toBe(1)
  })

  it('that was kept before this was looked for is known when a model looks at it again', async () => {
    const { browser } = await withPicture()
    for (const [id, one] of browser.conversations)
      browser.conversations.set(id, {
        ...(one as KeptConversation),
        pictures: one.pictures.map(({ id, name }) => ({ id, name })),
      })
    const { store, load, answer } = openPage({ browser })
    load.mockResolvedValue(loaded('two'))
    answer.mockResolvedValueOnce(OF_A_PHOTOGRAPH)
    await store.getState().restoreConversations()
    await store.getState().loadModel()
    expect(beyond(store)).toBe(0)
    await ask(store, 'why?')
    expect(beyond(store)).toBe(1)
  })
})
