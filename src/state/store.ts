/**
 * The app's state: which model runs, what was asked and answered, how it should look. Actions are the only writers.
 * Everything from outside (engine, storage) is handed in, so tests hand in fakes.
 */
import { createStore, type StoreApi } from 'zustand/vanilla'
import { conversationSlice, type ConversationSlice, type ConversationSources } from './conversation-slice.ts'
import { engineAccess, type Engine } from './engine-access.ts'
import { measureSlice, type MeasureDevice, type MeasureSlice } from './measure-slice.ts'
import { modelSlice, type ModelSlice } from './model-slice.ts'
import { offlineSlice, type OfflineSlice } from './offline-slice.ts'
import { packsSlice, type PacksDependencies, type PacksSlice } from './packs-slice.ts'
import { settingsSlice, type SettingsSlice, type SettingsStorage } from './settings-slice.ts'

export type AppState = ModelSlice &
  MeasureSlice &
  PacksSlice &
  ConversationSlice &
  SettingsSlice &
  OfflineSlice
export type AppStore = StoreApi<AppState>

export interface AppDependencies {
  engine: Engine
  packs: PacksDependencies
  measureDevice: MeasureDevice
  settings: SettingsStorage
  conversations: ConversationSources
  /** Where the built-in model's pack lies; an absolute URL that ends in `/`. */
  builtInModelUrl: string
  /** How long the engine's thread has for an answer before it is ended. */
  patienceMs?: number
}

/** Long enough for whatever a thread does at a stretch, one step of a large model on a processor included. */
const PATIENCE_MS = 5_000

export type SetState = StoreApi<AppState>['setState']
export type GetState = StoreApi<AppState>['getState']

export function createAppStore(dependencies: AppDependencies): AppStore {
  return createStore<AppState>()((set, get) => {
    const engine = engineAccess(dependencies.engine, {
      patienceMs: dependencies.patienceMs ?? PATIENCE_MS,
      onUnresponsive: (failure, isBlocked) => get().engineUnresponsive(failure, isBlocked),
      onBlocked: (isBlocked) => get().engineBlocked(isBlocked),
    })
    return {
      ...settingsSlice(set, get, dependencies.settings),
      ...modelSlice(set, get, engine, dependencies.builtInModelUrl),
      ...measureSlice(set, get, dependencies.measureDevice),
      ...offlineSlice(set),
      ...packsSlice(set, get, dependencies.packs),
      ...conversationSlice(set, get, engine, dependencies.conversations),
    }
  })
}
