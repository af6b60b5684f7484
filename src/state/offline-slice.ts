import type { SetState } from './store.ts'

export interface OfflineSlice {
  /** The page would start without a network. */
  offlineReady: boolean
  /** Changes over to a newer version of the page, which has been fetched already; null when there is none. */
  update: (() => void) | null
  offlineIsReady: () => void
  offerUpdate: (apply: () => void) => void
}

export function offlineSlice(set: SetState): OfflineSlice {
  return {
    offlineReady: false,
    update: null,
    offlineIsReady: () => set({ offlineReady: true }),
    offerUpdate: (apply) => set({ update: apply }),
  }
}
