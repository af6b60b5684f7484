/**
 * A pack on a static server, used without being kept: the built-in model, which the browser's own caches hold. Manifest
 * first, then chunks, each verified before anybody sees it.
 */
import { AppError } from '../pack/failure.ts'
import { chunksOf, parseManifest, readManifestText, type PackReader } from '../pack/manifest.ts'
import { httpTree, type HttpTreeOptions } from '../remote/http-tree.ts'
import { plainNetwork, type Network } from '../remote/network.ts'
import { fetchChunk } from './download.ts'
import { locksInMemory } from './locks.ts'
import { serverSource } from './pack-source.ts'
import { PackStore } from './pack-store.ts'
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
 * what requests throw, `bad-pack`, and `corrupt` for a chunk whose SHA-256 is not the manifest's.
 */
export async function openHttpPack(
  baseUrl: string,
  { network = plainNetwork(), onBytes, signal }: HttpPackOptions = {},
): Promise<PackReader> {
  const base = new URL(baseUrl)
  const manifest = parseManifest(await fetchManifest(base, { network, signal }))
  const source = serverSource(base, network, { cache: 'default' })
  const meter = { set: () => undefined, wait: () => undefined }
  return {
    manifest,
    async file(path, fileSignal) {
      const file = manifest.files.find((entry) => entry.path === path)
      if (file === undefined)
        throw new AppError('bad-pack', `This pack lacks ${path}. Convert or download it again.`)
      const stop = fileSignal ?? signal ?? new AbortController().signal
      const parts = await inParallel(chunksOf(file), async (chunk) => {
        const kept = tableInMemory<Blob>()
        const store = new PackStore({
          chunks: kept,
          parts: tableInMemory(),
          records: tableInMemory(),
          locks: locksInMemory(),
        })
        await fetchChunk(store, chunk, source, { network, signal: stop, meter })
        onBytes?.(chunk.bytes)
        return (await kept.get(chunk.sha256)) ?? new Blob()
      })
      return new Blob(parts)
    },
  }
}

/** Results in the order of `items`, with at most `CONNECTIONS` of them under way. */
async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const pending = [...items.entries()]
  const lane = async (): Promise<void> => {
    for (let next = pending.shift(); next !== undefined; next = pending.shift())
      results[next[0]] = await work(next[1])
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
  return results
}
