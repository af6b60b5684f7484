/** Composition root: the only file that knows the worker, the store and the page. */
import { createRoot } from 'react-dom/client'
import type { EngineCalls } from './protocol/calls.ts'
import { connect, type Client } from './protocol/rpc.ts'
import { keepPageOffline, keepRuntimeOffline } from './offline.ts'
import { openConversationLibrary } from './store/conversation-library.ts'
import { createAppStore, type AppStore } from './state/store.ts'
import { App } from './ui/app.tsx'
import './ui/styles.css'

const SETTINGS_KEY = 'pictalk-settings'

function startEngine(died: (message: string) => void): { worker: Worker; client: Client<EngineCalls> } {
  const worker = new Worker(new URL('./workers/engine.worker.ts', import.meta.url), { type: 'module' })
  const client = connect<EngineCalls>(worker)
  worker.addEventListener('error', (event) => died(event.message))
  return { worker, client }
}

function compose(): AppStore {
  const died = (detail: string): void => {
    const failure = {
      code: 'out-of-memory',
      message: `The model's thread stopped (${detail || 'no reason given'}); load it again.`,
    } as const
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
    settings: {
      load: (): unknown => JSON.parse(localStorage.getItem(SETTINGS_KEY) ?? 'null'),
      save: (settings) => localStorage.setItem(SETTINGS_KEY, JSON.stringify(settings)),
    },
    conversations: {
      library: openConversationLibrary(),
      newId: () => crypto.randomUUID(),
      now: () => Date.now(),
    },
    builtInModelUrl: new URL('models/drawn-scenes/', document.baseURI).href,
  })
  return store
}

async function start(): Promise<void> {
  const store = compose()
  const root = document.getElementById('root')
  if (root === null) throw new Error('index.html has no #root')
  void store.getState().restoreConversations()
  if (import.meta.env.PROD) {
    keepPageOffline((apply) => store.getState().offerUpdate(apply))
    store.subscribe(({ model }, before) => {
      if (model.status === 'ready' && before.model.status !== 'ready')
        // A full disk costs the offline use, not the visit.
        void keepRuntimeOffline(model.loaded.wasmUrls).catch(() => undefined)
    })
  }
  createRoot(root).render(<App store={store} />)
  // `?provider=wasm` is for trying the fallback where there is a graphics card.
  const asked = new URLSearchParams(location.search).get('provider')
  if (asked === 'wasm' || asked === 'webgpu') await store.getState().switchProvider(asked)
  else await store.getState().loadModel()
}

void start()
