import { describe, expect, it, vi } from 'vitest'
import type { LoadedModel } from '../protocol/engine-calls.ts'
import { AppError } from '../pack/failure.ts'
import {
  ANSWERED,
  LOST,
  answers,
  loaded,
  openPage,
  statuses,
  withPicture,
} from '../../testing/state/fake-browser.ts'

describe('the model', () => {
  it('is reported failed with the sentence of the failure, and can be loaded again', async () => {
    const { store, load } = openPage()
    load.mockRejectedValueOnce(new AppError('network', 'No connection.'))
    await store.getState().loadModel()
    expect(store.getState().model).toMatchObject({ status: 'failed', failure: { message: 'No connection.' } })
    await store.getState().loadModel()
    expect(store.getState().model.status).toBe('ready')
  })

  it('gets a fresh worker after the old one died', async () => {
    const { store, restarted } = openPage()
    store.getState().engineDied({ code: 'out-of-memory', message: 'The thread stopped.' })
    await store.getState().loadModel()
    expect(restarted()).toBe(1)
    expect(store.getState().model.status).toBe('ready')
  })

  it.each(['stalled', 'network'] as const)(
    'gets a fresh worker after a part of the page did not come (%s), which the old one may remember',
    async (code) => {
      const { store, load, restarted } = openPage()
      load.mockRejectedValueOnce(new AppError(code, 'It did not come.'))
      await store.getState().loadModel()
      expect(restarted()).toBe(0)
      await store.getState().loadModel()
      expect([restarted(), store.getState().model.status]).toEqual([1, 'ready'])
    },
  )

  it('is rebuilt when the graphics device goes away; the half answer stays until it is asked for again', async () => {
    const { store, answer, lose, restarted } = await withPicture()
    answer.mockImplementationOnce((_, report) => {
      report({ stage: 'writing', text: 'half an', tokens: 2 })
      lose(LOST)
      return Promise.reject(new AppError('device-lost', LOST.message))
    })
    store.getState().changeDraft('what?')
    store.getState().send()
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'failed']))
    await vi.waitFor(() => expect(store.getState().model.status).toBe('ready'))
    expect(restarted()).toBe(1)
    expect(answers(store)[1]).toMatchObject({ text: 'half an' })
    const conversation = store.getState().conversations[0]
    store.getState().retry(conversation?.turns[1]?.id ?? '', conversation?.pictures[0]?.id ?? '')
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(store.getState().losses).toBe(0)
  })

  it('lets go of the old device on purpose when it changes, which is no loss', async () => {
    const { store, lose, load, restarted } = await withPicture()
    load.mockImplementationOnce(() => {
      lose(LOST)
      return Promise.resolve(loaded('two'))
    })
    await store.getState().changeModel('kept')
    await vi.waitFor(() => expect(store.getState().model.status).toBe('ready'))
    expect([restarted(), store.getState().losses]).toEqual([0, 0])
  })

  it('is the one that was wanted last, though another was being loaded', async () => {
    const { store, load } = openPage()
    let finish: (model: LoadedModel) => void = () => undefined
    load.mockImplementationOnce(() => new Promise((resolve) => (finish = resolve)))
    const first = store.getState().loadModel()
    const second = store.getState().changeModel('kept')
    finish(loaded('one'))
    load.mockResolvedValueOnce(loaded('two'))
    await Promise.all([first, second])
    expect(load).toHaveBeenCalledTimes(2)
    expect(store.getState().model).toMatchObject({ status: 'ready', loaded: loaded('two') })
  })

  it('stops what it writes when it changes, and keeps the words', async () => {
    const { store, answer } = await withPicture()
    answer.mockImplementationOnce(
      (_, report, signal) =>
        new Promise((resolve) => {
          report({ stage: 'writing', text: 'half an', tokens: 2 })
          signal.addEventListener('abort', () => resolve({ ...ANSWERED, text: 'half an', finish: 'stopped' }))
        }),
    )
    store.getState().changeDraft('what?')
    store.getState().send()
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'writing']))
    await store.getState().changeModel('kept')
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(answers(store)[1]).toMatchObject({ text: 'half an', facts: { finish: 'stopped' } })
  })

  it('is not rebuilt again and again when no answer is finished in between', async () => {
    const { store, lose, load } = await withPicture()
    lose(LOST)
    await vi.waitFor(() => expect(load).toHaveBeenCalledTimes(2))
    await vi.waitFor(() => expect(store.getState().model.status).toBe('ready'))
    lose(LOST)
    await vi.waitFor(() => expect(store.getState().model.status).toBe('failed'))
    expect(store.getState().losses).toBe(2)
    expect(load).toHaveBeenCalledTimes(2)
  })
})

describe('what stays in memory', () => {
  it('is changed without loading anew, remembered, and told', async () => {
    const { store, load, changeMemory, kept } = openPage()
    await store.getState().loadModel()
    await store.getState().changeMemory('spare')
    expect(changeMemory).toHaveBeenCalledOnce()
    expect(changeMemory.mock.calls[0]?.[0]).toEqual({ memory: 'spare' })
    expect(load).toHaveBeenCalledTimes(1)
    expect(kept.at(-1)).toMatchObject({ memory: 'spare' })
    expect(store.getState().model).toMatchObject({
      loaded: { device: { memory: { keepsAll: false, why: { kind: 'chosen' } } } },
    })
  })

  it('follows when the model that is being loaded is ready', async () => {
    const { store, changeMemory } = openPage()
    const loading = store.getState().loadModel()
    const changed = store.getState().changeMemory('spare')
    expect(changeMemory).not.toHaveBeenCalled()
    await Promise.all([loading, changed])
    expect(changeMemory).toHaveBeenCalledOnce()
    expect(changeMemory.mock.calls[0]?.[0]).toEqual({ memory: 'spare' })
  })

  it('is a setting that the next model begins with when this one goes away', async () => {
    const { store, changeMemory } = openPage()
    await store.getState().loadModel()
    changeMemory.mockRejectedValueOnce(new AppError('device-lost', LOST.message))
    await store.getState().changeMemory('keep')
    expect(store.getState().settings.memory).toBe('keep')
  })
})
