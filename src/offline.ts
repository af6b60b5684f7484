/** Makes the page start without a network, and tells when a new version of it has arrived. */
import { registerSW } from 'virtual:pwa-register'

export interface OfflineNews {
  /** The page would now start without a network. */
  onReady: () => void
  /** A new version waits. `apply` changes over to it and reloads; whatever is kept stays. */
  onUpdate: (apply: () => void) => void
}

export function keepPageOffline({ onReady, onUpdate }: OfflineNews): void {
  const container = serviceWorkers()
  if (container === undefined) return
  const update = registerSW({
    immediate: true,
    onNeedRefresh: () => onUpdate(() => void update(true)),
    // Refused in some private windows, and where site data is blocked; then the page needs its network.
    onRegisterError: () => undefined,
  })
  container.ready.then(onReady, () => undefined)
}

/** Absent outside secure contexts; where site data is blocked its mere name throws. Everything else works all the same. */
function serviceWorkers(): ServiceWorkerContainer | undefined {
  try {
    return (navigator as { serviceWorker?: ServiceWorkerContainer }).serviceWorker
  } catch {
    return undefined
  }
}
