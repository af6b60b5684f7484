/** A pack on a static server: manifest first, then chunks, each verified before anybody sees it. */
import { sha256Hex } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { chunksOf, MANIFEST_PATH, parseManifest, type PackReader } from '../pack/manifest.ts'

/** Chunks under way at once. */
const CONNECTIONS = 4

export interface HttpPackOptions {
  /** Bytes that have arrived and been verified, of all files read so far. */
  onBytes?: (bytes: number) => void
  signal?: AbortSignal | undefined
}

/**
 * Opens the pack whose files lie under `baseUrl` (ending in `/`). `file` gives a Blob of its verified chunks. Throws
 * `not-found`, `network`, `bad-pack`, and `corrupt` for a chunk whose SHA-256 is not the manifest's.
 */
export async function openHttpPack(
  baseUrl: string,
  { onBytes, signal }: HttpPackOptions = {},
): Promise<PackReader> {
  const manifestBytes = await fetchBytes(new URL(MANIFEST_PATH, baseUrl), signal)
  const manifest = parseManifest(new TextDecoder().decode(manifestBytes))
  return {
    manifest,
    async file(path, fileSignal) {
      const file = manifest.files.find((entry) => entry.path === path)
      if (file === undefined)
        throw new AppError('bad-pack', `This pack lacks ${path}. Convert or download it again.`)
      const chunks = chunksOf(file)
      const parts = await inParallel(chunks, async (chunk) => {
        const bytes = await fetchBytes(new URL(chunk.path, baseUrl), fileSignal ?? signal)
        if (bytes.byteLength !== chunk.bytes || (await sha256Hex(bytes)) !== chunk.sha256) {
          throw new AppError(
            'corrupt',
            `${chunk.path} is damaged: it is not what the pack's manifest promises. Reload the page.`,
          )
        }
        onBytes?.(chunk.bytes)
        return new Blob([bytes])
      })
      return new Blob(parts)
    },
  }
}

async function fetchBytes(url: URL, signal: AbortSignal | undefined): Promise<ArrayBuffer> {
  let response: Response
  try {
    response = await fetch(url, signal === undefined ? {} : { signal })
  } catch (cause) {
    if (signal?.aborted) throw new AppError('cancelled', 'Stopped.', { cause })
    throw new AppError('network', 'The model could not be fetched; check the connection and try again.', {
      cause,
    })
  }
  if (response.status === 404)
    throw new AppError('not-found', `There is no model at ${url.pathname}; check the address.`)
  if (!response.ok)
    throw new AppError(
      'network',
      `The server answered ${response.status} for ${url.pathname}; try again later.`,
    )
  try {
    return await response.arrayBuffer()
  } catch (cause) {
    throw new AppError('network', 'The download broke off; check the connection and try again.', { cause })
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
