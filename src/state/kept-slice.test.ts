import { describe, expect, it, vi } from 'vitest'
import { fakeKeeper, modelOf, offerOf, progressOf, settled } from '../../testing/state/fake-keeper.ts'
import { EMPTY_CATALOGUE } from './catalogue.ts'

describe('the list of kept models', () => {
  it('follows what other tabs do, and shows what they are fetching for as long as they do', async () => {
    const keeper = fakeKeeper()
    keeper.kept = [modelOf('a')]
    keeper.newer = ['a']
    await keeper.store.getState().openPacks(EMPTY_CATALOGUE)
    expect(keeper.store.getState()).toMatchObject({ kept: [{ id: 'a' }], newer: ['a'] })
    keeper.kept.push(modelOf('b'))
    keeper.tell({ kind: 'changed' })
    keeper.tell({ kind: 'progress', id: 'c', progress: progressOf(1) })
    keeper.tell({ kind: 'progress', id: 'd', progress: progressOf(2) })
    keeper.tell({ kind: 'progress', id: 'c', progress: null })
    await settled()
    expect(keeper.store.getState().kept.map(({ id }) => id)).toEqual(['a', 'b'])
    expect(keeper.store.getState().elsewhere).toEqual({ d: progressOf(2) })
  })

  it('tells, whoever made it, that there may be room', async () => {
    const onChanged = vi.fn()
    const keeper = fakeKeeper({}, onChanged)
    keeper.kept = [modelOf('a'), modelOf('b')]
    await keeper.store.getState().openPacks(EMPTY_CATALOGUE)
    onChanged.mockClear()
    await keeper.store.getState().removeKept('b')
    expect(onChanged).toHaveBeenCalledOnce()
    keeper.tell({ kind: 'changed' })
    await settled()
    expect(onChanged).toHaveBeenCalledTimes(2)
  })

  it('lets go of a model, and of the news that it was added', async () => {
    const keeper = fakeKeeper()
    const { getState } = keeper.store
    void getState().requestOffer({ kind: 'address', text: 'a' }, { precision: 'q8', token: null })
    keeper.offers[0]?.resolve(offerOf('a'))
    await settled()
    keeper.kept = [modelOf('a'), modelOf('b')]
    void getState().startAdding()
    keeper.adds[0]?.resolve(modelOf('a'))
    await settled()
    await getState().removeKept('b')
    expect(getState()).toMatchObject({ kept: [{ id: 'a' }], adding: { status: 'added' } })
    await getState().removeKept('a')
    expect(getState()).toMatchObject({ kept: [], adding: { status: 'idle' } })
  })
})
