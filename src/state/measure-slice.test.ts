import { describe, expect, it, vi } from 'vitest'
import type { MeasureDevice } from './measure-slice.ts'
import { AppError } from '../pack/failure.ts'
import { loaded, openPage } from '../../testing/state/fake-browser.ts'

describe('measuring the device', () => {
  it('puts the model away first and loads it again afterwards', async () => {
    const { store, load, unload, measureDevice } = openPage()
    await store.getState().loadModel()
    const order: string[] = []
    unload.mockImplementation(() => (order.push('unload'), Promise.resolve(null)))
    load.mockImplementation(() => (order.push('load'), Promise.resolve(loaded('one'))))
    const result = { load: { total: 3 } } as unknown as Awaited<ReturnType<MeasureDevice>>
    measureDevice.mockImplementation((request, { onStage }) => {
      order.push('measure')
      expect(request.pack).toEqual({ kind: 'web', url: 'http://localhost/models/' })
      onStage('decode')
      expect(store.getState().measuring).toEqual({ status: 'running', stage: 'decode' })
      return Promise.resolve(result)
    })
    await store.getState().measureDevice()
    expect(order).toEqual(['unload', 'measure', 'load'])
    expect(store.getState()).toMatchObject({
      measuring: { status: 'done', result, predictedSeconds: null },
      model: { status: 'ready' },
    })
  })

  it('can be cancelled, and fails in a sentence; the model comes back either way', async () => {
    const { store, measureDevice } = openPage()
    await store.getState().loadModel()
    measureDevice.mockImplementation(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new AppError('cancelled', 'Cancelled.')))
        }),
    )
    const cancelled = store.getState().measureDevice()
    await vi.waitFor(() => expect(measureDevice).toHaveBeenCalledOnce())
    store.getState().cancelMeasuring()
    await cancelled
    expect(store.getState()).toMatchObject({ measuring: { status: 'idle' }, model: { status: 'ready' } })
    measureDevice.mockRejectedValue(new AppError('out-of-memory', 'Too little memory.'))
    await store.getState().measureDevice()
    expect(store.getState()).toMatchObject({
      measuring: { status: 'failed', failure: { code: 'out-of-memory' } },
      model: { status: 'ready' },
    })
  })
})
