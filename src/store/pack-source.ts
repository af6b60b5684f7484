/** Where chunks come from while a pack is fetched: a server, or files on this computer. */
import type { FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import type { Network } from '../remote/network.ts'
import { authorization, requestRange } from '../remote/range-request.ts'

export interface ChunkStream {
  /** Where it begins: what was asked for, or 0 when it cannot begin elsewhere. */
  start: number
  /** Changes with the file; null when unknown. */
  etag: string | null
  /** Each holds until the next is asked for. */
  pieces: AsyncIterable<Uint8Array>
  /** Ends it unread. */
  cancel: () => void
}

export interface PackSource {
  /** The bytes of a pack's file at `path`, from `start` on. One attempt; what may pass is a `TemporaryError`. */
  stream(path: string, start: number, signal: AbortSignal): Promise<ChunkStream>
}

export interface ServerOptions {
  token?: string | undefined
  /** The browser's own cache is left out unless nothing else will keep the pack. */
  cache?: RequestCache
}

export function serverSource(
  base: URL,
  network: Network,
  { token, cache = 'no-store' }: ServerOptions = {},
): PackSource {
  const headers = authorization(token)
  return {
    stream: async (path, start, signal) => {
      const url = new URL(path, base)
      const response = await requestRange(network, { url, start, headers, cache, signal })
      if (response === undefined)
        throw new AppError(
          'not-found',
          `${url.host} lacks ${path}, a part of the model; ask whoever offers it.`,
        )
      const { etag, cancel } = response
      return { start: response.start, etag, pieces: response.pieces({ passing: true }), cancel }
    },
  }
}

export function treeSource(tree: FileTree): PackSource {
  return {
    stream: async (path, start, signal) => {
      const file = await tree.open(path)
      if (file === undefined)
        throw new AppError(
          'not-found',
          `${path}, a part of the model, is not among the files; choose all of them.`,
        )
      const bytes = new Uint8Array(await file.slice(start, file.byteLength, signal))
      return { start, etag: null, pieces: once(bytes), cancel: () => undefined }
    },
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield await Promise.resolve(bytes)
}
