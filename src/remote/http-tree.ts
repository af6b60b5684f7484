/**
 * The files below a URL as a `FileTree`: any static server that understands range requests. Opening a file fetches its
 * first 64 KiB, which is all there is of most; everything else is read in the ranges that are asked for.
 */
import type { ByteSource, FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { below, nameOf } from './names.ts'
import type { Network } from './network.ts'
import { authorization, requestLength, requestRange, type RangeResponse } from './range-request.ts'
import { TemporaryError, withRetries, type Delay } from './retry.ts'

export interface HttpTreeOptions {
  network: Network
  /** Kept in memory only, and sent to `base`'s own origin only: a redirect leads elsewhere. */
  token?: string | undefined
  /** Names the bytes of every file below `base` (a commit hash). Without it a file's ETag does. */
  version?: string | undefined
  /** What there is, where that is known: other paths are then absent without asking. */
  files?: ReadonlySet<string> | undefined
  signal?: AbortSignal | undefined
  onDelay?: ((delay: Delay | null) => void) | undefined
  /** Bytes that have arrived, whatever becomes of them. */
  onBytes?: ((bytes: number) => void) | undefined
}

const HEAD_BYTES = 2 ** 16
/** A server without ranges is good enough for files that fit into memory at once. */
const WHOLE_BYTES = 64 * 2 ** 20

/** The tree below `base`, a URL that ends in `/`. */
export function httpTree(base: URL, options: HttpTreeOptions): FileTree {
  const { files } = options
  return {
    ...(files !== undefined && { list: () => Promise.resolve([...files]) }),
    open: async (path) => {
      if (files?.has(path) === false) return undefined
      const url = below(base, path)
      return url && openFile(url, options)
    },
  }
}

async function openFile(url: URL, options: HttpTreeOptions): Promise<ByteSource | undefined> {
  const file = new RemoteFile(url, options)
  const head = await file.open()
  if (head === undefined) return undefined
  return {
    byteLength: file.byteLength,
    version: file.version,
    slice: async (start, end, signal, memory) => {
      if (!(start >= 0 && start <= end && end <= file.byteLength))
        throw new RangeError(`${nameOf(url)} has no bytes ${start} to ${end}, only ${file.byteLength}`)
      if (end <= head.length) return head.slice(start, end).buffer
      const known = Math.max(0, head.length - start)
      const bytes = memory?.byteLength === end - start ? new Uint8Array(memory) : allocate(end - start, url)
      bytes.set(head.subarray(start, start + known))
      await file.read(start + known, bytes.subarray(known), signal)
      return bytes.buffer
    },
  }
}

/** One file on a server, held to be the same file for as long as it is open. */
class RemoteFile {
  byteLength = 0
  version = ''
  readonly #url: URL
  readonly #options: HttpTreeOptions
  #etag: string | null = null
  /** Where a redirect led, to spare it the next time; a signed address expires. */
  #direct: URL | null = null

  constructor(url: URL, options: HttpTreeOptions) {
    this.#url = url
    this.#options = options
  }

  /** Learns size and version. Gives the first bytes, or all there are; undefined when there is no such file. */
  async open(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { network, signal, onDelay, version } = this.#options
    return withRetries(
      network,
      async () => {
        const response = await this.#request(0, HEAD_BYTES, signal)
        if (response === undefined) return undefined
        const head = await this.#readHead(response)
        this.byteLength = response.total ?? (await this.#askLength(head))
        this.#etag = response.etag
        this.version = `${version ?? response.etag ?? ''}-${this.byteLength}`
        if (head.length === Math.min(HEAD_BYTES, this.byteLength) || head.length === this.byteLength)
          return head
        throw new TemporaryError('network', `${nameOf(this.#url)} broke off; try again.`)
      },
      { signal, onDelay },
    )
  }

  /** Fills `target` with the bytes from `start` on. What has arrived is never asked for again. */
  async read(
    start: number,
    target: Uint8Array,
    signal: AbortSignal | undefined = this.#options.signal,
  ): Promise<void> {
    const end = start + target.length
    let done = 0
    const attempt = async (): Promise<void> => {
      const response = await this.#request(start + done, end, signal)
      if (response === undefined) throw this.#changed()
      this.#check(response, start + done)
      for await (const piece of response.pieces({ passing: true })) {
        this.#options.onBytes?.(piece.length)
        if (done + piece.length > target.length) throw this.#noRanges()
        target.set(piece, done)
        done += piece.length
      }
      if (done < target.length)
        throw new TemporaryError('network', `${nameOf(this.#url)} broke off; try again.`)
    }
    const { network, onDelay } = this.#options
    await withRetries(network, attempt, { signal, progress: () => done, onDelay })
  }

  #check({ start, total, etag, cancel }: RangeResponse, wanted: number): void {
    const changed =
      (total !== null && start === wanted && total !== this.byteLength) ||
      (etag !== null && this.#etag !== null && etag !== this.#etag)
    if (changed) {
      cancel()
      throw this.#changed()
    }
    if (start !== wanted) {
      cancel()
      throw this.#noRanges()
    }
  }

  async #request(
    start: number,
    end: number,
    signal: AbortSignal | undefined,
  ): Promise<RangeResponse | undefined> {
    const { network } = this.#options
    if (this.#direct !== null) {
      try {
        const response = await requestRange(network, { url: this.#direct, start, end, signal })
        if (response !== undefined) return response
      } catch (error) {
        if (!(error instanceof AppError) || (error.code !== 'forbidden' && error.code !== 'bad-response'))
          throw error
      }
      this.#direct = null
    }
    const headers = authorization(this.#options.token)
    const response = await requestRange(network, { url: this.#url, start, end, headers, signal })
    if (response !== undefined && response.url !== '' && response.url !== this.#url.href)
      this.#direct = new URL(response.url)
    return response
  }

  async #readHead(response: RangeResponse): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array[] = []
    let length = 0
    for await (const piece of response.pieces()) {
      this.#options.onBytes?.(piece.length)
      pieces.push(piece)
      length += piece.length
      // The whole file comes instead of its head, and it is not one to hold in memory.
      if (length > WHOLE_BYTES || (length > HEAD_BYTES && (response.total ?? 0) > WHOLE_BYTES))
        throw this.#noRanges()
    }
    const head = new Uint8Array(length)
    let end = 0
    for (const piece of pieces) {
      head.set(piece, end)
      end += piece.length
    }
    return head
  }

  /** For servers that do not let pages see `Content-Range`. */
  async #askLength(head: Uint8Array): Promise<number> {
    // What is shorter than was asked for is all there is.
    if (head.length !== HEAD_BYTES) return head.length
    const { network, signal, token } = this.#options
    const length = await requestLength(network, { url: this.#url, headers: authorization(token), signal })
    if (length !== null) return length
    const hidesHeaders = network.pageOrigin !== null && network.pageOrigin !== this.#url.origin
    throw new AppError(
      'bad-response',
      `${this.#url.host} does not say how long ${nameOf(this.#url)} is${hidesHeaders ? '; it must expose Content-Range' : ', so it cannot be read from there; use another server'}.`,
    )
  }

  #changed(): AppError {
    return new AppError(
      'upstream-changed',
      `${nameOf(this.#url)} changed on the server while it was being read; start again.`,
    )
  }

  #noRanges(): AppError {
    return new AppError(
      'bad-response',
      `${this.#url.host} does not answer range requests, so ${nameOf(this.#url)} cannot be read from it; use another server.`,
    )
  }
}

function allocate(bytes: number, url: URL): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes)
  } catch (cause) {
    throw new AppError('out-of-memory', `${nameOf(url)} asks for more memory than there is.`, { cause })
  }
}
