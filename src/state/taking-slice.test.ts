import { describe, expect, it } from 'vitest'
import { currentTurns, openPage, picture, settled, withPicture } from '../../testing/state/fake-browser.ts'
import { titleOf } from '../conversation/conversation.ts'
import { LIMITS } from '../conversation/limits.ts'

const NO_PICTURE = { image: new Blob(['no picture']), name: 'notes.png' }

describe('Files that come in', () => {
  it('begin no conversation when none is a picture, and it is said which and why', async () => {
    const { store } = openPage()
    await store.getState().takePictures([NO_PICTURE])
    expect(store.getState().conversations).toEqual([])
    expect(store.getState().libraryFailure?.message).toBe('notes.png: This is not a picture.')
  })

  it('are one conversation without those that cannot be read, whose number is said', async () => {
    const { store } = openPage()
    await store.getState().takePictures([picture('a'), NO_PICTURE])
    expect(store.getState().conversations.map(({ pictures }) => pictures.length)).toEqual([1])
    expect(store.getState().aside).toEqual([{ key: 'talk:adding.unread', values: { count: 1 } }])
  })

  it('are refused where no export could bring them back: too many to compare, or too large', async () => {
    const { store } = openPage()
    const many = Array.from({ length: LIMITS.pictures + 1 }, (_, i) => picture(`${i}`))
    await store.getState().takePictures(many)
    expect(store.getState().libraryFailure?.message).toMatch(/1,001 pictures, and 1,000 are the most/)
    const { image } = picture('large')
    Object.defineProperty(image, 'size', { value: LIMITS.pictureBytes + 1 })
    await store.getState().takePictures([{ image, name: 'large.png' }])
    expect(store.getState().libraryFailure?.message).toMatch(/^large.png: The file is larger than 1 GiB/)
    expect(store.getState().conversations).toEqual([])
    await store.getState().takePictures(many.slice(1))
    expect(store.getState().conversations).toHaveLength(1)
  })

  it('are called as they will be at the next visit', async () => {
    const { store } = openPage()
    await store.getState().takePictures([picture('a\u202egnp.exe'), picture('\u200f')])
    const [conversation] = store.getState().conversations
    expect(conversation?.pictures.map(({ name }) => name)).toEqual(['agnp.exe', 'Picture'])
  })

  it('are counted apart from those that were left aside before, and nothing said of them is lost', async () => {
    const { store } = openPage()
    const tooMany = { key: 'talk:adding.tooMany', values: { count: 500 } } as const
    await store.getState().takePictures([picture('a'), NO_PICTURE], { leftAside: 2, notes: [tooMany] })
    expect(store.getState().aside).toEqual([
      { key: 'talk:adding.leftAside', values: { count: 2 } },
      { key: 'talk:adding.unread', values: { count: 1 } },
      tooMany,
    ])
  })
})

describe('A conversation', () => {
  it('is called by its caption, or as people name it, in every tab', async () => {
    const page = await withPicture()
    const { store } = page
    const [conversation] = store.getState().conversations
    if (conversation === undefined) throw new Error('There is no conversation.')
    expect(titleOf(conversation)).toBe('a cat')
    const other = openPage({ browser: page.browser })
    await other.store.getState().restoreConversations()
    store.getState().renameConversation(conversation.id, 'My cat')
    await settled()
    const titles = (): string[] => other.store.getState().conversations.map(titleOf)
    expect(titles()).toEqual(['My cat'])
    store.getState().renameConversation(conversation.id, '')
    await settled()
    expect(titles()).toEqual(['a cat'])
  })

  it('is found by a link, and what is not here is said', async () => {
    const page = await withPicture()
    const [id = ''] = page.store.getState().conversations.map((one) => one.id)
    const { store } = openPage({ browser: page.browser })
    store.getState().visit({ place: 'talk', conversation: id })
    await store.getState().restoreConversations()
    expect([store.getState().currentId, store.getState().aside]).toEqual([id, null])
    store.getState().visit({ place: 'talk', conversation: 'gone' })
    expect([store.getState().currentId, store.getState().aside]).toEqual([null, { key: 'shell:notHere' }])
  })

  it('that is begun before the kept ones are here is not taken away by them', async () => {
    const page = await withPicture()
    const { store } = openPage({ browser: page.browser })
    store.getState().newConversation()
    await store.getState().restoreConversations()
    expect([store.getState().conversations.length, store.getState().currentId]).toEqual([1, null])
  })

  it('says how many turns went with one press, and that they can be taken back', async () => {
    const { store } = await withPicture()
    for (const question of ['one?', 'two?', 'three?']) store.getState().ask(question)
    const second = currentTurns(store)[1]
    store.getState().deleteTurn(second?.id ?? '')
    expect(store.getState().announcement).toEqual([
      { key: 'talk:undo.turns', values: { count: 3 } },
      { key: 'talk:undo.hint' },
    ])
  })
})
