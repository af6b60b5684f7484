/**
 * A static server for tests that misbehaves on cue and counts every byte of a file that it sends. Without faults it does
 * what a good static host does: ranges, ETags, CORS.
 */
import { createHash } from 'node:crypto'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'

/** What goes wrong with one answer. */
export type Fault =
  /** The connection ends after so many bytes of the body. */
  | { kind: 'cut'; after: number }
  /** Nothing more comes after so many bytes, and the connection stays open. */
  | { kind: 'stall'; after: number }
  /** One byte of the body at a time, so many milliseconds apart. */
  | { kind: 'trickle'; everyMs: number }
  /** One bit of the body is another; `at` counts from the start of the file. */
  | { kind: 'flip'; at: number }
  /** The whole file and 200, whatever range was asked for. */
  | { kind: 'no-ranges' }
  /** 206 with a `Content-Range` that begins so many bytes later. */
  | { kind: 'wrong-range'; by: number }
  | { kind: 'etag'; etag: string }
  | { kind: 'redirect'; to: (path: string) => string }
  | { kind: 'answer'; status: number; headers?: Record<string, string>; body?: string; cors?: boolean }

export interface Served {
  path: string
  /** First byte that was asked for. */
  start: number
  /** Bytes of the body that were sent. */
  sent: number
}

export interface FaultServer {
  origin: string
  files: Files
  served: Served[]
  /** Decides about each request; undefined for a good answer. `count` is 1 for the first request of this path. */
  fault: (path: string, count: number, start: number, headers: IncomingHttpHeaders) => Fault | undefined
  /** Waited for before each answer of a file: to keep one open while something else happens. */
  hold: (path: string) => Promise<void>
  /**
   * Waited for before a connection is cut behind byte `end` of a file: what was sent is to have arrived, since a client drops
   * what it has received of a broken answer and not yet handed on. Left alone, it gives a client in the same process the time.
   */
  untilArrived: (path: string, end: number) => Promise<void>
  /** Counts requests from the beginning again. */
  forgetCounts(): void
  /** Bytes sent of all paths that match. */
  sent(paths?: RegExp): number
  close(): Promise<void>
}

export type Files = (path: string) => Promise<Uint8Array | undefined> | Uint8Array | undefined

/** Until a client of the same process has read what lies in its socket: so many turns of the loop, however long one takes. */
const SETTLE_TURNS = 20
const SETTLE_MS = 100

const CORS = {
  'access-control-allow-origin': '*',
  // A wildcard does not cover `authorization`.
  'access-control-allow-headers': 'authorization, range',
  'access-control-expose-headers': '*',
}

/** Serves `files` by path without the leading slash, on a free port of this machine. */
export async function startFaultServer(files: Files): Promise<FaultServer> {
  const served: Served[] = []
  const counts = new Map<string, number>()
  const state: FaultServer = {
    origin: '',
    files,
    served,
    fault: () => undefined,
    hold: () => Promise.resolve(),
    untilArrived: settled,
    forgetCounts: () => counts.clear(),
    sent: (paths = /./) =>
      served.filter(({ path }) => paths.test(path)).reduce((sum, { sent }) => sum + sent, 0),
    close: () => close(server),
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname.slice(1))
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
    const start = Number(range?.[1] ?? 0)
    if (request.method === 'OPTIONS') {
      response.writeHead(204, CORS).end()
      return
    }
    counts.set(path, (counts.get(path) ?? 0) + 1)
    const fault = state.fault(path, counts.get(path) ?? 1, start, request.headers)
    if (fault?.kind === 'answer') {
      response
        .writeHead(fault.status, { ...(fault.cors !== false && CORS), ...fault.headers })
        .end(fault.body)
      return
    }
    if (fault?.kind === 'redirect') {
      response.writeHead(302, { ...CORS, location: fault.to(path) }).end()
      return
    }
    await state.hold(path)
    const file = await state.files(path)
    if (file === undefined) {
      response.writeHead(404, CORS).end()
      return
    }
    const etag = fault?.kind === 'etag' ? fault.etag : etagOf(file)
    const ranged = range !== null && fault?.kind !== 'no-ranges'
    if (ranged && start >= file.length) {
      response.writeHead(416, { ...CORS, 'content-range': `bytes */${file.length}` }).end()
      return
    }
    const first = ranged ? start : 0
    const end = ranged && range[2] !== '' ? Math.min(Number(range[2]) + 1, file.length) : file.length
    // A Buffer's own `slice` copies nothing, and a flipped bit would stay in the file.
    const body = fault?.kind === 'flip' ? Uint8Array.from(file.subarray(first, end)) : file.slice(first, end)
    if (fault?.kind === 'flip' && fault.at >= first && fault.at < end)
      body[fault.at - first] = (body[fault.at - first] ?? 0) ^ 1
    const shift = fault?.kind === 'wrong-range' ? fault.by : 0
    response.writeHead(ranged ? 206 : 200, {
      ...CORS,
      etag,
      'content-length': body.length,
      'content-type': path.endsWith('.json') ? 'application/json' : 'application/octet-stream',
      'accept-ranges': 'bytes',
      ...(ranged && { 'content-range': `bytes ${first + shift}-${end - 1 + shift}/${file.length}` }),
    })
    const entry = { path, start, sent: 0 }
    served.push(entry)
    // Whoever asked may have given up while the answer was held.
    if (response.destroyed) return
    const limit = fault?.kind === 'cut' || fault?.kind === 'stall' ? fault.after : Infinity
    const part = body.subarray(0, Math.min(limit, body.length))
    entry.sent = part.length
    if (request.method === 'HEAD') {
      entry.sent = 0
      response.end()
    } else if (fault?.kind === 'trickle') {
      entry.sent = 0
      const timer = setInterval(() => {
        response.write(body.subarray(entry.sent, (entry.sent += 1)))
        if (entry.sent === body.length) response.end()
      }, fault.everyMs)
      response.once('close', () => clearInterval(timer))
    } else if (part.length === body.length) response.end(body)
    else if (fault?.kind === 'stall') response.write(part)
    else {
      const end = (): void => void response.socket?.end()
      response.write(part, () => void state.untilArrived(path, first + part.length).then(end, end))
    }
  }

  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  state.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return state
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
  for (let turn = 0; turn < SETTLE_TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

const etags = new WeakMap<Uint8Array, string>()

function etagOf(file: Uint8Array): string {
  const known = etags.get(file) ?? `"${createHash('sha256').update(file).digest('hex').slice(0, 16)}"`
  etags.set(file, known)
  return known
}

function close(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
