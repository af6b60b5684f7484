import { describe, expect, it, vi } from 'vitest'
import {
  ANSWERED,
  answers,
  ask,
  currentTurns,
  openPage,
  picture,
  questions,
  questionsOnDisk,
  reopened,
  settled,
  statuses,
  withPicture,
  type FakePage,
} from '../../testing/state/fake-browser.ts'
import { AppError } from '../pack/failure.ts'
import { MOST_UNDOABLE } from './undo.ts'

/** An answer that goes on until it is told to stop, with some words already written, or none. */
function endless({ answer }: FakePage, text: string): void {
  answer.mockImplementationOnce(
    (_, report, signal) =>
      new Promise((resolve) => {
        report(text === '' ? { stage: 'reading' } : { stage: 'writing', text, tokens: 2 })
        signal.addEventListener('abort', () => resolve({ ...ANSWERED, text, look: null, finish: 'stopped' }))
      }),
  )
}

const turnOf = ({ store }: FakePage, question: string | null): string =>
  currentTurns(store).find((turn) => turn.question === question)?.id ?? ''

describe('undo', () => {
  it('brings back what was removed into what was said since, on disk too', async () => {
    const page = await withPicture()
    const { store } = page
    await ask(store, 'what?')
    store.getState().deleteTurn(turnOf(page, 'what?'))
    await ask(store, 'why?')
    store.getState().undo()
    const [now] = store.getState().conversations
    expect(now?.turns.map(({ question }) => question)).toEqual([null, 'what?', 'why?'])
    expect(store.getState().cameBack).toBe(now?.turns[1]?.id)
    await settled()
    expect(new Set(await questionsOnDisk(page.browser))).toEqual(new Set([null, 'what?', 'why?']))
    const { store: again } = await reopened(page)
    const [only] = again.getState().conversations
    expect(only?.turns.map(({ question }) => question)).toEqual([null, 'what?', 'why?'])
    expect(only?.turns.flatMap((turn) => Object.values(turn.answers)).map(({ status }) => status)).toEqual([
      'done',
      'done',
      'done',
    ])
  })

  it('says which turn came back until something else is removed, and the first one of a conversation', async () => {
    const page = await withPicture()
    const { store } = page
    await ask(store, 'what?')
    const first = turnOf(page, null)
    const [conversation] = store.getState().conversations
    store.getState().deleteConversation(conversation?.id ?? '')
    expect(store.getState().cameBack).toBeNull()
    store.getState().undo()
    expect(store.getState().cameBack).toBe(first)
    store.getState().deleteTurn(turnOf(page, 'what?'))
    expect(store.getState().cameBack).toBeNull()
  })

  it('takes back one removal after the other, the last one first', async () => {
    const page = await withPicture()
    const { store } = page
    for (const question of ['one?', 'two?', 'three?']) await ask(store, question)
    store.getState().deleteTurn(turnOf(page, 'three?'))
    store.getState().deleteTurn(turnOf(page, 'one?'))
    store.getState().deleteConversation(store.getState().currentId ?? '')
    expect(store.getState().conversations).toEqual([])
    const seen: (string | null)[][] = []
    for (let press = 0; press < 3; press += 1) {
      store.getState().undo()
      seen.push(questions(store))
    }
    expect(seen).toEqual([[null], [null, 'one?', 'two?'], [null, 'one?', 'two?', 'three?']])
    expect(store.getState()).toMatchObject({ undoable: [], offersUndo: false })
    store.getState().undo()
    expect(questions(store)).toHaveLength(4)
  })

  it('shows what was asked under a removed turn where that stood, and where it belongs once it is back', async () => {
    const page = await withPicture()
    const { store } = page
    await ask(store, 'one?')
    await ask(store, 'two?')
    const gone = turnOf(page, 'one?')
    const other = openPage({ browser: page.browser })
    await other.store.getState().restoreConversations()
    // The other page has not heard of the removal yet.
    store.getState().deleteTurn(gone)
    other.store.getState().ask('three?')
    await other.store.getState().loadModel()
    await settled()
    expect(questions(store)).toEqual([null, 'three?'])
    expect(questions(other.store)).toEqual([null, 'three?'])
    store.getState().undo()
    await settled()
    for (const { store: either } of [page, other])
      expect(questions(either)).toEqual([null, 'one?', 'two?', 'three?'])
  })

  it('finishes an answer that was being written with what was written of it', async () => {
    const page = await withPicture()
    const { store } = page
    endless(page, 'half an')
    store.getState().ask('what?')
    await settled()
    expect(statuses(store)).toEqual(['done', 'writing'])
    store.getState().deleteConversation(store.getState().currentId ?? '')
    await settled()
    store.getState().undo()
    await settled()
    expect(answers(store)[1]).toMatchObject({ status: 'done', text: 'half an', facts: { finish: 'stopped' } })
    expect(store.getState().underWay).toEqual({})
    const { store: again } = await reopened(page)
    expect(answers(again)[1]).toMatchObject({ status: 'done', text: 'half an' })
  })

  it('has an answer written after all of which nothing was written yet, however soon it comes', async () => {
    for (const wait of [settled, () => Promise.resolve()]) {
      const page = await withPicture()
      const { store } = page
      endless(page, '')
      store.getState().ask('what?')
      await settled()
      store.getState().deleteConversation(store.getState().currentId ?? '')
      await wait()
      store.getState().undo()
      await settled()
      expect(answers(store)[1]).toMatchObject({ status: 'done', text: 'a cat', facts: { finish: 'end' } })
    }
  })

  it('keeps pictures while a conversation can come back, and lets go of them with the page', async () => {
    const page = await withPicture()
    const { store, browser, forget } = page
    store.getState().deleteConversation(store.getState().currentId ?? '')
    await settled()
    expect(await questionsOnDisk(browser)).toEqual([])
    expect(browser.pictures.size).toBe(1)
    expect(forget).not.toHaveBeenCalled()
    const again = await reopened(page)
    expect(again.store.getState()).toMatchObject({ conversations: [], undoable: [] })
    expect(browser.pictures.size).toBe(0)
    expect(again.forget).toHaveBeenCalledTimes(1)
  })

  it('keeps pictures that another page let go of again, with the next change where there is no room', async () => {
    const page = await withPicture()
    const { library } = page.browser
    await settled()
    const [id = ''] = page.browser.pictures.keys()
    page.store.getState().deleteConversation(page.store.getState().currentId ?? '')
    await library.removePictures([id])
    const keepPicture = vi.spyOn(library, 'keepPicture')
    keepPicture.mockRejectedValueOnce(new AppError('no-space', 'The disk is full.'))
    page.store.getState().undo()
    await settled()
    expect(page.browser.pictures.has(id)).toBe(false)
    page.store.getState().ask('why?')
    await vi.waitFor(() => expect(page.browser.pictures.has(id)).toBe(true))
  })

  it('reaches back so far and no further, and lets go of what is beyond', async () => {
    const { store, browser } = await withPicture()
    for (let more = 0; more < MOST_UNDOABLE; more += 1) store.getState().addImages([picture(`${more}.png`)])
    await vi.waitFor(() => expect(store.getState().underWay).toEqual({}))
    for (const { id } of store.getState().conversations) store.getState().deleteConversation(id)
    await vi.waitFor(() => expect(browser.pictures.size).toBe(MOST_UNDOABLE))
    while (store.getState().undoable.length > 0) store.getState().undo()
    expect(store.getState().conversations).toHaveLength(MOST_UNDOABLE)
    await vi.waitFor(async () => expect(await questionsOnDisk(browser)).toHaveLength(MOST_UNDOABLE))
  })

  it('is waved away until something else is removed', async () => {
    const page = await withPicture()
    const { store } = page
    await ask(store, 'one?')
    store.getState().deleteTurn(turnOf(page, 'one?'))
    store.getState().dismissUndo()
    expect(store.getState().offersUndo).toBe(false)
    store.getState().deleteConversation(store.getState().currentId ?? '')
    expect(store.getState()).toMatchObject({ offersUndo: true, undoable: [{}, {}] })
  })
})
