/** Which place of the app is shown, and what an address leads to. */
import type { PlaceName, Route } from './route.ts'
import type { GetState, SetState } from './store.ts'

export interface PlaceSlice {
  place: PlaceName
  /**
   * What the address asked for before the kept conversations were here: a conversation's id, `latest` for the page's
   * own address; null once they are here.
   */
  awaited: { conversation: string | null } | 'latest' | null
  /** Goes where an address leads; null is the page's own address. */
  visit: (route: Route | null) => void
  openConversation: (id: string) => void
  /** Talk, with nothing said yet. */
  newConversation: () => void
  /** The kept conversations are here: what was awaited is shown, unless something else has begun meanwhile. */
  arrive: () => void
}

export function placeSlice(set: SetState, get: GetState): PlaceSlice {
  const open = (id: string | null): void => {
    const isThere = id === null || get().conversations.some((one) => one.id === id)
    set({ place: 'talk', currentId: isThere ? id : null })
    if (!isThere) get().remark({ key: 'shell:notHere' })
  }
  return {
    place: 'talk',
    awaited: 'latest',
    visit(route) {
      if (route === null) set({ place: 'talk' })
      else if (route.place !== 'talk') set({ place: route.place })
      else if (get().awaited === null) open(route.conversation)
      else set({ place: 'talk', awaited: { conversation: route.conversation } })
    },
    openConversation: (id) => set({ place: 'talk', currentId: id }),
    newConversation() {
      // Whoever is here before the kept conversations are wants none of them.
      const awaited = get().awaited === null ? null : { conversation: null }
      set({ place: 'talk', currentId: null, awaited })
    },
    arrive() {
      const { awaited, currentId, conversations } = get()
      set({ awaited: null })
      if (awaited === null || currentId !== null) return
      if (awaited === 'latest') set({ currentId: conversations[0]?.id ?? null })
      else if (get().place === 'talk') open(awaited.conversation)
    },
  }
}
