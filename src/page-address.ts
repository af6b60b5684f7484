/** Keeps the page's address and what it shows in step: links lead where they say, and Back goes back. */
import { hashOf, parseRoute } from './state/route.ts'
import type { AppStore } from './state/store.ts'

export function followAddress(store: AppStore): void {
  addEventListener('hashchange', () => {
    store.getState().visit(parseRoute(location.hash) ?? { place: 'talk', conversation: null })
  })
  store.subscribe((state) => {
    // What the address says is waited for until the kept conversations are here.
    if (state.awaited !== null) return
    const shown = hashOf(
      state.place === 'talk' ? { place: 'talk', conversation: state.currentId } : { place: state.place },
    )
    const said = parseRoute(location.hash)
    if (shown === location.hash) return
    // Going back to what is no more, or to where nobody chose to be, would lead nowhere.
    const leadsNowhere =
      said === null ||
      (said.place === 'talk' &&
        said.conversation !== null &&
        !state.conversations.some(({ id }) => id === said.conversation))
    history[leadsNowhere ? 'replaceState' : 'pushState'](null, '', shown)
  })
}
