/**
 * What a soak has built into the page and its threads beside what ships (`soak-site.ts`): it counts what the browser
 * does not count, and leaks when it is told to, to prove that a leak is noticed.
 */

/** What is kept once in each cycle. The first ones in the page, the last ones in the engine's thread. */
export const PAGE_LEAKS = ['listener', 'object-url', 'node', 'port', 'worker', 'blob', 'closure'] as const
export const ENGINE_LEAKS = ['tensor', 'bytes', 'call'] as const
export type PageLeak = (typeof PAGE_LEAKS)[number]
export type EngineLeak = (typeof ENGINE_LEAKS)[number]
export type Leak = PageLeak | EngineLeak

export const isPageLeak = (leak: Leak): leak is PageLeak => PAGE_LEAKS.some((one) => one === leak)

/** What the page's soak can be asked from outside. */
export interface InsidePage {
  /** One cycle of everything; resolves when the page has come to rest. */
  cycle: (number: number) => Promise<void>
  leak: (kind: PageLeak) => void
  objectUrls: () => number
}

/** What `soakInside` gives, as seen from a function that runs there. */
export interface Inside<T> {
  soakInside: T
}

export interface InsideEngine {
  leak: (kind: EngineLeak) => void
  /** Tensors that are owned by somebody. */
  tensors: () => number
  /** Bytes of the memories of WebAssembly that are in use. */
  wasmBytes: () => number
  /** Buffers on the graphics device that were neither destroyed nor lost with their device. */
  gpuBuffers: () => number
}
