import type { Provider } from '../protocol/calls.ts'
import type { GetState, SetState } from './store.ts'

export type Theme = 'auto' | 'light' | 'dark'

/** What is remembered between visits. */
export interface Settings {
  theme: Theme
  /** What a caption goes on from; empty for a plain caption. */
  prompt: string
  maxNewTokens: number
  /** What to compute on; null leaves it to the engine. */
  prefer: Provider | null
}

export interface SettingsStorage {
  load(): Promise<Partial<Settings> | undefined>
  save(settings: Settings): Promise<void>
}

export interface SettingsSlice {
  settings: Settings
  changeSettings: (change: Partial<Settings>) => void
  restoreSettings: () => Promise<void>
}

/** 30 new tokens as in LAVIS's captioning. */
const DEFAULTS: Settings = { theme: 'auto', prompt: '', maxNewTokens: 30, prefer: null }

export function settingsSlice(set: SetState, get: GetState, storage: SettingsStorage): SettingsSlice {
  return {
    settings: DEFAULTS,
    changeSettings(change) {
      set({ settings: { ...get().settings, ...change } })
      // Settings that cannot be kept (private mode, full disk) still hold until the page closes.
      void storage.save(get().settings).catch(() => undefined)
    },
    async restoreSettings() {
      const kept = await storage.load().catch(() => undefined)
      if (kept !== undefined) set({ settings: { ...get().settings, ...kept } })
    },
  }
}
