/** Models that are kept, offered and on their way. */
import { toFailure, type Failure } from '../pack/failure.ts'
import type { Precision } from '../pack/manifest.ts'
import type {
  AddProgress,
  AddRequest,
  KeptModel,
  ModelSource,
  Offer,
  KeeperCalls,
  Space,
  StoreNews,
} from '../protocol/keeper-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import { EMPTY_CATALOGUE, type Catalogue } from './catalogue.ts'
import type { GetState, SetState } from './store.ts'

/** The one thing at a time that this tab does about adding models. */
export type Adding =
  | { status: 'idle' }
  | { status: 'finding'; request: AddRequest }
  | { status: 'offered'; request: AddRequest; offer: Offer }
  | { status: 'running'; request: AddRequest; offer: Offer; progress: AddProgress | null }
  | { status: 'paused'; request: AddRequest; offer: Offer; progress: AddProgress | null }
  | { status: 'failed'; request: AddRequest; offer: Offer | null; failure: Failure }
  | { status: 'added'; model: KeptModel }

export type Saving =
  | { status: 'idle' }
  | { status: 'running'; id: string; doneBytes: number; totalBytes: number }
  | { status: 'failed'; failure: Failure }

export interface PacksSlice {
  kept: KeptModel[]
  space: Space | null
  catalogue: Catalogue
  adding: Adding
  saving: Saving
  /** Ids of the kept models of which there is a newer version. */
  newer: string[]
  /** What other tabs are fetching, by the model's id. */
  elsewhere: Record<string, AddProgress>
  /** Something about the list itself went wrong: deleting, listing. */
  keptFailure: Failure | null
  /** Reads the list of kept models, follows what other tabs do to it, and looks for newer versions once. */
  openPacks: (catalogue: Catalogue) => Promise<void>
  refreshPacks: () => Promise<void>
  /** Finds out what adding a model would mean. A later request takes the place of an earlier one. */
  requestOffer: (source: ModelSource, options: OfferOptions) => Promise<void>
  /** Accepts the offer, or goes on after a pause or failure. */
  startAdding: () => Promise<void>
  /** Ends the work; what has arrived stays. */
  pauseAdding: () => void
  /** Ends what is under way, at once, and forgets the offer. `discard` also deletes what has arrived. */
  cancelAdding: (discard: boolean) => Promise<void>
  /** Requests an offer of the newer version of a kept model; accepting it replaces the model. */
  requestNewer: (model: KeptModel) => Promise<void>
  /** Goes on with a model that an earlier visit left unfinished. */
  resumeKept: (model: KeptModel) => Promise<void>
  removeKept: (id: string) => Promise<void>
  /** Asks the browser for a folder where it has such a thing, else offers a ZIP file. */
  saveKept: (model: KeptModel) => Promise<void>
  cancelSaving: () => void
  askToPersist: () => Promise<void>
}

export interface OfferOptions {
  precision: Precision
  token: string | null
}

/** What only a page can do. */
export interface PacksDependencies {
  client: Client<KeeperCalls>
  persist: () => Promise<boolean>
  /** A folder to write to; 'none' where the browser cannot, undefined when the person changed their mind. */
  chooseFolder: () => Promise<FileSystemDirectoryHandle | 'none' | undefined>
  offerFile: (file: Blob, name: string) => void
}

const BUSY: Failure = {
  code: 'bad-usage',
  message: 'Another model is being added just now; pause or cancel that first.',
}

export function packsSlice(
  set: SetState,
  get: GetState,
  { client, persist, chooseFolder, offerFile }: PacksDependencies,
): PacksSlice {
  /** The request for an offer that counts: what an earlier one brings is nobody's affair any more. */
  let asking: AbortController | null = null
  let running: AbortController | null = null
  let saving = new AbortController()
  /** Settles when the work under way has ended. */
  let ended: Promise<void> = Promise.resolve()

  function hear(news: StoreNews): void {
    if (news.kind === 'changed') {
      void get().refreshPacks()
      return
    }
    const others = Object.entries(get().elsewhere).filter(([id]) => id !== news.id)
    const here = news.progress === null ? [] : [[news.id, news.progress] as const]
    set({ elsewhere: Object.fromEntries([...others, ...here]) })
  }

  /** Shows the offer. False when there is none, or when it was cancelled or another was requested meanwhile. */
  async function obtainOffer(source: ModelSource, { precision, token }: OfferOptions): Promise<boolean> {
    if (running !== null) {
      set({ keptFailure: BUSY, announcement: BUSY.message })
      return false
    }
    asking?.abort()
    const own = new AbortController()
    asking = own
    const { prefer, memory } = get().settings
    const { hub } = get().catalogue
    const request: AddRequest = { source, precision, token, hub }
    set({ adding: { status: 'finding', request } })
    try {
      const offer = await client.call('offer', { ...request, prefer, memory }, { signal: own.signal })
      if (asking !== own) return false
      // From here on everything is about what was found, not about what may be pushed meanwhile.
      const pinned: ModelSource = offer.pinned === null ? source : { kind: 'address', text: offer.pinned }
      const found = { ...request, source: offer.what === 'checkpoint' ? pinned : source }
      set({ adding: { status: 'offered', request: found, offer } })
      return true
    } catch (error) {
      if (asking !== own) return false
      const failure = toFailure(error)
      set({ adding: { status: 'failed', request, offer: null, failure }, announcement: failure.message })
      return false
    } finally {
      if (asking === own) asking = null
    }
  }

  async function run(request: AddRequest, offer: Offer, signal: AbortSignal): Promise<void> {
    const onEvent = (progress: AddProgress): void => {
      if (!signal.aborted) set({ adding: { status: 'running', request, offer, progress } })
    }
    try {
      const before = get().kept
      const model = await client.call('add', request, { signal, onEvent })
      set({ adding: { status: 'added', model }, announcement: `${model.name} is kept in this browser.` })
      await get().refreshPacks()
      const { settings, kept } = get()
      const used = before.find(({ id }) => id === settings.model)
      // The new version has taken the place of the one in use.
      const replaced = used?.asked === model.asked && !kept.some(({ id }) => id === used.id)
      if (replaced) void get().changeModel(model.id)
    } catch (error) {
      const { adding } = get()
      const progress = adding.status === 'running' ? adding.progress : null
      if (signal.aborted) set({ adding: { status: 'paused', request, offer, progress } })
      else {
        const failure = toFailure(error)
        set({ adding: { status: 'failed', request, offer, failure }, announcement: failure.message })
      }
      await get().refreshPacks()
    }
  }

  return {
    kept: [],
    space: null,
    catalogue: EMPTY_CATALOGUE,
    adding: { status: 'idle' },
    saving: { status: 'idle' },
    newer: [],
    elsewhere: {},
    keptFailure: null,
    async openPacks(catalogue) {
      set({ catalogue })
      void client.call('watch', null, { onEvent: hear }).catch(() => undefined)
      await get().refreshPacks()
      if (get().kept.length === 0) return
      // It is a courtesy: without an answer everything stays as it is.
      set({ newer: await client.call('newer', { hub: catalogue.hub }).catch(() => []) })
    },
    async refreshPacks() {
      try {
        const { models, space } = await client.call('list', null)
        set({ kept: models, space })
      } catch (error) {
        set({ keptFailure: toFailure(error) })
      }
    },
    async requestOffer(source, options) {
      await obtainOffer(source, options)
    },
    async startAdding() {
      const { adding } = get()
      if (running !== null || !('offer' in adding) || adding.offer === null) return
      const { request, offer } = adding
      running = new AbortController()
      const progress = adding.status === 'paused' ? adding.progress : null
      set({ adding: { status: 'running', request, offer, progress } })
      // Models are large: a browser that clears them on its own would be a nuisance. It may say no.
      if (get().space?.persisted === false) void get().askToPersist()
      ended = run(request, offer, running.signal)
      await ended
      running = null
    },
    pauseAdding() {
      running?.abort()
    },
    async cancelAdding(discard) {
      asking?.abort()
      asking = null
      const { adding } = get()
      const id = 'offer' in adding ? adding.offer?.id : undefined
      if (running !== null) {
        running.abort()
        await ended
        // It was whole before it could be stopped.
        if (get().adding.status === 'added') return
      }
      set({ adding: { status: 'idle' } })
      if (discard && id !== undefined && get().kept.some((model) => model.id === id && !model.complete))
        await get().removeKept(id)
    },
    async resumeKept(model) {
      if (model.address === null) return
      const source = {
        kind: 'address',
        text: model.asked !== null && model.converted === null ? model.asked : model.address,
      } as const
      if (await obtainOffer(source, { precision: model.converted ?? 'q4f16', token: null }))
        await get().startAdding()
    },
    async requestNewer({ asked, precision }) {
      if (asked === null) return
      await obtainOffer({ kind: 'address', text: asked }, { precision: precision ?? 'q4f16', token: null })
    },
    async removeKept(id) {
      set({ keptFailure: null })
      try {
        await client.call('remove', { id })
        const { adding } = get()
        if (adding.status === 'added' && adding.model.id === id) set({ adding: { status: 'idle' } })
      } catch (error) {
        set({ keptFailure: toFailure(error) })
      }
      await get().refreshPacks()
    },
    async saveKept({ id, name, precision }) {
      if (get().saving.status === 'running') return
      const folder = await chooseFolder()
      if (folder === undefined || get().saving.status === 'running') return
      saving = new AbortController()
      const { signal } = saving
      const onEvent = (progress: { doneBytes: number; totalBytes: number }): void =>
        set({ saving: { status: 'running', id, ...progress } })
      onEvent({ doneBytes: 0, totalBytes: 0 })
      try {
        const request = { id, folder: folder === 'none' ? null : folder }
        const zip = await client.call('save', request, { onEvent, signal })
        if (zip !== null) offerFile(zip, `${name.replace(/[^\w.-]+/g, '-')}-${precision ?? 'pack'}.zip`)
        set({ saving: { status: 'idle' }, announcement: `${name} was saved.` })
      } catch (error) {
        const failure = toFailure(error)
        set({ saving: signal.aborted ? { status: 'idle' } : { status: 'failed', failure } })
      }
    },
    cancelSaving: () => saving.abort(),
    async askToPersist() {
      await persist().catch(() => false)
      await get().refreshPacks()
    },
  }
}
