import { describe, expect, it } from 'vitest'
import { fakeKeeper, modelOf, settled } from '../../testing/state/fake-keeper.ts'
import { AppError } from '../pack/failure.ts'

describe('saving', () => {
  it('is done one at a time, shows how far it is, and can be cancelled', async () => {
    const { store, saves } = fakeKeeper()
    const saving = store.getState().saveKept(modelOf('a'))
    await settled()
    await store.getState().saveKept(modelOf('b'))
    expect(saves).toHaveLength(1)
    saves[0]?.report({ doneBytes: 1, totalBytes: 2 })
    expect(store.getState().saving).toEqual({ status: 'running', id: 'a', doneBytes: 1, totalBytes: 2 })
    store.getState().cancelSaving()
    expect(saves[0]?.signal.aborted).toBe(true)
    saves[0]?.reject(new AppError('cancelled', 'Stopped.'))
    await saving
    expect(store.getState().saving).toEqual({ status: 'idle' })
  })

  it('hands a ZIP file to the downloads where there are no folders, and says why it failed', async () => {
    const offered: string[] = []
    const { store, saves } = fakeKeeper({ offerFile: (_, name) => void offered.push(name) })
    const saving = store.getState().saveKept(modelOf('a', { name: 'A model / of mine' }))
    await settled()
    saves[0]?.resolve(new Blob(['zip']))
    await saving
    expect(offered).toEqual(['A-model-of-mine-q8.zip'])
    void store.getState().saveKept(modelOf('a'))
    await settled()
    saves[1]?.reject(new AppError('corrupt', 'Damaged.'))
    await settled()
    expect(store.getState().saving).toMatchObject({ status: 'failed', failure: { message: 'Damaged.' } })
  })

  it('does nothing when no folder is chosen', async () => {
    const { store, saves } = fakeKeeper({ chooseFolder: () => Promise.resolve(undefined) })
    await store.getState().saveKept(modelOf('a'))
    expect([saves, store.getState().saving]).toEqual([[], { status: 'idle' }])
  })
})
