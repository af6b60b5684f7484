/** What a loaded model keeps in memory between answers. */
import type { MemoryChoice } from '../pack/device-report.ts'
import type { EngineAccess } from './engine-access.ts'
import type { GetState, SetState } from './store.ts'

export interface MemorySlice {
  /** Keeps everything loaded or not, from now on, without loading anything anew. */
  changeMemory: (memory: MemoryChoice) => Promise<void>
  /** Has the loaded model follow the settings. One that is being loaded does so when it is ready. */
  applyMemory: () => Promise<void>
}

/** `current` gives what fires when the model gives way to another. */
export function memorySlice(
  set: SetState,
  get: GetState,
  engine: Pick<EngineAccess, 'call'>,
  current: () => AbortSignal,
): MemorySlice {
  return {
    async changeMemory(memory) {
      get().changeSettings({ memory })
      await get().applyMemory()
    },
    async applyMemory() {
      const signal = current()
      if (get().model.status !== 'ready') return
      try {
        const report = await engine.call('changeMemory', { memory: get().settings.memory })
        const { model } = get()
        if (model.status !== 'ready' || signal.aborted) return
        const { loaded } = model
        set({
          model: { status: 'ready', loaded: { ...loaded, device: { ...loaded.device, memory: report } } },
        })
      } catch {
        // The model went away meanwhile, which is told where it is told of; the next one begins with the setting.
      }
    },
  }
}
