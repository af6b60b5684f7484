/** Without a network: the service worker, and the part of ONNX Runtime that this browser uses. */
import { registerSW } from 'virtual:pwa-register'

/** The same name as in `vite.config.ts`: the service worker answers from it. */
const RUNTIME_CACHE = 'pictalk-runtime'

/** Registers the service worker. `onUpdate` is called with a way to change over once a new version has been fetched. */
export function keepPageOffline(onUpdate: (apply: () => void) => void): void {
  const update = registerSW({ onNeedRefresh: () => onUpdate(() => void update(true)) })
}

/** Keeps what the engine fetched. The bytes come from the browser's own cache, not from the network again. */
export async function keepRuntimeOffline(urls: readonly string[]): Promise<void> {
  // Outside secure contexts there are no caches, and then no offline use either.
  if (!('caches' in globalThis)) return
  const cache = await caches.open(RUNTIME_CACHE)
  for (const url of urls) if ((await cache.match(url)) === undefined) await cache.add(url)
}
