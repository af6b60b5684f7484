import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  ask,
  exported,
  fakeBrowser,
  openPage,
  picture,
  reopened,
  settled,
  statuses,
  withPicture,
  type FakePage,
} from '../../testing/state/fake-browser.ts'
import { AppError } from '../pack/failure.ts'

describe('conversations in a file', () => {
  it('goes out as one file and comes back beside what is there', async () => {
    const page = await withPicture()
    const { store, offered } = page
    await ask(store, 'what?')
    store.getState().visit({ place: 'search' })
    await store.getState().importFile(await exported(page))
    expect(store.getState().place).toBe('talk')
    expect(offered[0]?.name).toMatch(/^pictalk-conversations-[\d-]+\.zip$/)
    const [added, old] = store.getState().conversations
    expect(store.getState().conversations).toHaveLength(2)
    expect(store.getState().currentId).toBe(added?.id)
    expect(added?.id).not.toBe(old?.id)
    expect(statuses(store)).toEqual(['done', 'done'])
    const [addedPicture] = added?.pictures ?? []
    expect(await store.getState().images[addedPicture?.id ?? '']?.text()).toBe('a.png')
  })

  it('is there at the next visit, and in another tab at once', async () => {
    const page = await withPicture()
    const other = openPage({ browser: page.browser })
    await other.store.getState().restoreConversations()
    await page.store.getState().importFile(await exported(page))
    await vi.waitFor(() => expect(other.store.getState().conversations).toHaveLength(2))
    const later = await reopened(page)
    expect(later.store.getState().conversations).toHaveLength(2)
    expect(Object.keys(later.store.getState().images)).toHaveLength(2)
  })

  it('is drawn in another tab as one, however much it is, and in the same order', async () => {
    const page = await withPicture()
    for (let i = 0; i < 40; i += 1) page.store.getState().addImages([picture(`${i}`)])
    const file = await exported(page)
    const other = openPage({ browser: page.browser })
    await other.store.getState().restoreConversations()
    const { length } = other.store.getState().conversations
    const drawn = vi.fn()
    other.store.subscribe(drawn)
    await page.store.getState().importFile(file)
    const added = ({ store }: FakePage): string[] =>
      store
        .getState()
        .conversations.slice(0, 41)
        .map(({ id }) => id)
    await vi.waitFor(() => expect(other.store.getState().conversations).toHaveLength(length + 41))
    expect(added(other)).toEqual(added(page))
    expect(drawn.mock.calls.length).toBeLessThan(5)
  })

  it('goes out as text to read', async () => {
    const { store, offered } = await withPicture()
    await ask(store, 'what?')
    store.getState().exportMarkdown(store.getState().currentId ?? '')
    expect(await offered[0]?.file.text()).toBe('# a cat\n\na cat\n\n**what?**\n\na cat\n')
  })

  it.each([
    ['no JSON', 'hello'],
    ['another JSON', '{"format":"else"}'],
    ['a later version', '{"format":"pictalk-conversations","version":9}'],
    [
      'missing pictures',
      '{"format":"pictalk-conversations","version":1,"pictures":[],"conversations":[{"id":"x","pictures":[{"id":"p","name":"n"}],"turns":[]}]}',
    ],
    [
      'turns out of order',
      '{"format":"pictalk-conversations","version":1,"pictures":[],"conversations":[{"id":"x","pictures":[],"turns":[{"id":"a","parent":"b","question":null,"answers":{}}]}]}',
    ],
  ])('refuses to import %s, and loses nothing', async (_, text) => {
    const { store, browser } = await withPicture()
    await store.getState().importFile(new Blob([text]))
    expect(store.getState().libraryFailure).toMatchObject({ code: 'bad-file' })
    const exactly = store.getState().libraryFailure?.message
    expect(store.getState().announcement).toEqual({ key: 'failures:bad-file', exactly })
    expect(store.getState().conversations).toHaveLength(1)
    expect([browser.conversations.size, browser.pictures.size]).toEqual([1, 1])
  })

  it.each([
    ['a picture', 'keepPicture'],
    ['the conversations', 'addAll'],
  ] as const)('leaves nothing behind when %s cannot be kept', async (_, fails) => {
    const file = await exported(await withPicture())
    const browser = fakeBrowser()
    const full = new AppError('no-space', 'The disk is full.')
    const page = openPage({ browser, library: { ...browser.library, [fails]: () => Promise.reject(full) } })
    await page.store.getState().importFile(file)
    expect(page.store.getState().libraryFailure).toMatchObject({ code: 'no-space' })
    expect([browser.conversations.size, browser.pictures.size]).toEqual([0, 0])
    expect(page.store.getState().conversations).toEqual([])
  })

  it('leaves nothing behind when it is cancelled, wherever that is', async () => {
    const first = await withPicture()
    first.store.getState().addImages([picture('b'), picture('c')])
    await settled()
    const file = await exported(first)
    for (const at of [1, 2, 3, 4, 5, 6, 7]) {
      const { store, browser } = openPage()
      let news = 0
      store.subscribe(({ exchange }) => {
        if (exchange !== null && (news += 1) === at) store.getState().cancelExchange()
      })
      await store.getState().importFile(file)
      expect(store.getState().exchange).toBe(null)
      if (store.getState().conversations.length > 0) continue
      expect(store.getState().announcement).toEqual({ key: 'shell:said.notImported' })
      expect([browser.conversations.size, browser.pictures.size]).toEqual([0, 0])
    }
  })

  it('tells how far it is, and that it was cancelled', async () => {
    const { store, offered } = await withPicture()
    const seen: unknown[] = []
    store.subscribe(({ exchange }) => seen.push(exchange))
    const going = store.getState().exportAll()
    expect(store.getState().exchange).toEqual({ doing: 'exporting', doneBytes: 0, totalBytes: 5 })
    // One thing at a time.
    await store.getState().exportAll()
    await going
    expect(offered).toHaveLength(1)
    expect(seen).toContainEqual({ doing: 'exporting', doneBytes: 5, totalBytes: 5 })
    const cancelled = store.getState().exportAll()
    store.getState().cancelExchange()
    await cancelled
    expect(offered).toHaveLength(1)
    expect(store.getState()).toMatchObject({
      exchange: null,
      libraryFailure: null,
      announcement: { key: 'shell:said.notExported' },
    })
  })

  it('leaves out a picture that cannot be read, and says so', async () => {
    const browser = fakeBrowser()
    const lost = (): Promise<never> => Promise.reject(new Error('gone'))
    const page = await withPicture({ browser, library: { ...browser.library, picture: lost } })
    page.store.setState({ images: {} })
    await exported(page)
    expect(page.store.getState().announcement).toContainEqual({
      key: 'shell:said.lost',
      values: { count: 1 },
    })
  })

  it('is refused when there would be more than the page takes, and could take from one file again', async () => {
    const page = await withPicture()
    const { store } = page
    const file = await exported(page)
    const [one] = store.getState().conversations
    if (one === undefined) throw new Error('There is none.')
    store.setState({ conversations: Array.from({ length: 10_000 }, () => one) })
    await store.getState().importFile(file)
    expect(store.getState().libraryFailure?.message).toMatch(/there would be 10,001 conversations/)
    const turns = Array.from({ length: 200_000 }, () => one.turns).flat()
    store.setState({ conversations: [{ ...one, turns }] })
    await store.getState().importFile(file)
    expect(store.getState().libraryFailure?.message).toMatch(/there would be 200,001 questions and captions/)
    expect(page.browser.conversations.size).toBe(1)
  })
})

describe('conversations that are damaged where they are kept', () => {
  beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined))
  afterEach(() => vi.restoreAllMocks())

  it.each([
    ['no conversation at all', 'hello'],
    ['null', null],
    ['turns that are no list', { revision: 1, turns: 7 }],
    ['an earlier one without turns', { id: 'x', pictures: [] }],
  ])('are set aside, said and left where they are: %s', async (_, entry) => {
    const page = await withPicture()
    await settled()
    // What lies on a disk may be anything.
    page.browser.conversations.set('damaged', entry as never)
    // Old enough to be cleared away, were it not for that.
    page.browser.pictures.set('wanted', { id: 'wanted', image: new Blob(['x']), addedAt: -2 * 86_400_000 })
    const { store } = await reopened(page)
    expect(store.getState().conversations).toHaveLength(1)
    expect(statuses(store)).toEqual(['done'])
    expect(store.getState().libraryFailure).toMatchObject({ code: 'corrupt' })
    expect(page.browser.conversations.get('damaged')).toBe(entry)
    expect(page.browser.pictures.has('wanted')).toBe(true)
  })

  it('are shown as far as they can be mended', async () => {
    const page = await withPicture()
    await settled()
    for (const [id, record] of page.browser.conversations)
      page.browser.conversations.set(id, {
        ...record,
        turns: record.turns.map((turn) => ({ ...turn, answers: {} })),
      })
    for (const [id] of page.browser.pictures) page.browser.pictures.set(id, { id, image: 'lost' as never })
    const { store } = await reopened(page)
    expect(statuses(store)).toEqual(['failed'])
    expect(store.getState().images).toEqual({})
  })
})
