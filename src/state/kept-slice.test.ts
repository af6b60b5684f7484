import { afterEach, describe, expect, it, vi } from 'vitest'
import { fakeKeeper, modelOf, offerOf, progressOf, settled } from '../../testing/state/fake-keeper.ts'
import { AppError } from '../pack/failure.ts'
import { EMPTY_CATALOGUE } from './catalogue.ts'
import { AGAIN_MS } from './patience.ts'

afterEach(() => void vi.useRealTimers())

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

  it('is read again by itself where there was no room to open it, and says so until then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const keeper = fakeKeeper()
    keeper.kept = [modelOf('a')]
    keeper.unread = new AppError('no-space', 'The disk is full.')
    await keeper.store.getState().openPacks(EMPTY_CATALOGUE)
    await vi.advanceTimersByTimeAsync(3 * AGAIN_MS)
    expect(keeper.store.getState()).toMatchObject({ kept: [], keptFailure: { code: 'no-space' } })
    keeper.unread = null
    await vi.advanceTimersByTimeAsync(AGAIN_MS)
    expect(keeper.store.getState()).toMatchObject({ kept: [{ id: 'a' }], keptFailure: null })
    // Once it was read nobody asks again.
    keeper.kept = []
    await vi.advanceTimersByTimeAsync(3 * AGAIN_MS)
    expect(keeper.store.getState().kept).toHaveLength(1)
  })

  it('does not take back what else went wrong once it is read', async () => {
    const keeper = fakeKeeper()
    await keeper.store.getState().openPacks(EMPTY_CATALOGUE)
    const keptFailure = { code: 'busy', message: 'It is in use.' } as const
    keeper.store.setState({ keptFailure })
    await keeper.store.getState().refreshPacks()
    expect(keeper.store.getState()).toMatchObject({ keptFailure })
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
