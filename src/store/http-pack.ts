/**
 * A pack on a static server, used without being kept: the built-in model, which the browser's own caches hold. Manifest
 * first, then chunks, each verified before anybody sees it.
 */
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import { chunksOf, parseManifest, readManifestText, type PackReader } from '../pack/manifest.ts'
import { httpTree, type HttpTreeOptions } from '../remote/http-tree.ts'
import { plainNetwork, type Network } from '../remote/network.ts'
import { fetchChunk, NO_METER } from './fetch-chunk.ts'
import { inLanes } from '../pack/lanes.ts'
import { serverSource } from './pack-source.ts'
import type { ChunkShelf } from './pack-store.ts'
import type { PlacedChunk } from './records.ts'
import { tableInMemory } from './table.ts'

/** Chunks under way at once. */
const CONNECTIONS = 4

export interface HttpPackOptions {
  network?: Network
  /** Bytes that have arrived and been verified, of all files read so far. */
  onBytes?: (bytes: number) => void
  signal?: AbortSignal | undefined
}

/** The text of a pack's manifest. Throws `not-found` when there is none at `base`, and what requests throw. */
export async function fetchManifest(base: URL, options: HttpTreeOptions): Promise<string> {
  const text = await readManifestText(httpTree(base, options))
  if (text === undefined)
    throw new AppError('not-found', `There is no model at ${base.host}${base.pathname}; check the address.`)
  return text
}

/**
 * Opens the pack whose files lie under `baseUrl` (ending in `/`). `file` gives a Blob of its verified chunks. Throws
 * what requests throw, `bad-pack`, and `corrupt` for a chunk whose SHA-256 is not the manifest's. When one file fails,
 * those under way are given up, too: without it nobody has a use for them.
 */
export async function openHttpPack(
  baseUrl: string,
  { network = plainNetwork(), onBytes, signal }: HttpPackOptions = {},
): Promise<PackReader> {
  const base = new URL(baseUrl)
  const manifest = parseManifest(await fetchManifest(base, { network, signal }))
  const source = serverSource(base, network, { cache: 'default' })
  let together = new AbortController()

  async function fetchFile(chunks: readonly PlacedChunk[], stop: AbortSignal): Promise<Blob> {
    const blobs = new Map<PlacedChunk, Blob>()
    await inLanes(chunks, { lanes: CONNECTIONS, signal: stop }, async (chunk, laneSignal) => {
      await fetchChunk(shelfFor(chunk, blobs), chunk, source, {
        network,
        signal: laneSignal,
        meter: NO_METER,
      })
      onBytes?.(chunk.bytes)
    })
    throwIfCancelled(stop)
    return new Blob(chunks.map((chunk) => blobs.get(chunk) ?? new Blob()))
  }

  return {
    manifest,
    async file(path, fileSignal = signal) {
      const file = manifest.files.find((entry) => entry.path === path)
      if (file === undefined)
        throw new AppError('bad-pack', `This pack lacks ${path}. Convert or download it again.`)
      const group = together
      const stop = AbortSignal.any([group.signal, ...(fileSignal === undefined ? [] : [fileSignal])])
      try {
        return await fetchFile(chunksOf(file), stop)
      } catch (error) {
        // Given up for another file's sake: that one's failure says why.
        if (group.signal.aborted) throw group.signal.reason
        if (!stop.aborted) {
          // A later call begins afresh: what failed now may pass.
          if (together === group) together = new AbortController()
          group.abort(error)
        }
        throw error
      }
    },
  }
}

/** Memory for one chunk. */
function shelfFor(chunk: PlacedChunk, blobs: Map<PlacedChunk, Blob>): ChunkShelf {
  return {
    parts: tableInMemory(),
    keep: (_, bytes) => {
      blobs.set(chunk, new Blob([bytes]))
      return Promise.resolve()
    },
  }
}
