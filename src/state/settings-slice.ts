import { isLanguage, type Language } from '../messages/languages.ts'
import { GREEDY, isDecoding, type DecodingSettings } from '../pack/decoding.ts'
import type { KernelChoice, MemoryChoice, Provider } from '../pack/device-report.ts'
import { isPreset, PRESETS, type PresetName } from './presets.ts'
import type { GetState, SetState } from './store.ts'

/** `auto` is what the browser asks for. */
export type LanguageChoice = Language | 'auto'

export type Theme = 'auto' | 'light' | 'dark'

/** What is remembered between visits. */
export interface Settings {
  theme: Theme
  language: LanguageChoice
  /** What a caption goes on from; empty for a plain caption. */
  prompt: string
  /** How a question is put to the model; `{question}` stands for it. */
  template: string
  preset: PresetName
  /** What the preset "My own" decodes with. */
  own: DecodingSettings
  /** What to compute on; null leaves it to the engine. */
  prefer: Provider | null
  /** Whether everything stays loaded. Changed by `changeMemory`, which takes effect at once. */
  memory: MemoryChoice
  /** Where the language model runs on kernels of our own, from the next load on. */
  ownKernels: KernelChoice
  /** Id of the kept model that is used; null for the built-in one. */
  model: string | null
  /** Id of a kept model in which the engine's thread was lost: it is not loaded by itself until it has shown otherwise. */
  unresponsive: string | null
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

/** BLIP-2's form for OPT (paper section 4.1). */
export const DEFAULT_TEMPLATE = 'Question: {question} Answer:'

const DEFAULTS: Settings = {
  theme: 'auto',
  language: 'auto',
  prompt: '',
  template: DEFAULT_TEMPLATE,
  preset: 'quick',
  own: GREEDY,
  prefer: null,
  memory: 'auto',
  ownKernels: 'auto',
  model: null,
  unresponsive: null,
}

export function settingsSlice(set: SetState, get: GetState, storage: SettingsStorage): SettingsSlice {
  return {
    settings: restored(storage),
    changeSettings(change) {
      const before = get().settings
      set({ settings: { ...before, ...change } })
      try {
        // Only the change: another tab may have changed something else.
        const kept = restored(storage)
        const own = change.own === undefined ? kept.own : withChanges(kept.own, before.own, change.own)
        storage.save({ ...kept, ...change, own })
      } catch {
        // Settings that cannot be kept (private mode, full disk) still hold until the page closes.
      }
    },
  }
}

/** What to decode with now. Sampling presets draw a new seed each time; one's own seed is one's own. */
export function decodingOf({ preset, own }: Settings, seed: number): DecodingSettings {
  if (preset === 'own') return own
  const settings: DecodingSettings = PRESETS[preset]
  return settings.sampling === null ? settings : { ...settings, sampling: { ...settings.sampling, seed } }
}

/** What is kept, with what differs from `before` as it is now; all as it is now where the two do not go together. */
function withChanges(
  kept: DecodingSettings,
  before: DecodingSettings,
  now: DecodingSettings,
): DecodingSettings {
  const byName = (settings: DecodingSettings): Map<string, unknown> => new Map(Object.entries(settings))
  const [was, is, both] = [byName(before), byName(now), byName(kept)]
  for (const name of new Set([...was.keys(), ...is.keys()])) {
    if (JSON.stringify(was.get(name)) === JSON.stringify(is.get(name))) continue
    if (is.has(name)) both.set(name, is.get(name))
    else both.delete(name)
  }
  const settings: unknown = Object.fromEntries(both)
  return isDecoding(settings) ? settings : now
}

/** What was kept, where it is still valid; anything else is the default. */
function restored(storage: SettingsStorage): Settings {
  const settings = { ...DEFAULTS }
  let kept: Partial<Record<keyof Settings | 'kernels', unknown>>
  try {
    kept = { ...(storage.load() as object | null) }
  } catch {
    return settings
  }
  const { theme, language, prompt, template, preset, own, prefer, memory, model, unresponsive } = kept
  if (theme === 'light' || theme === 'dark') settings.theme = theme
  if (isLanguage(language)) settings.language = language
  if (typeof prompt === 'string') settings.prompt = prompt
  if (typeof template === 'string' && template.includes('{question}')) settings.template = template
  if (isPreset(preset)) settings.preset = preset
  if (isDecoding(own)) settings.own = own
  if (typeof model === 'string') settings.model = model
  if (typeof unresponsive === 'string') settings.unresponsive = unresponsive
  if (memory === 'keep' || memory === 'spare' || memory === 'plenty') settings.memory = memory
  // Formerly `kernels`, where 'never' was the default and kept with any other change: of that only 'always' was chosen.
  const ownKernels = kept.ownKernels ?? (kept.kernels === 'always' ? 'always' : null)
  if (ownKernels === 'always' || ownKernels === 'never') settings.ownKernels = ownKernels
  if (prefer === 'wasm' || prefer === 'webgpu') settings.prefer = prefer
  return settings
}
