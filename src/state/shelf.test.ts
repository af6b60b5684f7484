import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  ANSWERED,
  answers,
  ask,
  currentTurns,
  fakeBrowser,
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
import type { Answered, AnswerProgress } from '../protocol/engine-calls.ts'
import { AGAIN_MS } from './patience.ts'

afterEach(() => void vi.useRealTimers())

/** A second page on what the first one holds. */
async function beside({ browser }: FakePage): Promise<FakePage> {
  const page = openPage({ browser })
  await page.store.getState().restoreConversations()
  await page.store.getState().loadModel()
  return page
}

/** An answer that is told how it goes on. */
function inSteps({ answer }: FakePage): { say: (event: AnswerProgress) => void; finish: () => void } {
  let say: (event: AnswerProgress) => void = () => undefined
  let finish: (answered: Answered) => void = () => undefined
  answer.mockImplementationOnce((_, report) => {
    say = report
    return new Promise((resolve) => (finish = resolve))
  })
  return { say: (event) => say(event), finish: () => finish(ANSWERED) }
}

describe('a conversation that is kept', () => {
  it('survives a reload', async () => {
    const { store } = await reopened(await withPicture())
    expect(statuses(store)).toEqual(['done'])
    await ask(store, 'why?')
  })

  it('says what was cut off when the page was closed, and writes it again', async () => {
    const page = await withPicture()
    inSteps(page)
    page.store.getState().ask('why?')
    const { store } = await reopened(page)
    expect(answers(store)[1]).toMatchObject({ status: 'failed', failure: { code: 'cancelled' } })
    const [turn] = currentTurns(store).slice(-1)
    store.getState().retry(turn?.id ?? '', Object.keys(turn?.answers ?? {})[0] ?? '')
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
  })

  it('is read as an earlier version left it, answers under way among the others', async () => {
    const browser = fakeBrowser()
    browser.pictures.set('p', { id: 'p', image: new Blob(['p']) })
    const turn = (id: string, parent: string | null, answer: object): unknown => ({
      id,
      parent,
      question: parent === null ? null : id,
      answers: { p: answer },
    })
    const facts = { finish: 'end', lookMs: 1, prefillMs: 1, decodeMs: 1, prefilled: 1, dropped: 0 }
    const record = {
      id: 'c',
      changedAt: 5,
      pictures: [{ id: 'p', name: 'p.png' }],
      turns: [
        turn('a', null, { status: 'done', text: 'a dog', tokenIds: [1], answers: [], facts }),
        turn('b', 'a', { status: 'writing', text: 'half', tokens: 1 }),
        turn('c', 'b', { status: 'looking' }),
      ],
      chosen: { '': 'a' },
    }
    browser.conversations.set('c', record as never)
    const { store } = openPage({ browser })
    await store.getState().restoreConversations()
    expect(statuses(store)).toEqual(['done', 'failed', 'failed'])
    expect(answers(store)[1]).toMatchObject({ text: 'half', failure: { code: 'cancelled' } })
    await store.getState().loadModel()
    store.getState().ask('d')
    await vi.waitFor(() => expect(statuses(store).at(-1)).toBe('done'))
    await settled()
    expect(browser.conversations.get('c')).toMatchObject({ removals: [] })
    expect(await questionsOnDisk(browser)).toEqual([null, 'b', 'c', 'd'])
  })

  it('stays on the page when the disk is full, says so, and goes to the disk with the next change', async () => {
    const browser = fakeBrowser()
    const merge = vi.fn(browser.library.merge)
    const page = await withPicture({ browser, library: { ...browser.library, merge } })
    merge.mockRejectedValueOnce(new AppError('no-space', 'The disk is full.'))
    merge.mockRejectedValueOnce(new AppError('no-space', 'The disk is full.'))
    await ask(page.store, 'one?')
    await settled()
    expect(page.store.getState().libraryFailure).toMatchObject({ code: 'no-space' })
    expect(await questionsOnDisk(browser)).toEqual([null])
    page.store.getState().dismissLibraryFailure()
    await ask(page.store, 'two?')
    await settled()
    expect(await questionsOnDisk(browser)).toEqual([null, 'one?', 'two?'])
    expect(page.store.getState().libraryFailure).toBeNull()
  })

  it('goes to the disk with all that could not be kept as soon as there is room, and nobody is told any more that it is not', async () => {
    const browser = fakeBrowser()
    const merge = vi.fn(browser.library.merge)
    const { store } = await withPicture({ browser, library: { ...browser.library, merge } })
    merge.mockRejectedValue(new AppError('no-space', 'The disk is full.'))
    await ask(store, 'one?')
    await settled()
    expect(store.getState().libraryFailure).toMatchObject({ code: 'no-space' })
    merge.mockImplementation(browser.library.merge)
    // Another conversation finds room.
    store.getState().addImages([picture('b')])
    await vi.waitFor(async () => expect(await questionsOnDisk(browser)).toEqual([null, 'one?', null]))
    expect(store.getState().libraryFailure).toBeNull()
  })

  it('has its picture kept with the next change when there was no room for it, and its words at once', async () => {
    const browser = fakeBrowser()
    const keepPicture = vi.fn(browser.library.keepPicture)
    keepPicture.mockRejectedValue(new AppError('no-space', 'The disk is full.'))
    const page = await withPicture({ browser, library: { ...browser.library, keepPicture } })
    await settled()
    expect(page.store.getState().libraryFailure).toMatchObject({ code: 'no-space' })
    expect([browser.pictures.size, await questionsOnDisk(browser)]).toEqual([0, [null]])
    keepPicture.mockImplementation(browser.library.keepPicture)
    await ask(page.store, 'one?')
    await settled()
    expect([browser.pictures.size, await questionsOnDisk(browser)]).toEqual([1, [null, 'one?']])
    expect(page.store.getState().libraryFailure).toBeNull()
  })

  it('is written once more when it changes while it is written', async () => {
    const browser = fakeBrowser()
    const goOn: (() => void)[] = []
    const merge: typeof browser.library.merge = async (one) => {
      await new Promise<void>((resolve) => goOn.push(resolve))
      return browser.library.merge(one)
    }
    const { store } = openPage({ browser, library: { ...browser.library, merge } })
    store.getState().addImages([picture('a')])
    for (const question of ['one?', 'two?', 'three?']) {
      store.getState().ask(question)
      await settled()
    }
    while (goOn.length > 0) {
      goOn.shift()?.()
      await settled()
    }
    expect(await questionsOnDisk(browser)).toEqual([null, 'one?', 'two?', 'three?'])
  })

  it('leaves no picture behind that a page kept just before it died', async () => {
    const browser = fakeBrowser()
    browser.pictures.set('stray', { id: 'stray', image: new Blob(['x']), addedAt: -1e9 })
    browser.pictures.set('on its way', { id: 'on its way', image: new Blob(['x']), addedAt: 1e9 })
    const { store, forget } = openPage({ browser })
    await store.getState().restoreConversations()
    expect([...browser.pictures.keys()]).toEqual(['on its way'])
    expect(forget.mock.calls[0]?.[0]).toEqual({ pictureIds: ['stray'] })
  })
})

describe('a conversation that two pages have open', () => {
  it('keeps the turns of both, and both show them', async () => {
    const one = await withPicture()
    const two = await beside(one)
    await Promise.all([ask(one.store, 'from one?'), ask(two.store, 'from two?')])
    await settled()
    const asked = [null, 'from one?', 'from two?']
    expect(new Set(await questionsOnDisk(one.browser))).toEqual(new Set(asked))
    for (const { store } of [one, two]) {
      const [conversation] = store.getState().conversations
      expect(new Set(conversation?.turns.map(({ question }) => question))).toEqual(new Set(asked))
    }
    expect(one.answer).toHaveBeenCalledTimes(2)
    expect(two.answer).toHaveBeenCalledTimes(1)
  })

  it('keeps the turns of a page that hears nothing of the other', async () => {
    const one = await withPicture()
    const deaf = openPage({ browser: { ...one.browser, channel: fakeBrowser().channel } })
    await deaf.store.getState().restoreConversations()
    await deaf.store.getState().loadModel()
    await ask(one.store, 'from one?')
    await ask(deaf.store, 'from the deaf one?')
    await settled()
    expect(new Set(await questionsOnDisk(one.browser))).toEqual(
      new Set([null, 'from one?', 'from the deaf one?']),
    )
  })

  it('shows an answer as the other page writes it, and does not answer it itself', async () => {
    const one = await withPicture()
    const steps = inSteps(one)
    one.store.getState().ask('why?')
    await settled()
    const two = await beside(one)
    expect(statuses(two.store)).toEqual(['done', 'waiting'])
    steps.say({ stage: 'writing', text: 'half an', tokens: 2 })
    await settled()
    // Others are told now and then only, as time passes.
    for (let token = 3; token < 200; token += 1)
      steps.say({ stage: 'writing', text: `${token}`, tokens: token })
    await settled()
    expect(statuses(two.store)).toEqual(['done', 'writing'])
    const [underWay] = Object.values(two.store.getState().underWay)
    expect(underWay).toMatchObject({ tab: one.tab.id, progress: { stage: 'writing' } })
    two.store.getState().stop()
    steps.finish()
    await settled()
    expect(answers(two.store)[1]).toMatchObject({ status: 'done', text: 'a cat', facts: { finish: 'end' } })
    expect(two.store.getState().underWay).toEqual({})
    expect(two.answer).not.toHaveBeenCalled()
    expect(one.store.getState().conversations).toEqual(two.store.getState().conversations)
  })

  it('gives an answer up when the page that wrote it is gone, and keeps it when it was finished after all', async () => {
    const one = await withPicture()
    const steps = inSteps(one)
    one.store.getState().ask('why?')
    await settled()
    const two = await beside(one)
    steps.say({ stage: 'writing', text: 'half an', tokens: 2 })
    await settled()
    one.tab.close()
    await settled()
    expect(answers(two.store)[1]).toMatchObject({ status: 'failed', failure: { code: 'cancelled' } })
    expect(two.store.getState().underWay).toEqual({})
    steps.finish()
    await settled()
    expect(answers(two.store)[1]).toMatchObject({ status: 'done', text: 'a cat' })
  })

  it('stays deleted when the other page goes on with it, until it is undone, then with all that was said', async () => {
    const one = await withPicture()
    const two = await beside(one)
    const id = one.store.getState().currentId ?? ''
    one.store.getState().deleteConversation(id)
    // Not heard of yet.
    two.store.getState().ask('too late?')
    await settled()
    expect(await questionsOnDisk(one.browser)).toEqual([])
    for (const { store } of [one, two]) expect(store.getState().conversations).toEqual([])
    expect(two.store.getState().underWay).toEqual({})
    one.store.getState().undo()
    await vi.waitFor(() => expect(two.store.getState().conversations).toHaveLength(1))
    two.store.getState().openConversation(id)
    await vi.waitFor(() => expect(statuses(two.store)).toEqual(['done', 'done']))
    await settled()
    expect(questions(one.store)).toEqual([null, 'too late?'])
    expect(await questionsOnDisk(one.browser)).toEqual([null, 'too late?'])
  })

  it('stops an answer whose turn the other page removed', async () => {
    const one = await withPicture()
    const two = await beside(one)
    await ask(one.store, 'what?')
    await settled()
    let stopped = false
    one.answer.mockImplementationOnce(
      (_, __, signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            stopped = true
            resolve({ ...ANSWERED, text: '', look: null, finish: 'stopped' })
          })
        }),
    )
    one.store.getState().ask('why?')
    await settled()
    two.store.getState().deleteTurn(currentTurns(two.store)[1]?.id ?? '')
    await settled()
    expect(stopped).toBe(true)
    expect(questions(one.store)).toEqual([null])
    two.store.getState().undo()
    await vi.waitFor(() => expect(statuses(one.store)).toEqual(['done', 'done', 'done']))
  })

  it('is a new one for the other page as soon as it is begun, with its picture', async () => {
    const one = await withPicture()
    const two = await beside(one)
    one.store.getState().addImages([picture('b.png')])
    await vi.waitFor(() => expect(two.store.getState().conversations).toHaveLength(2))
    await settled()
    const id = two.store.getState().conversations[0]?.pictures[0]?.id ?? ''
    expect(await two.store.getState().images[id]?.text()).toBe('b.png')
  })

  it('can be undone by the page that deleted it though another could not tell that it lives', async () => {
    const one = await withPicture()
    one.store.getState().deleteConversation(one.store.getState().currentId ?? '')
    await settled()
    const lockless = openPage({ browser: { ...one.browser, locks: fakeBrowser().locks } })
    await lockless.store.getState().restoreConversations()
    await settled()
    expect(one.browser.pictures.size).toBe(0)
    one.store.getState().undo()
    await settled()
    expect(statuses(one.store)).toEqual(['done'])
    expect(await questionsOnDisk(one.browser)).toEqual([null])
    expect(one.browser.pictures.size).toBe(1)
  })

  it('comes by itself where there was no room to open what is kept, beside what was said meanwhile', async () => {
    const { browser } = await withPicture()
    await settled()
    let isFull = true
    const conversations = (): ReturnType<typeof browser.library.conversations> =>
      isFull
        ? Promise.reject(new AppError('no-space', 'The storage cannot be opened.'))
        : browser.library.conversations()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { store } = openPage({ browser, library: { ...browser.library, conversations } })
    await store.getState().restoreConversations()
    await vi.advanceTimersByTimeAsync(3 * AGAIN_MS)
    expect(store.getState()).toMatchObject({ conversations: [], libraryFailure: { code: 'no-space' } })
    store.getState().addImages([picture('b.png')])
    isFull = false
    await vi.advanceTimersByTimeAsync(AGAIN_MS)
    vi.useRealTimers()
    const names = store.getState().conversations.map(({ pictures }) => pictures[0]?.name)
    expect(names).toEqual(['b.png', 'a.png'])
    expect(store.getState().libraryFailure).toBeNull()
  })
})
