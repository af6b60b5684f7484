/**
 * The app's state: which model runs, what was asked and answered, how it should look. Actions are the only writers.
 * Everything from outside (engine, storage) is handed in, so tests hand in fakes.
 */
import { createStore, type StoreApi } from 'zustand/vanilla'
import type { Failure } from '../pack/failure.ts'
import type { EngineCalls } from '../protocol/engine-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import { Answering, answeringSlice, type AnsweringSlice } from './answering.ts'
import { exchangeSlice, type ExchangeSlice } from './exchange-slice.ts'
import { librarySlice, Shelf, type ConversationSources, type LibrarySlice } from './library.ts'
import { LookAhead } from './look-ahead.ts'
import { measureSlice, type MeasureDevice, type MeasureSlice } from './measure-slice.ts'
import { modelSlice, type ModelSlice } from './model-slice.ts'
import { offlineSlice, type OfflineSlice } from './offline-slice.ts'
import { packsSlice, type PacksDependencies, type PacksSlice } from './packs-slice.ts'
import { settingsSlice, type SettingsSlice, type SettingsStorage } from './settings-slice.ts'
import { turnsSlice, type DraftStorage, type TurnsSlice } from './turns.ts'
import { undoSlice, type UndoSlice } from './undo.ts'
import { withheldSlice, type WithheldSlice } from './withheld-slice.ts'

export type AppState = ModelSlice &
  MeasureSlice &
  PacksSlice &
  LibrarySlice &
  TurnsSlice &
  AnsweringSlice &
  UndoSlice &
  ExchangeSlice &
  SettingsSlice &
  OfflineSlice &
  WithheldSlice
export type AppStore = StoreApi<AppState>

export interface Engine {
  client: Client<EngineCalls>
  /** Ends the worker, fails its calls, and starts a fresh one, whose client takes the old one's place. */
  restart(failure: Failure): Client<EngineCalls>
}

export interface AppDependencies {
  engine: Engine
  packs: PacksDependencies
  measureDevice: MeasureDevice
  settings: SettingsStorage
  conversations: ConversationSources
  drafts: DraftStorage
  /** Where the built-in model's pack lies; an absolute URL that ends in `/`. */
  builtInModelUrl: string
}

export type SetState = StoreApi<AppState>['setState']
export type GetState = StoreApi<AppState>['getState']

export function createAppStore(dependencies: AppDependencies): AppStore {
  let client = dependencies.engine.client
  const engine = {
    call: ((kind, input, options) => client.call(kind, input, options)) satisfies Client<EngineCalls>['call'],
    restart: (failure: Failure) => {
      client = dependencies.engine.restart(failure)
    },
  }
  return createStore<AppState>()((set, get) => {
    const { conversations: sources, drafts } = dependencies
    const shelf = new Shelf(set, get, engine, sources)
    const lookAhead = new LookAhead(get, engine, shelf)
    const answering = new Answering(set, get, { engine, shelf, lookAhead, sources })
    return {
      ...settingsSlice(set, get, dependencies.settings),
      ...modelSlice(set, get, engine, dependencies.builtInModelUrl),
      ...measureSlice(set, get, dependencies.measureDevice),
      ...offlineSlice(set),
      ...withheldSlice(set),
      ...packsSlice(set, get, dependencies.packs),
      ...librarySlice(set, shelf),
      ...answeringSlice(answering, sources.tabs.id),
      ...undoSlice(set, get, shelf),
      ...turnsSlice(set, get, sources, { shelf, answering, lookAhead, drafts }),
      ...exchangeSlice(set, get, sources, shelf),
    }
  })
}

/** The engine as slices see it. */
export type EngineAccess = Pick<Client<EngineCalls>, 'call'> & { restart(failure: Failure): void }
