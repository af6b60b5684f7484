/** A browser without a disk, and pages in it: the whole state of the app over a made-up engine. */
import { expect, vi, type Mock } from 'vitest'
import { shownTurns, type AnswerState, type Turn } from '../../src/conversation/conversation.ts'
import { toShown } from '../../src/conversation/kept.ts'
import type { ConversationLibrary, StoredPicture, TabNews, Tabs } from '../../src/conversation/library.ts'
import type { MemoryReport } from '../../src/pack/device-report.ts'
import { AppError, type Failure } from '../../src/pack/failure.ts'
import type {
  Answered,
  AnswerProgress,
  EngineCalls,
  LoadedModel,
  Looked,
} from '../../src/protocol/engine-calls.ts'
import { studioIn, type FakeFolder } from './fake-studio.ts'
import type { Client, Handlers } from '../../src/protocol/rpc.ts'
import { answerKey } from '../../src/state/under-way.ts'
import type { ComparingCalls } from '../../src/state/search/comparing.ts'
import type { MeasureDevice } from '../../src/state/measure-slice.ts'
import { createAppStore, type AppDependencies, type AppStore } from '../../src/state/store.ts'
import { channelInMemory } from '../../src/store/channel.ts'
import { conversationLibrary, type ConversationRecord } from '../../src/store/conversation-library.ts'
import { locksInMemory, type Locks } from '../../src/store/locks.ts'
import { tableInMemory } from '../../src/store/table.ts'
import { openTab, type OpenTab } from '../../src/store/tabs.ts'

export const LOOKED: Looked = { width: 2, height: 2, photograph: false, outside: null, readMs: 1, lookMs: 1 }
export const ANSWERED: Answered = {
  text: 'a cat',
  tokenIds: [5, 6],
  answers: [{ text: 'a cat', tokenIds: [5, 6], score: -1 }],
  finish: 'end',
  prefilled: 3,
  dropped: 0,
  prefillMs: 1,
  decodeMs: 1,
  look: LOOKED,
  outside: LOOKED.outside,
}
export const OF_A_PHOTOGRAPH: Answered = { ...ANSWERED, look: { ...LOOKED, photograph: true } }
export const LOST: Failure = { code: 'device-lost', message: 'The graphics device went away.' }

export function loaded(hash: string): LoadedModel {
  const files = ['vision.weights', 'q-former.weights'].map((path) => ({ path, chunks: [{ sha256: hash }] }))
  // The store passes it on and looks at nothing in it.
  return {
    loadMs: 1,
    device: { provider: 'wasm' },
    manifest: { files, tokenizer: { tokenizer: 'tokenizer.json' } },
  } as unknown as LoadedModel
}

/** What pages of one site share. */
export interface FakeBrowser {
  /** As they lie on the disk. */
  conversations: Map<string, ConversationRecord>
  pictures: Map<string, StoredPicture>
  library: ConversationLibrary
  /** What scripted pages are to find when they write. */
  disk: { isFull: boolean }
  locks: Locks
  channel: ReturnType<typeof channelInMemory<TabNews<AnswerProgress>>>
  /** Captioned folders, by database. */
  studio: Map<string, Map<string, unknown>>
  /** Folders that people can pick or have picked, by name. */
  folders: Map<string, FakeFolder>
}

export function fakeBrowser(): FakeBrowser {
  const conversations = new Map<string, ConversationRecord>()
  const pictures = new Map<string, StoredPicture>()
  return {
    conversations,
    pictures,
    library: conversationLibrary({
      conversations: tableInMemory(conversations),
      pictures: tableInMemory(pictures),
    }),
    disk: { isFull: false },
    locks: locksInMemory(),
    channel: channelInMemory(),
    studio: new Map(),
    folders: new Map(),
  }
}

type Handler<K extends keyof EngineCalls> = Mock<Handlers<EngineCalls>[K]>

export interface FakePage {
  browser: FakeBrowser
  store: AppStore
  tab: OpenTab<AnswerProgress>
  load: Handler<'load'>
  look: Handler<'look'>
  answer: Handler<'answer'>
  forget: Handler<'forget'>
  changeMemory: Handler<'changeMemory'>
  unload: Handler<'unload'>
  /** Makes the graphics device of the loaded model go away. */
  lose: (failure: Failure) => void
  /** Every version of the settings that was kept, the last one last. */
  kept: unknown[]
  /** Files that were handed to the browser's downloads, with their names. */
  offered: { file: Blob; name: string }[]
  measureDevice: Mock<MeasureDevice>
  restarted: () => number
}

export interface PageOptions {
  browser?: FakeBrowser
  /** In place of the browser's, to have it fail or wait. */
  library?: ConversationLibrary
  kept?: unknown[]
  drafts?: { load(): unknown; save(drafts: Record<string, string>): void }
  studio?: Partial<AppDependencies['studio']>
  search?: AppDependencies['search']
  /** The thread that compares; left out: it never answers. */
  comparing?: Client<ComparingCalls>
}

let ids = 0
let time = 0

export function openPage({ browser = fakeBrowser(), kept = [], ...options }: PageOptions = {}): FakePage {
  let lose: (failure: Failure) => void = () => undefined
  const handlers = {
    load: vi.fn<Handlers<EngineCalls>['load']>().mockResolvedValue(loaded('one')),
    untilLost: () => new Promise<Failure>((resolve) => (lose = resolve)),
    untilChecked: () => Promise.resolve(null),
    untilStepsKnown: () => Promise.resolve(null),
    towerStates: () => Promise.resolve(null),
    look: vi.fn<Handlers<EngineCalls>['look']>().mockResolvedValue(LOOKED),
    answer: vi.fn<Handlers<EngineCalls>['answer']>().mockResolvedValue(ANSWERED),
    forget: vi.fn<Handlers<EngineCalls>['forget']>().mockResolvedValue(null),
    changeMemory: vi
      .fn<Handlers<EngineCalls>['changeMemory']>()
      .mockResolvedValue({ keepsAll: false, why: { kind: 'chosen' } } satisfies MemoryReport),
    unload: vi.fn<Handlers<EngineCalls>['unload']>().mockResolvedValue(null),
    speed: () => Promise.resolve([]),
    ping: () => Promise.resolve(null),
  }
  const measureDevice = vi.fn<MeasureDevice>()
  const tab = openTab(`tab${(ids += 1)}`, browser.locks, browser.channel.join())
  let restarts = 0
  const offered: FakePage['offered'] = []
  const store = storeOf({
    client: clientOf(handlers),
    library: options.library ?? browser.library,
    tabs: tab,
    onRestart: () => (restarts += 1),
    offerFile: (file, name) => void offered.push({ file, name }),
    measureDevice,
    settings: { load: () => kept.at(-1), save: (settings) => void kept.push(settings) },
    ...(options.drafts && { drafts: options.drafts }),
    ...(options.search && { search: options.search }),
    studio: {
      ...studioIn(browser, () => `id${(ids += 1)}`),
      offerFile: (file, name) => void offered.push({ file, name }),
      ...options.studio,
    },
    ...(options.comparing && { comparing: options.comparing }),
  })
  return {
    ...handlers,
    browser,
    store,
    tab,
    lose: (failure) => lose(failure),
    kept,
    offered,
    measureDevice,
    restarted: () => restarts,
  }
}

interface StoreParts {
  client: Client<EngineCalls>
  library: ConversationLibrary
  tabs: Tabs<AnswerProgress>
  onRestart?: () => void
  offerFile?: (file: Blob, name: string) => void
  measureDevice?: MeasureDevice
  settings?: AppDependencies['settings']
  drafts?: AppDependencies['drafts']
  studio?: AppDependencies['studio']
  search?: AppDependencies['search']
  comparing?: Client<ComparingCalls>
  /** Milliseconds since 1970. */
  now?: () => number
}

/** The app's state over these parts; whatever is left out does nothing. */
export function storeOf({ client, library, tabs, ...parts }: StoreParts): AppStore {
  return createAppStore({
    engine: { client, restart: () => (parts.onRestart?.(), client) },
    packs: {
      client: { call: () => new Promise(() => undefined), fail: () => undefined },
      persist: () => Promise.resolve(false),
      chooseFolder: () => Promise.resolve('none'),
      offerFile: parts.offerFile ?? (() => undefined),
    },
    measureDevice: parts.measureDevice ?? (() => new Promise(() => undefined)),
    settings: parts.settings ?? { load: () => null, save: () => undefined },
    conversations: { library, tabs, newId: () => `id${(ids += 1)}`, now: parts.now ?? (() => (time += 1)) },
    drafts: parts.drafts ?? { load: () => null, save: () => undefined },
    checkPicture: async (file) => {
      if ((await file.text()).startsWith('no picture'))
        throw new AppError('bad-image', 'This is not a picture.')
    },
    studio: parts.studio ?? studioIn(fakeBrowser(), () => `id${(ids += 1)}`),
    search: parts.search ?? {
      start: () => parts.comparing ?? { call: () => new Promise(() => undefined), fail: () => undefined },
      builtInUrl: 'http://localhost/models/compares/',
      chooseFolder: () => Promise.resolve('none'),
      mayRead: () => Promise.resolve(true),
    },
    builtInModelUrl: 'http://localhost/models/',
    // Tests hold answers up for as long as they like.
    patienceMs: 600_000,
  })
}

/** The engine at the other end of the wire, without the wire. */
export function clientOf(handlers: Handlers<EngineCalls>): Client<EngineCalls> {
  return {
    call: (kind, input, { onEvent = () => undefined, signal = new AbortController().signal } = {}) =>
      handlers[kind](input, onEvent, signal),
    fail: () => undefined,
  }
}

export const picture = (name: string): { image: Blob; name: string } => ({ image: new Blob([name]), name })

export function currentTurns({ getState }: AppStore): Turn[] {
  const { conversations, currentId } = getState()
  const current = conversations.find(({ id }) => id === currentId)
  return current === undefined ? [] : shownTurns(current)
}

/** The answers that are shown, in order. */
export function answers(store: AppStore): AnswerState[] {
  return currentTurns(store).flatMap((turn) => Object.values(turn.answers))
}

export const questions = (store: AppStore): (string | null)[] =>
  currentTurns(store).map(({ question }) => question)

/** How far each answer is that is shown: the stage where somebody writes it, else what became of it. */
export function statuses(store: AppStore): string[] {
  const { underWay } = store.getState()
  return currentTurns(store).flatMap((turn) =>
    Object.entries(turn.answers).map(([id, { status }]) =>
      status === 'waiting' ? (underWay[answerKey(turn.id, id)]?.progress.stage ?? status) : status,
    ),
  )
}

/** Questions of all conversations that are not removed, as they lie on the disk. */
export async function questionsOnDisk({ library }: FakeBrowser): Promise<(string | null)[]> {
  const { kept } = await library.conversations()
  return kept.flatMap((one) => toShown(one)?.turns ?? []).map(({ question }) => question)
}

export async function withPicture(options: PageOptions = {}): Promise<FakePage> {
  const page = openPage(options)
  await page.store.getState().loadModel()
  page.store.getState().addImages([picture('a.png')])
  await vi.waitFor(() => expect(statuses(page.store)).toEqual(['done']))
  return page
}

export async function ask(store: AppStore, question: string): Promise<void> {
  store.getState().changeDraft(question)
  store.getState().send()
  await vi.waitFor(() => expect(new Set(statuses(store))).toEqual(new Set(['done'])))
}

/** A page that another visit finds as this one left it. */
export async function reopened({ browser, tab }: FakePage): Promise<FakePage> {
  await settled()
  tab.close()
  const page = openPage({ browser })
  await page.store.getState().restoreConversations()
  await page.store.getState().loadModel()
  await settled()
  return page
}

/** Lets everything happen that waits for nothing from outside. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setTimeout(resolve))
}

/** All conversations of a page as one file. */
export async function exported({ store, offered }: FakePage): Promise<Blob> {
  await store.getState().exportAll()
  const last = offered.at(-1)
  if (last === undefined) throw new Error(JSON.stringify(store.getState().announcement))
  return last.file
}
