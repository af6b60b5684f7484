import { describe, expect, it } from 'vitest'
import { ask, statuses, withPicture } from '../../testing/state/fake-browser.ts'

describe('conversations in a file', () => {
  it('goes out as one file and comes back beside what is there', async () => {
    const { store } = await withPicture()
    await ask(store, 'what?')
    const file = await store.getState().exportAll()
    await store.getState().importFile(file)
    const [added, old] = store.getState().conversations
    expect(store.getState().conversations).toHaveLength(2)
    expect(added?.id).not.toBe(old?.id)
    expect(statuses(store)).toEqual(['done', 'done'])
    const [addedPicture] = added?.pictures ?? []
    expect(await store.getState().images[addedPicture?.id ?? '']?.text()).toBe('a.png')
    expect(
      await store
        .getState()
        .exportMarkdown(old?.id ?? '')
        .text(),
    ).toBe('# a.png: what?\n\na cat\n\n**what?**\n\na cat\n')
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
    const { store } = await withPicture()
    await store.getState().importFile(new Blob([text]))
    expect(store.getState().libraryFailure).toMatchObject({ code: 'bad-file' })
    expect(store.getState().conversations).toHaveLength(1)
  })
})
