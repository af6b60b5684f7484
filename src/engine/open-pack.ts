/** Where a model is loaded from: a server, or this browser's store, which mends itself from where the pack came. */
import type { PackReader } from '../pack/manifest.ts'
import type { PackPlace } from '../protocol/engine-calls.ts'
import { fetchChunk, NO_METER } from '../store/fetch-chunk.ts'
import { openHttpPack } from '../store/http-pack.ts'
import { serverSource } from '../store/pack-source.ts'
import type { OpenOptions, PackStore } from '../store/pack-store.ts'
import { browserNetwork } from '../store/browser-network.ts'

export interface PlaceOptions {
  /** What is kept here is hashed by the reader's `later`; see `OpenOptions`. */
  later?: boolean
  onBytes: (bytes: number) => void
  signal: AbortSignal
}

/** `store` is opened once for a thread: each one that is opened has connections of its own, which are never closed. */
export function openPack(
  store: PackStore,
  place: PackPlace,
  { onBytes, signal, later = false }: PlaceOptions,
): Promise<PackReader> {
  const network = browserNetwork()
  if (place.kind === 'web') return openHttpPack(place.url, { network, onBytes, signal })
  return store.open(place.id, { onBytes, signal, later, refetch: refetching(store, signal) })
}

/** Gets a chunk again whose bytes have gone bad. What was converted here has no server that holds its chunks. */
function refetching(store: PackStore, signal: AbortSignal): NonNullable<OpenOptions['refetch']> {
  const network = browserNetwork()
  return async ({ id, origin }, chunk) => {
    if (origin.base === null || origin.converted !== null) return
    const base = new URL(origin.base)
    const source = serverSource(base, network)
    await fetchChunk(store.shelf(id), chunk, source, { network, signal, meter: NO_METER })
  }
}
