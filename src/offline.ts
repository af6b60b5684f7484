/** Makes the page start without a network, and tells when a new version of it has arrived. */
import { registerSW } from 'virtual:pwa-register'

export interface OfflineNews {
  /** The page would now start without a network. */
  onReady: () => void
  /** A new version waits. `apply` changes over to it and reloads; whatever is kept stays. */
  onUpdate: (apply: () => void) => void
}

export function keepPageOffline({ onReady, onUpdate }: OfflineNews): void {
  // Absent in insecure contexts and in some private windows; everything but starting offline works all the same.
  if (!('serviceWorker' in navigator)) return
  const update = registerSW({ immediate: true, onNeedRefresh: () => onUpdate(() => void update(true)) })
  void navigator.serviceWorker.ready.then(onReady)
}
