/** Composition root: the only file that knows the worker, the store and the page. */
import { createRoot } from 'react-dom/client'
import { keepPageOffline } from './offline.ts'
import type { EngineCalls } from './protocol/engine-calls.ts'
import type { MeasureCalls } from './protocol/measure-calls.ts'
import { chooseLanguage } from './messages/languages.ts'
import { openWords } from './messages/words.ts'
import { formatOf } from './image/picture-format.ts'
import { newId } from './new-id.ts'
import { takeShared } from './shared-pictures.ts'
import { smallRows } from './small-rows.ts'
import { followAddress } from './page-address.ts'
import { askToPersist, draftStorage, findWithheld, settingsStorage } from './page-storage.ts'
import type { Failure } from './pack/failure.ts'
import type { KeeperCalls } from './protocol/keeper-calls.ts'
import { endOfThread } from './protocol/ended-thread.ts'
import { callOwnThread } from './protocol/own-thread.ts'
import { connect, type Client } from './protocol/rpc.ts'
import { browserChannel } from './store/channel.ts'
import { openConversationLibrary } from './store/conversation-library.ts'
import { browserLocks } from './store/locks.ts'
import { folderOfHandle, mayUseFolder } from './store/picture-folder.ts'
import { openStudioLibrary } from './store/studio-library.ts'
import { openTab } from './store/tabs.ts'
import { EMPTY_CATALOGUE, parseCatalogue, type Catalogue } from './state/catalogue.ts'
import type { ComparingCalls } from './state/search/comparing.ts'
import type { MeasureDevice } from './state/measure-slice.ts'
import { parseRoute } from './state/route.ts'
import { createAppStore, type AppDependencies, type AppStore } from './state/store.ts'
import { App } from './ui/app.tsx'
import './ui/styles/page.css'

function startEngine(died: (failure: Failure) => void): { worker: Worker; client: Client<EngineCalls> } {
  const worker = new Worker(new URL('./engine/engine.worker.ts', import.meta.url), { type: 'module' })
  const client = connect<EngineCalls>(worker)
  worker.addEventListener('error', (event) => died(endOfThread(event, 'runs the model', 'load it again')))
  return { worker, client }
}

/** Looking after kept models has a thread of its own, so that converting one does not hold up another's answers. */
function startPacks(): AppDependencies['packs'] {
  const worker = new Worker(new URL('./keeper/keeper.worker.ts', import.meta.url), { type: 'module' })
  const client = connect<KeeperCalls>(worker)
  worker.addEventListener('error', (event) =>
    client.fail(endOfThread(event, 'keeps models', 'reload the page')),
  )
  return { client, persist: askToPersist, chooseFolder, offerFile }
}

/** What is measured should have a memory of its own, so its thread is ended afterwards. */
const measureDevice: MeasureDevice = (request, { onStage, signal }) => {
  const worker = new Worker(new URL('./engine/measure.worker.ts', import.meta.url), { type: 'module' })
  const client = connect<MeasureCalls>(worker)
  worker.addEventListener('error', (event) => client.fail(endOfThread(event, 'measures', 'try it again')))
  const thread = { client, end: () => worker.terminate() }
  return callOwnThread(thread, 'measure', request, { onEvent: ({ stage }) => onStage(stage), signal })
}

/** The thread that compares pictures with texts, and finds them. */
function startComparing(died: () => void): Client<ComparingCalls> {
  const worker = new Worker(new URL('./engine/comparer.worker.ts', import.meta.url), { type: 'module' })
  const client = connect<ComparingCalls>(worker)
  worker.addEventListener('error', (event) => {
    client.fail(endOfThread(event, 'searches', 'search again'))
    worker.terminate()
    died()
  })
  const fail = (failure: Failure): void => {
    worker.terminate()
    client.fail(failure)
  }
  return { ...client, fail }
}

async function chooseFolder(
  mode: 'read' | 'readwrite' = 'readwrite',
): Promise<FileSystemDirectoryHandle | 'none' | undefined> {
  // File System Access: Chromium only.
  const { showDirectoryPicker } = window as {
    showDirectoryPicker?: (options: { mode: 'read' | 'readwrite' }) => Promise<FileSystemDirectoryHandle>
  }
  if (showDirectoryPicker === undefined) return 'none'
  return showDirectoryPicker.call(window, { mode }).catch(() => undefined)
}

function offerFile(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  // The browser has taken hold of the Blob by the time that the click was handled.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

/** More than any format needs to be known by. */
const FIRST_BYTES = 2 ** 16

async function checkPicture(file: Blob): Promise<void> {
  formatOf(new Uint8Array(await file.slice(0, FIRST_BYTES).arrayBuffer()))
}

/** The list is a convenience: without it an address can be typed. */
const CATALOGUE_MS = 30_000

async function fetchCatalogue(): Promise<Catalogue> {
  try {
    const signal = AbortSignal.timeout(CATALOGUE_MS)
    return parseCatalogue(await (await fetch(new URL('models.json', document.baseURI), { signal })).json())
  } catch {
    // A host need not have one.
    return EMPTY_CATALOGUE
  }
}

function compose(): AppStore {
  const died = (failure: Failure): void => {
    engine.client.fail(failure)
    store.getState().engineDied(failure)
  }
  let engine = startEngine(died)
  const store = createAppStore({
    engine: {
      client: engine.client,
      restart: (failure) => {
        engine.worker.terminate()
        engine.client.fail(failure)
        engine = startEngine(died)
        return engine.client
      },
    },
    packs: startPacks(),
    measureDevice,
    settings: settingsStorage,
    conversations: {
      library: openConversationLibrary(),
      tabs: openTab(newId(), browserLocks(), browserChannel('pictalk-conversations')),
      newId,
      now: () => Date.now(),
    },
    drafts: draftStorage,
    checkPicture,
    studio: {
      library: openStudioLibrary(),
      locks: browserLocks(),
      newId,
      now: () => Date.now(),
      openHandle: folderOfHandle,
      mayUse: mayUseFolder,
      chooseFolder: async () => {
        const handle = await chooseFolder()
        if (handle === 'none') return handle
        return handle === undefined ? null : folderOfHandle(handle)
      },
      offerFile,
      smallRows,
    },
    search: {
      start: startComparing,
      builtInUrl: new URL('models/drawn-scenes-retrieval/', document.baseURI).href,
      chooseFolder: () => chooseFolder('read'),
      mayRead: (handle, { ask }) => mayUseFolder(handle, { ask, mode: 'read' }),
    },
    builtInModelUrl: new URL('models/drawn-scenes/', document.baseURI).href,
    // `?warm-up` is for trying what a graphics card does where there is only a software adapter.
    warmUp: new URLSearchParams(location.search).has('warm-up') || undefined,
  })
  return store
}

async function start(): Promise<void> {
  const store = compose()
  const root = document.getElementById('root')
  if (root === null) throw new Error('index.html has no #root')
  // Whoever forgot to listen: it is said on the page and stands in the console all the same.
  addEventListener('unhandledrejection', ({ reason }) => store.getState().report(reason))
  store.getState().visit(parseRoute(location.hash))
  followAddress(store)
  void store.getState().restoreConversations()
  void store.getState().studioActions.restore()
  void takeShared().then((shared) => store.getState().takePictures(shared))
  void findWithheld().then((facts) => store.getState().noteWithheld(facts))
  // `?provider=wasm` is for trying the fallback where there is a graphics card.
  const asked = new URLSearchParams(location.search).get('provider')
  // Beside the words of the page, which may have to be fetched.
  const started = store.getState().startModel(asked === 'wasm' || asked === 'webgpu' ? asked : null)
  const { language } = store.getState().settings
  const words = await openWords(language === 'auto' ? chooseLanguage(navigator.languages) : language)
  createRoot(root).render(<App store={store} words={words} />)
  void fetchCatalogue().then((catalogue) => store.getState().openPacks(catalogue))
  await started
  // Last: fetching everything for offline use must not slow down the first answer.
  if (import.meta.env.PROD) {
    const { offlineIsReady, offerUpdate } = store.getState()
    keepPageOffline({ onReady: offlineIsReady, onUpdate: offerUpdate })
  }
}

void start()
