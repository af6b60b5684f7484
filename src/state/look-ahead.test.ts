import { describe, expect, it, vi } from 'vitest'
import type { Answered } from '../protocol/engine-calls.ts'
import { AppError } from '../pack/failure.ts'
import {
  ANSWERED,
  answers,
  ask,
  loaded,
  openPage,
  statuses,
  withPicture,
  type FakePage,
} from '../../testing/state/fake-browser.ts'

describe('a picture that the model has not seen', () => {
  /** A conversation that was kept, before another model. */
  async function unseen(): Promise<FakePage> {
    const { browser } = await withPicture()
    const again = openPage({ browser })
    again.load.mockResolvedValue(loaded('two'))
    await again.store.getState().restoreConversations()
    await again.store.getState().loadModel()
    return again
  }

  it('is looked at while the question is typed, once', async () => {
    const { store, look } = await unseen()
    store.getState().changeDraft(' ')
    store.getState().changeDraft('w')
    store.getState().changeDraft('wh')
    await vi.waitFor(() => expect(look).toHaveBeenCalledTimes(1))
    expect(statuses(store)).toEqual(['done'])
    await ask(store, 'why?')
    expect(look).toHaveBeenCalledTimes(1)
  })

  it('shows how far the look is that an answer waits for', async () => {
    const { store, answer } = await unseen()
    let finish: (answered: Answered) => void = () => undefined
    answer.mockImplementationOnce((_, report) => {
      report({ stage: 'opening', graph: 'vision' })
      return new Promise((resolve) => (finish = resolve))
    })
    store.getState().changeDraft('why?')
    store.getState().send()
    await vi.waitFor(() => expect(statuses(store)[1]).toBe('opening'))
    finish(ANSWERED)
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(answers(store)[1]).toMatchObject({ text: 'a cat', facts: { lookMs: 2 } })
  })

  it('may fail to be looked at ahead without a word', async () => {
    const { store, look } = await unseen()
    look.mockRejectedValueOnce(new AppError('out-of-memory', 'Too large.'))
    const { announcement } = store.getState()
    store.getState().changeDraft('why?')
    await vi.waitFor(() => expect(look).toHaveBeenCalledTimes(1))
    await new Promise((resolve) => setTimeout(resolve))
    expect(statuses(store)).toEqual(['done'])
    expect(store.getState()).toMatchObject({ announcement, libraryFailure: null })
  })

  it('is not looked at ahead while something is written', async () => {
    const { store, look, answer } = await withPicture()
    let end: (answered: Answered) => void = () => undefined
    answer.mockImplementationOnce(() => new Promise((resolve) => (end = resolve)))
    store.getState().changeDraft('why?')
    store.getState().send()
    await vi.waitFor(() => expect(answer).toHaveBeenCalledTimes(2))
    store.getState().changeDraft('and')
    end(ANSWERED)
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(look).not.toHaveBeenCalled()
  })
})
