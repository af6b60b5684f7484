/**
 * The page without a network: shell, ONNX Runtime and the built-in model are fetched once, when this is installed, and
 * answered from there. Weights that a visitor adds are no business of this file; they lie in IndexedDB.
 */
import { putShared, SHARE_PATH } from './shared-pictures.ts'
import { cleanupOutdatedCaches, precacheAndRoute } from 'workbox-precaching'

declare const self: ServiceWorkerGlobalScope

// ONNX Runtime comes in two WebGPU builds of 17 and 27 MB, of which a browser uses one (see runtime/ort/build.ts).
const unused = 'Suspending' in WebAssembly ? /asyncify|ort\.webgpu/ : /jspi/

// Pictures from other apps: before anything else looks at the request.
self.addEventListener('fetch', (event: FetchEvent) => {
  const { request } = event
  const { scope } = self.registration
  if (request.method === 'POST' && request.url === new URL(SHARE_PATH, scope).href)
    event.respondWith(putShared(request, scope))
})

precacheAndRoute(
  // vite-plugin-pwa puts the list of built files here.
  self.__WB_MANIFEST.filter((entry) => !unused.test(typeof entry === 'string' ? entry : entry.url)),
  { ignoreURLParametersMatching: [/^provider$/] },
)
cleanupOutdatedCaches()

// A new version waits until the visitor agrees: taking over by itself could mix two versions in one page.
self.addEventListener('message', (event: ExtendableMessageEvent) => {
  const { type } = { type: undefined, ...(event.data as object | null) } as { type: unknown }
  if (type === 'SKIP_WAITING') void self.skipWaiting()
})
