/** Models that are kept, offered and on their way. */
import { toFailure, type Failure } from '../pack/failure.ts'
import type { Precision } from '../pack/manifest.ts'
import type {
  AddProgress,
  AddRequest,
  KeptModel,
  ModelSource,
  Offer,
  PackCalls,
  Space,
  StoreNews,
} from '../protocol/keeper-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import { EMPTY_CATALOGUE, type Catalogue } from './catalogue.ts'
import type { GetState, SetState } from './store.ts'

/** The one thing at a time that this tab does about adding models. */
export type Adding =
  | { status: 'idle' }
  | { status: 'looking'; request: AddRequest }
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
  look: (source: ModelSource, options: { precision: Precision; token: string | null }) => Promise<void>
  /** Accepts the offer, or goes on after a pause or failure. */
  startAdding: () => Promise<void>
  /** Ends the work; what has arrived stays. */
  pauseAdding: () => void
  /** Ends the work and forgets the offer. `discard` also deletes what has arrived. */
  cancelAdding: (discard: boolean) => Promise<void>
  /** Looks at the newer version of a kept model; accepting the offer replaces it. */
  lookAtNewer: (model: KeptModel) => Promise<void>
  /** Goes on with a model that an earlier visit left unfinished. */
  resumeKept: (model: KeptModel) => Promise<void>
  removeKept: (id: string) => Promise<void>
  /** Asks the browser for a folder where it has such a thing, else offers a ZIP file. */
  saveKept: (model: KeptModel) => Promise<void>
  askToPersist: () => Promise<void>
}

/** What only a page can do. */
export interface PacksDependencies {
  client: Client<PackCalls>
  persist: () => Promise<boolean>
  /** A folder to write to; 'none' where the browser cannot, undefined when the person changed their mind. */
  chooseFolder: () => Promise<FileSystemDirectoryHandle | 'none' | undefined>
  offerFile: (file: Blob, name: string) => void
}

export function packsSlice(
  set: SetState,
  get: GetState,
  { client, persist, chooseFolder, offerFile }: PacksDependencies,
): PacksSlice {
  let running: AbortController | null = null
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
    async look(source, { precision, token }) {
      if (running !== null) return
      const request: AddRequest = { source, precision, token, hub: get().catalogue.hub }
      running = new AbortController()
      set({ adding: { status: 'looking', request } })
      const { signal } = running
      try {
        const offer = await client.call('look', request, { signal })
        // From here on everything is about what was looked at, not about what may be pushed meanwhile.
        const pinned: ModelSource = offer.pinned === null ? source : { kind: 'address', text: offer.pinned }
        const asked = { ...request, source: offer.what === 'checkpoint' ? pinned : source }
        set({ adding: { status: 'offered', request: asked, offer } })
      } catch (error) {
        const failure = toFailure(error)
        if (signal.aborted) set({ adding: { status: 'idle' } })
        else
          set({
            adding: { status: 'failed', request, offer: null, failure },
            announcement: failure.message,
          })
      }
      running = null
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
      running?.abort()
      await ended
      const { adding, kept } = get()
      set({ adding: { status: 'idle' } })
      const id = 'offer' in adding ? adding.offer?.id : undefined
      if (discard && kept.some((model) => model.id === id && !model.complete))
        await get().removeKept(id ?? '')
    },
    async resumeKept(model) {
      if (model.address === null) return
      const source = {
        kind: 'address',
        text: model.asked !== null && model.converted === null ? model.asked : model.address,
      } as const
      await get().look(source, { precision: model.converted ?? 'q4f16', token: null })
      if (get().adding.status === 'offered') await get().startAdding()
    },
    async lookAtNewer({ asked, precision }) {
      if (asked === null) return
      await get().look({ kind: 'address', text: asked }, { precision: precision ?? 'q4f16', token: null })
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
      const folder = await chooseFolder()
      if (folder === undefined) return
      const onEvent = (progress: { doneBytes: number; totalBytes: number }): void =>
        set({ saving: { status: 'running', id, ...progress } })
      try {
        const zip = await client.call('save', { id, folder: folder === 'none' ? null : folder }, { onEvent })
        if (zip !== null) offerFile(zip, `${name.replace(/[^\w.-]+/g, '-')}-${precision ?? 'pack'}.zip`)
        set({ saving: { status: 'idle' }, announcement: `${name} was saved.` })
      } catch (error) {
        set({ saving: { status: 'failed', failure: toFailure(error) } })
      }
    },
    async askToPersist() {
      await persist().catch(() => false)
      await get().refreshPacks()
    },
  }
}
