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

/** Synchronous, so that a change made just before the page closes is kept. Either call may throw. */
export interface SettingsStorage {
  load(): unknown
  save(settings: Settings): void
}

export interface SettingsSlice {
  settings: Settings
  changeSettings: (change: Partial<Settings>) => void
}

/** The longest answer that the page offers. */
export const MOST_NEW_TOKENS = 200

/** 30 new tokens as in LAVIS's captioning. */
const DEFAULTS: Settings = { theme: 'auto', prompt: '', maxNewTokens: 30, prefer: null }

export function settingsSlice(set: SetState, get: GetState, storage: SettingsStorage): SettingsSlice {
  return {
    settings: restored(storage),
    changeSettings(change) {
      set({ settings: { ...get().settings, ...change } })
      try {
        storage.save(get().settings)
      } catch {
        // Settings that cannot be kept (private mode, full disk) still hold until the page closes.
      }
    },
  }
}

/** What was kept, where it is still valid; anything else is the default. */
function restored(storage: SettingsStorage): Settings {
  const settings = { ...DEFAULTS }
  let kept: Partial<Record<keyof Settings, unknown>>
  try {
    kept = { ...(storage.load() as object | null) }
  } catch {
    return settings
  }
  const { theme, prompt, maxNewTokens, prefer } = kept
  if (theme === 'light' || theme === 'dark') settings.theme = theme
  if (typeof prompt === 'string') settings.prompt = prompt
  if (typeof maxNewTokens === 'number' && maxNewTokens >= 1 && maxNewTokens <= MOST_NEW_TOKENS)
    settings.maxNewTokens = Math.round(maxNewTokens)
  if (prefer === 'wasm' || prefer === 'webgpu') settings.prefer = prefer
  return settings
}
