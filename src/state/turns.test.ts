import { describe, expect, it, vi } from 'vitest'
import {
  ANSWERED,
  ask,
  openPage,
  picture,
  questions,
  statuses,
  withPicture,
} from '../../testing/state/fake-browser.ts'
import { LIMITS } from '../conversation/limits.ts'

describe('a conversation', () => {
  it('keeps every version of a question and what followed it', async () => {
    const { store, answer } = await withPicture()
    await ask(store, 'what?')
    await ask(store, 'why?')
    const [, what] = store.getState().conversations[0]?.turns ?? []
    answer.mockResolvedValueOnce({ ...ANSWERED, text: 'a dog' })
    store.getState().askAgain(what?.id ?? '', 'which?')
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(questions(store)).toEqual([null, 'which?'])
    store.getState().showTurn(what?.id ?? '')
    expect(questions(store)).toEqual([null, 'what?', 'why?'])
    store.getState().deleteTurn(what?.id ?? '')
    expect(questions(store)).toEqual([null, 'which?'])
    store.getState().undo()
    expect(questions(store)).toEqual([null, 'what?', 'why?'])
  })

  it('takes no question that no export could bring back, and leaves it to be shortened', async () => {
    const { store } = await withPicture()
    await ask(store, 'what?')
    const tooLong = 'x'.repeat(LIMITS.text + 1)
    store.getState().changeDraft(tooLong)
    store.getState().send()
    expect(Object.values(store.getState().drafts)).toEqual([tooLong])
    expect(store.getState().libraryFailure?.message).toMatch(/200,001 characters, and 200,000 are the most/)
    store.getState().ask(tooLong)
    const [, what] = store.getState().conversations[0]?.turns ?? []
    expect(store.getState().askAgain(what?.id ?? '', tooLong)).toBe(false)
    expect(questions(store)).toEqual([null, 'what?'])
    store.getState().changeDraft('x'.repeat(LIMITS.text))
    store.getState().send()
    expect([questions(store).length, store.getState().drafts]).toEqual([3, {}])
  })

  it('asks the same question about every picture', async () => {
    const { store, answer } = openPage()
    await store.getState().loadModel()
    store.getState().addImages([picture('a'), picture('b')])
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    await ask(store, 'what?')
    const asked = answer.mock.calls.map(([{ picture, asked }]) => [picture.id, asked.kind])
    expect(asked.map(([, kind]) => kind)).toEqual(['caption', 'caption', 'question', 'question'])
    expect(new Set(asked.map(([id]) => id)).size).toBe(2)
  })
})

describe('a suggested question', () => {
  it('is asked at once and leaves alone what is being typed', async () => {
    const { store, answer } = await withPicture()
    store.getState().changeDraft('half a que')
    store.getState().ask('How many?')
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(answer.mock.calls.at(-1)?.[0].asked).toMatchObject({ question: 'How many?' })
    expect(Object.values(store.getState().drafts)).toEqual(['half a que'])
  })

  it('has nobody to answer it before there is a picture', () => {
    const { store } = openPage()
    store.getState().ask('How many?')
    expect(store.getState().conversations).toEqual([])
  })
})

describe('a draft', () => {
  it('outlives the page, until it is sent', async () => {
    let kept: unknown = null
    const drafts = { load: () => kept, save: (now: unknown) => (kept = structuredClone(now)) }
    const { browser, store } = await withPicture({ drafts })
    store.getState().changeDraft('half a que')
    const again = openPage({ browser, drafts })
    await again.store.getState().restoreConversations()
    expect(Object.values(again.store.getState().drafts)).toEqual(['half a que'])
    again.store.getState().send()
    expect(questions(again.store)).toEqual([null, 'half a que'])
    expect(kept).toEqual({})
  })

  it.each([
    ['nothing', null, {}],
    ['a list', ['nonsense', 7], {}],
    ['something else among them', { c: 7, d: 'half a que' }, { d: 'half a que' }],
  ])('is read where %s was kept, as far as it is one', (_, found, drafts) => {
    const { store } = openPage({ drafts: { load: () => found, save: () => undefined } })
    expect(store.getState().drafts).toEqual(drafts)
  })

  it('holds while the page is open where nothing can be kept', async () => {
    const fail = (): never => {
      throw new DOMException('no', 'SecurityError')
    }
    const { store } = await withPicture({ drafts: { load: fail, save: fail } })
    store.getState().changeDraft('why?')
    expect(Object.values(store.getState().drafts)).toEqual(['why?'])
  })
})
