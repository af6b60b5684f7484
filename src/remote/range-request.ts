/**
 * One HTTP request for a run of bytes, with everything that a server can get wrong told apart. Final failures are
 * `AppError`s, those that may pass are `TemporaryError`s. Nothing is retried here.
 *
 * Across origins a browser hides most headers unless the server exposes them, so a header that is absent proves
 * nothing; one that is present must be right.
 */
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import { nameOf } from './names.ts'
import type { Network } from './network.ts'
import { Patience } from './patience.ts'
import { retryAfterMs, TemporaryError, whenToTryAgain } from './retry.ts'

export interface RangeRequest {
  url: URL
  /** First byte. 0 without `end` asks for the whole file, in a plain request. */
  start: number
  /** One past the last byte; undefined for everything from `start` on. */
  end?: number | undefined
  headers?: Record<string, string> | undefined
  /** For whole files; ranges are never taken from the browser's cache. */
  cache?: RequestCache | undefined
  signal?: AbortSignal | undefined
}

export interface RangeResponse {
  /** Where the body begins: `start`, or 0 when the server sends the whole file all the same. */
  start: number
  /** Bytes of the whole file; null when the server does not say. */
  total: number | null
  /** Changes with the file, weak or strong; null when the server does not say. */
  etag: string | null
  /** Where redirects ended. */
  url: string
  /**
   * The body as it arrives. Throws `network` when it breaks off and `stalled` when nothing comes any more. With `passing`
   * a piece holds only until the next is asked for: the browser then reads all of them into the same memory.
   */
  pieces(options?: { passing?: boolean }): AsyncGenerator<Uint8Array, void, undefined>
  /** Ends the request without reading further. */
  cancel: () => void
}

/**
 * Sends the request and looks at the answer's head. Undefined for a file that is not there (404, 410). Throws
 * `network`, `stalled`, `busy`, `forbidden`, `bad-response`, `upstream-changed` (the file is shorter than `start`).
 */
export async function requestRange(
  network: Network,
  request: RangeRequest,
): Promise<RangeResponse | undefined> {
  const { url, start, end, cache = 'no-store', signal } = request
  const ranged = start > 0 || end !== undefined
  const headers = new Headers(request.headers)
  if (ranged) headers.set('range', `bytes=${start}-${end === undefined ? '' : end - 1}`)
  const exchange = await send(network, url, {
    headers,
    signal,
    // Chromium cuts ranges for a page out of a compressed answer in its cache, so they come out wrong; and gigabytes
    // that are kept elsewhere do not belong there.
    cache: ranged ? 'no-store' : cache,
  })
  const { response, cancel } = exchange
  try {
    if (response.status === 404 || response.status === 410) {
      cancel()
      return undefined
    }
    const head = headOf(response, request, ranged)
    return { ...head, cancel, pieces: ({ passing = false } = {}) => piecesOf(exchange, passing) }
  } catch (error) {
    cancel()
    throw error
  }
}

/** Bytes of the whole file, from a request for its head alone; null when the server does not say. Throws what requests throw. */
export async function requestLength(
  network: Network,
  { url, headers, signal }: Pick<RangeRequest, 'url' | 'headers' | 'signal'>,
): Promise<number | null> {
  const { response, cancel } = await send(network, url, { method: 'HEAD', headers: headers ?? {}, signal })
  cancel()
  if (!response.ok) throw refusal(response, url)
  return lengthOf(response.headers)
}

/** A request under way whose head has come. */
interface Exchange {
  response: Response
  patience: Patience
  /** Ends it without reading further, if it has not ended. */
  cancel: () => void
}

/** The only place from which requests go out. */
async function send(
  network: Network,
  url: URL,
  { signal, ...init }: Omit<RequestInit, 'signal'> & { signal: AbortSignal | undefined },
): Promise<Exchange> {
  throwIfCancelled(signal)
  const abort = new AbortController()
  const onAbort = (): void => abort.abort()
  signal?.addEventListener('abort', onAbort, { once: true })
  const cancel = (): void => {
    signal?.removeEventListener('abort', onAbort)
    abort.abort()
  }
  const patience = new Patience(network, url, signal)
  try {
    const response = await patience.wait(network.fetch(url, { ...init, signal: abort.signal }))
    return { response, patience, cancel }
  } catch (error) {
    cancel()
    throw error
  }
}

function headOf(
  response: Response,
  { url, start, end }: RangeRequest,
  ranged: boolean,
): Pick<RangeResponse, 'start' | 'total' | 'etag' | 'url'> {
  const { status, headers } = response
  if (status === 416) {
    const total = /^bytes \*\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]
    if (total === '0' && start === 0) return { start: 0, total: 0, etag: etagOf(headers), url: response.url }
    throw new AppError(
      'upstream-changed',
      `${nameOf(url)} is shorter than it was; it was replaced on the server, so start again.`,
    )
  }
  if (!response.ok) throw refusal(response, url)
  if (/^text\/html\b/i.test(headers.get('content-type') ?? '')) {
    throw new AppError(
      'bad-response',
      `${url.host} sent a web page instead of ${nameOf(url)}; check the address.`,
    )
  }
  const etag = etagOf(headers)
  if (status !== 206) return { start: 0, total: lengthOf(headers), etag, url: response.url }
  if (headers.get('content-encoding') !== null) {
    throw new AppError(
      'bad-response',
      `${url.host} sends ranges of a compressed ${nameOf(url)}, which cannot be put together; switch compression off there.`,
    )
  }
  const range = headers.get('content-range')
  if (range === null) return { start, total: null, etag, url: response.url }
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range)
  const [first, last] = [Number(match?.[1]), Number(match?.[2])]
  const total = match?.[3] === undefined || match[3] === '*' ? null : Number(match[3])
  const wantedLast = Math.min(end ?? Infinity, total ?? Infinity) - 1
  if (!ranged || first !== start || last < first || (Number.isFinite(wantedLast) && last !== wantedLast)) {
    throw new AppError(
      'bad-response',
      `${url.host} sent other bytes of ${nameOf(url)} than were asked for (${range}); it cannot be used.`,
    )
  }
  return { start, total, etag, url: response.url }
}

function refusal({ status, headers }: Response, url: URL): AppError {
  const { host } = url
  if (status === 401 || status === 403) {
    return new AppError(
      'forbidden',
      `${host} refuses ${nameOf(url)} (${status}); it may need a token, or its terms accepted first.`,
    )
  }
  if (status === 429 || status === 503) {
    const ms = retryAfterMs(headers.get('retry-after'), headers.get('date'))
    const sentence = `${host} is busy (${status}); try again ${whenToTryAgain(ms)}.`
    return new TemporaryError('busy', sentence, { retryAfterMs: ms })
  }
  if (status === 408 || status === 425 || status >= 500)
    return new TemporaryError('network', `${host} answered ${status} for ${nameOf(url)}; try again later.`)
  return new AppError('bad-response', `${host} answered ${status} for ${nameOf(url)}; check the address.`)
}

/** As much as a browser has ready at a time (512 kB in Chromium 156), and some more. */
const PASSING_BYTES = 2 ** 20

async function* piecesOf(
  { response: { body, status }, patience, cancel }: Exchange,
  passing: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  // The body of a 416 explains the error; it is not the file.
  if (body === null || status === 416) return
  const read = passing ? (intoSameMemory(body) ?? afresh(body)) : afresh(body)
  try {
    for (;;) {
      const value = await patience.wait(read())
      if (value === undefined) return
      patience.note(value.length)
      yield value
    }
  } finally {
    cancel()
  }
}

/** Gives one piece after the other, undefined behind the last. */
type ReadPiece = () => Promise<Uint8Array | undefined>

function afresh(body: ReadableStream<Uint8Array>): ReadPiece {
  const reader = body.getReader()
  return async () => (await reader.read()).value
}

/** Null where a body cannot be read into memory of one's own. */
function intoSameMemory(body: ReadableStream<Uint8Array>): ReadPiece | null {
  let reader: ReadableStreamBYOBReader
  try {
    reader = body.getReader({ mode: 'byob' })
  } catch {
    return null
  }
  let memory = new ArrayBuffer(PASSING_BYTES)
  return async () => {
    // The stream takes the memory with it and hands it back with what was read.
    const { value, done } = await reader.read(new Uint8Array(memory))
    if (done) return undefined
    memory = value.buffer
    return value
  }
}

function etagOf(headers: Headers): string | null {
  // A proxy that compresses turns a strong tag into a weak one; the file is the same.
  return headers.get('etag')?.replace(/^W\//, '') ?? null
}

function lengthOf(headers: Headers): number | null {
  const length = headers.get('content-length')
  // With a content encoding the length is that of the compressed bytes.
  if (length === null || headers.get('content-encoding') !== null || !/^\d+$/.test(length)) return null
  return Number.isSafeInteger(Number(length)) ? Number(length) : null
}

/** The header that carries an access token, where there is one. */
export function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}
