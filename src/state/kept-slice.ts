/** The models that this browser keeps, and what other tabs do to them. */
import { toFailure, type Failure } from '../pack/failure.ts'
import type { AddProgress, KeeperCalls, KeptModel, Space, StoreNews } from '../protocol/keeper-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import { EMPTY_CATALOGUE, type Catalogue } from './catalogue.ts'
import { Reading } from './read-again.ts'
import type { GetState, SetState } from './store.ts'

export interface KeptSlice {
  kept: KeptModel[]
  /** What they take together; what several have in common is there once. */
  keptBytes: number
  space: Space | null
  catalogue: Catalogue
  /** Ids of the kept models of which there is a newer version. */
  newer: string[]
  /** What other tabs are fetching, by the model's id. */
  elsewhere: Record<string, AddProgress>
  /** Ids of the unfinished models that people do not want to be reminded of during this visit. */
  putOff: readonly string[]
  /** Something about the list itself went wrong: deleting, listing. */
  keptFailure: Failure | null
  /** Reads the list of kept models, follows what other tabs do to it, and looks for newer versions once. */
  openPacks: (catalogue: Catalogue) => Promise<void>
  refreshPacks: () => Promise<void>
  removeKept: (id: string) => Promise<void>
  putOffModel: (id: string) => void
  askToPersist: () => Promise<void>
}

export interface KeptDependencies {
  client: Client<KeeperCalls>
  /** Asks the browser to clear nothing by itself; what it says. */
  persist: () => Promise<boolean>
}

/** `onChanged` hears that models may have come or gone, and with them room. */
export function keptSlice(
  set: SetState,
  get: GetState,
  { client, persist }: KeptDependencies,
  onChanged: () => void,
): KeptSlice {
  const list = new Reading({
    async read() {
      const { models, modelBytes, space } = await client.call('list', null)
      set({ kept: models, keptBytes: modelBytes, space })
      onChanged()
    },
    said: () => get().keptFailure,
    say: (keptFailure) => set({ keptFailure }),
  })

  function hear(news: StoreNews): void {
    if (news.kind === 'changed') {
      void get().refreshPacks()
      return
    }
    const others = Object.entries(get().elsewhere).filter(([id]) => id !== news.id)
    const here = news.progress === null ? [] : [[news.id, news.progress] as const]
    set({ elsewhere: Object.fromEntries([...others, ...here]) })
  }

  return {
    kept: [],
    keptBytes: 0,
    space: null,
    catalogue: EMPTY_CATALOGUE,
    newer: [],
    elsewhere: {},
    putOff: [],
    keptFailure: null,
    async openPacks(catalogue) {
      set({ catalogue })
      void client.call('watch', null, { onEvent: hear }).catch(() => undefined)
      await get().refreshPacks()
      if (get().kept.length === 0) return
      // It is a courtesy: without an answer everything stays as it is.
      set({ newer: await client.call('newer', { hub: catalogue.hub }).catch(() => []) })
    },
    refreshPacks: () => list.run(),
    async removeKept(id) {
      set({ keptFailure: null })
      try {
        await client.call('remove', { id })
        get().forgetAdded(id)
      } catch (error) {
        set({ keptFailure: toFailure(error) })
      }
      await get().refreshPacks()
    },
    putOffModel: (id) => set({ putOff: [...get().putOff, id] }),
    async askToPersist() {
      await persist().catch(() => false)
      await get().refreshPacks()
    },
  }
}
