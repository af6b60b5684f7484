/**
 * Fetches what a pack lacks into the store, several chunks at once. Small files come first and are looked through before
 * the first byte of weights: what cannot succeed is found out for little. A verified chunk is never fetched again.
 */
import { throwIfCancelled } from '../pack/failure.ts'
import { parseManifest } from '../pack/manifest.ts'
import type { Network } from '../remote/network.ts'
import { ChunkMemory } from './chunk-memory.ts'
import { DownloadMeter, type DownloadProgress } from './download-meter.ts'
import { fetchChunk } from './fetch-chunk.ts'
import { inLanes } from '../pack/lanes.ts'
import type { PackStore } from './pack-store.ts'
import type { PackSource } from './pack-source.ts'
import { isWeights, parsePartKey, type PackRecord, type PlacedChunk } from './records.ts'

/** Chunks under way at once: enough to fill a line with latency, few enough for memory (32 MiB each at most). */
const LANES = 4

export interface DownloadOptions {
  network: Network
  signal: AbortSignal
  onProgress?: ((progress: DownloadProgress) => void) | undefined
  /** Called when everything but the weights is there; rejects for a pack that cannot be used, whatever its weights are. */
  checkSmallFiles?: (() => Promise<void>) | undefined
}

/** Fetches the missing chunks of a begun pack and declares it complete. What has arrived stays, however it ends. */
export async function downloadPack(
  store: PackStore,
  record: PackRecord,
  source: PackSource,
  { network, signal, onProgress, checkSmallFiles }: DownloadOptions,
): Promise<void> {
  const manifest = parseManifest(record.manifest)
  const missing = await store.missing(manifest)
  const meter = new DownloadMeter(manifest, missing, network, onProgress)
  for (const { sha256, start, end } of (await store.parts.keys()).map(parsePartKey))
    meter.begin(sha256, end - start)
  meter.report()
  const shelf = store.shelf(record.id)
  const memory = new ChunkMemory()
  const fetchAll = (chunks: PlacedChunk[]): Promise<void> =>
    inLanes(chunks, { lanes: LANES, signal }, (chunk, laneSignal) =>
      memory.lend(chunk.bytes, (lent) =>
        fetchChunk(shelf, chunk, source, { network, signal: laneSignal, meter, memory: lent }),
      ),
    )
  try {
    await fetchAll(missing.filter((chunk) => !isWeights(chunk)))
    throwIfCancelled(signal)
    await checkSmallFiles?.()
    await fetchAll(missing.filter(isWeights))
  } finally {
    meter.report()
  }
  throwIfCancelled(signal)
  await store.complete(record)
}
