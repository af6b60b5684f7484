/**
 * The app's state: which model runs, what was asked and answered, how it should look. Actions are the only writers.
 * Everything from outside (engine, storage) is handed in, so tests hand in fakes.
 */
import { createStore, type StoreApi } from 'zustand/vanilla'
import { addingSlice, type AddingSlice } from './adding-slice.ts'
import { Answering, answeringSlice, type AnsweringSlice } from './answering.ts'
import { isWritingHere } from './under-way.ts'
import { costsSlice, type CostsSlice } from './costs-slice.ts'
import { engineAccess, type Engine } from './engine-access.ts'
import { exchangeSlice, type ExchangeSlice } from './exchange-slice.ts'
import { healthSlice, type HealthSlice } from './health-slice.ts'
import { insideSlice, type InsideSlice } from './inside-slice.ts'
import { keptSlice, type KeptDependencies, type KeptSlice } from './kept-slice.ts'
import { librarySlice, type LibrarySlice } from './library-slice.ts'
import { Loading } from './loading.ts'
import { LookAhead } from './look-ahead.ts'
import { measureSlice, type MeasureDevice, type MeasureSlice } from './measure-slice.ts'
import { memorySlice, type MemorySlice } from './memory-slice.ts'
import { modelSlice, type ModelSlice } from './model-slice.ts'
import { offlineSlice, type OfflineSlice } from './offline-slice.ts'
import type { ProbeDevices } from './offers.ts'
import { panelSlice, type PanelSlice } from './panel-slice.ts'
import { placeSlice, type PlaceSlice } from './place-slice.ts'
import { savingSlice, type SavingDependencies, type SavingSlice } from './saving-slice.ts'
import { Comparing, type ComparingDependencies } from './search/comparing.ts'
import { fitsSlice, type FitsSlice } from './search/fits-slice.ts'
import { searchSlice, type SearchDependencies, type SearchSlice } from './search/search-slice.ts'
import { Shelf, type ConversationDependencies } from './shelf.ts'
import { settingsSlice, type SettingsSlice, type SettingsStorage } from './settings-slice.ts'
import { takingSlice, type CheckPicture, type TakingSlice } from './taking-slice.ts'
import { studioSlice, type StudioDependencies, type StudioSlice } from './studio/studio-slice.ts'
import { turnsSlice, type DraftStorage, type TurnsSlice } from './turns.ts'
import { undoSlice, type UndoSlice } from './undo.ts'
import { withheldSlice, type WithheldSlice } from './withheld-slice.ts'

export type AppState = ModelSlice &
  HealthSlice &
  MemorySlice &
  MeasureSlice &
  KeptSlice &
  AddingSlice &
  CostsSlice &
  SavingSlice &
  LibrarySlice &
  PlaceSlice &
  PanelSlice &
  TakingSlice &
  TurnsSlice &
  AnsweringSlice &
  UndoSlice &
  ExchangeSlice &
  SettingsSlice &
  OfflineSlice &
  WithheldSlice &
  SearchSlice &
  FitsSlice &
  InsideSlice &
  StudioSlice
export type AppStore = StoreApi<AppState>

export interface AppDependencies {
  engine: Engine
  packs: KeptDependencies & SavingDependencies
  measureDevice: MeasureDevice
  settings: SettingsStorage
  conversations: ConversationDependencies
  drafts: DraftStorage
  checkPicture: CheckPicture
  studio: StudioDependencies
  search: ComparingDependencies & Omit<SearchDependencies, 'comparing' | 'onWriting'>
  /** Where the built-in model's pack lies; an absolute URL that ends in `/`. */
  builtInModelUrl: string
  /** Whether a model is run once while it loads; left out: where that is worth its time. */
  warmUp?: boolean | undefined
  /** How long the engine's thread has for an answer before it is ended. */
  patienceMs?: number
}

/** Long enough for whatever a thread does at a stretch, one step of a large model on a processor included. */
const PATIENCE_MS = 5_000

export type SetState = StoreApi<AppState>['setState']
export type GetState = StoreApi<AppState>['getState']

export function createAppStore(dependencies: AppDependencies): AppStore {
  return createStore<AppState>()((set, get, api) => {
    const engine = engineAccess(dependencies.engine, {
      patienceMs: dependencies.patienceMs ?? PATIENCE_MS,
      onUnresponsive: (failure, isBlocked) => get().engineUnresponsive(failure, isBlocked),
      onBlocked: (isBlocked) => get().engineBlocked(isBlocked),
    })
    const { conversations, drafts, packs } = dependencies
    const loading = new Loading(set, get, engine, dependencies)
    const shelf = new Shelf(set, get, engine, conversations)
    const lookAhead = new LookAhead(get, engine, shelf)
    const comparing = new Comparing(get, dependencies.search, (pictureId) =>
      get().model.status === 'ready'
        ? engine.call('towerStates', { pictureId }).catch(() => null)
        : Promise.resolve(null),
    )
    const probeDevices: ProbeDevices = (prefer) => engine.call('speed', { prefer })
    const onWriting = (hear: (isWriting: boolean) => void): void => {
      api.subscribe((now, before) => {
        if (now.underWay === before.underWay && now.tab === before.tab) return
        if (isWritingHere(now) !== isWritingHere(before)) hear(isWritingHere(now))
      })
    }
    const answering = new Answering(set, get, { engine, shelf, lookAhead, conversations })
    return {
      ...settingsSlice(set, get, dependencies.settings),
      ...modelSlice(set, get, loading),
      ...healthSlice(set, get, engine, () => loading.modelId),
      ...memorySlice(set, get, engine, () => loading.signal),
      ...measureSlice(set, get, dependencies.measureDevice, probeDevices),
      ...offlineSlice(set),
      ...withheldSlice(set),
      ...keptSlice(set, get, packs, () => shelf.keepAgain()),
      ...addingSlice(set, get, packs.client, probeDevices),
      ...costsSlice(set, get, packs.client, probeDevices),
      ...savingSlice(set, get, packs),
      ...librarySlice(set, get, shelf),
      ...placeSlice(set, get),
      ...answeringSlice(answering, conversations.tabs.id),
      ...undoSlice(set, get, shelf),
      ...turnsSlice(set, get, conversations, { shelf, answering, lookAhead, drafts }),
      ...fitsSlice(set, get, comparing, async (id) => (await conversations.library.picture(id))?.image),
      ...insideSlice(comparing),
      ...takingSlice(set, get, dependencies.checkPicture),
      ...panelSlice(set),
      ...searchSlice(set, get, { ...dependencies.search, comparing, onWriting }),
      ...studioSlice(set, get, dependencies.studio, { engine, answering, comparing }),
      ...exchangeSlice(set, get, conversations, shelf, packs.offerFile),
    }
  })
}
