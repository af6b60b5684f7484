import { createStore } from 'zustand/vanilla'
import { describe, expect, it } from 'vitest'
import type { MemoryReport } from '../pack/device-report.ts'
import type { EngineAccess } from './engine-access.ts'
import { memorySlice } from './memory-slice.ts'
import type { AppState } from './store.ts'

const REPORT: MemoryReport = { keepsAll: false, why: { kind: 'chosen' } }

describe('what an engine reports about its memory', () => {
  it.each([
    ['is told of the model that it is about', false, REPORT],
    ['is no news of a model that took its place meanwhile', true, undefined],
  ])('%s', async (_, isReplaced, expected) => {
    const replaced = new AbortController()
    const call = (): Promise<MemoryReport> => {
      if (isReplaced) replaced.abort()
      return Promise.resolve(REPORT)
    }
    // The one call that the slice makes.
    const engine = { call } as unknown as EngineAccess
    const store = createStore<AppState>()((set, get) => {
      const slice = memorySlice(set, get, engine, () => replaced.signal)
      const model = { status: 'ready', loaded: { device: {} } }
      return { ...slice, model, settings: { memory: 'spare' } } as unknown as AppState
    })
    await store.getState().applyMemory()
    const { model } = store.getState()
    expect(model.status === 'ready' && model.loaded.device.memory).toBe(expected)
  })
})
