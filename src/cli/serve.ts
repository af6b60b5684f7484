/**
 * A static server for packs and checkpoints: ranges (RFC 9110, 14), ETags, and CORS so that a page from elsewhere may
 * read them. Only plain files that lie below the folder, and none whose path has a part that begins with a dot.
 */
import { realpath, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { AppError } from '../pack/failure.ts'
import { FairTurns } from './fair-turns.ts'
import { findServed, readServed } from './served-file.ts'

export interface PackServer {
  /** Ends in `/`. */
  url: string
  close(): Promise<void>
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'authorization, range',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-expose-headers': 'accept-ranges, content-length, content-range, etag',
  'access-control-max-age': '86400',
  // Pages that are cross-origin isolated may read it, too.
  'cross-origin-resource-policy': 'cross-origin',
}

/** Read at a time. What a client has not taken yet stays in memory: 150 MB for 600 of them. */
const PIECE_BYTES = 2 ** 18
/** Reads under way at once: as many as Node has threads for files, so that nobody waits behind a long line of others. */
const READS = 4
/** Who takes nothing for so long is gone. */
const IDLE_MS = 120_000
/** A machine has more handles than that, and a home network fewer clients. */
const MOST_CONNECTIONS = 2_000
/** Connections that wait to be taken in; the system has its own limit, too. */
const BACKLOG = 2_000

export async function servePack(
  folder: string,
  { port, host }: { port: number; host: string },
): Promise<PackServer> {
  const root = await realpath(folder).catch(() => undefined)
  if (root === undefined || !(await stat(root).catch(() => undefined))?.isDirectory())
    throw new AppError('not-found', `There is no folder ${folder}; check the path.`)
  // Node would take it for every address that the machine has.
  if (host.trim() === '')
    throw new AppError('bad-usage', 'The address to listen on is empty; leave it out, or name one.')
  const turns = new FairTurns(READS)
  const server = createServer((request, response) => {
    answer(root, turns, request, response).catch(() => response.destroy())
  })
  server.setTimeout(IDLE_MS)
  server.maxConnections = MOST_CONNECTIONS
  await new Promise<void>((listening, failed) => {
    server.once('error', (cause) =>
      failed(
        new AppError('bad-usage', `Port ${port} of ${host} cannot be used; choose another with --port.`, {
          cause,
        }),
      ),
    )
    server.listen({ port, host, backlog: BACKLOG }, listening)
  })
  const address = server.address()
  const actual = typeof address === 'object' && address !== null ? address.port : port
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}/`,
    close: () => {
      server.closeAllConnections()
      return new Promise((closed) => server.close(() => closed()))
    },
  }
}

async function answer(
  root: string,
  turns: FairTurns,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = 'GET' } = request
  if (method === 'OPTIONS') {
    response.writeHead(204, CORS).end()
    return
  }
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { ...CORS, allow: 'GET, HEAD, OPTIONS' }).end()
    return
  }
  const file = await turns.take(0, () => findServed(root, pathOf(request)))
  if (file === undefined) {
    response.writeHead(404, CORS).end()
    return
  }
  const { path, size, etag } = file
  const headers = {
    ...CORS,
    etag,
    'accept-ranges': 'bytes',
    'cache-control': 'no-cache',
    'content-type': path.endsWith('.json') ? 'application/json' : 'application/octet-stream',
  }
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end()
    return
  }
  const range = rangeOf(request, etag, size)
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${size}` }).end()
    return
  }
  const { start, end } = range ?? { start: 0, end: size }
  response.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    'content-length': end - start,
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
  })
  if (method === 'GET')
    await send(response, { start, end }, (position, target) => {
      // Whoever asks for a file goes before all who read one.
      const had = position - start + 1
      return turns.take(had, () => readServed(file, position, target))
    })
  response.end()
}

/** Sends bytes at the pace at which they are taken. Breaks off where they end too early. */
async function send(
  response: ServerResponse,
  { start, end }: { start: number; end: number },
  read: (position: number, target: Uint8Array) => Promise<number | undefined>,
): Promise<void> {
  for (let position = start; position < end && !response.destroyed;) {
    const target = new Uint8Array(Math.min(PIECE_BYTES, end - position))
    const length = (await read(position, target)) ?? 0
    if (length === 0) throw new AppError('corrupt', 'The file changed while it was being sent.')
    position += length
    if (!response.write(target.subarray(0, length))) await drained(response)
  }
}

/** Resolves when the client has taken what was written, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off('drain', settle).off('close', settle)
      resolve()
    }
    response.on('drain', settle).on('close', settle)
    if (response.destroyed) settle()
  })
}

/** The path of a request, still encoded. Proxies may ask for whole addresses. */
function pathOf({ url = '/' }: IncomingMessage): string {
  return url.replace(/^https?:\/\/[^/]*/i, '').replace(/[?#].*$/s, '')
}

/** One range of bytes; undefined for the whole file, which is also what an unknown form or another ETag gets. */
function rangeOf(
  request: IncomingMessage,
  etag: string,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '')
  const condition = request.headers['if-range']
  if (match === null || (condition !== undefined && condition !== etag)) return undefined
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return undefined
  if (first === '') {
    const suffix = Math.min(Number(last), size)
    return suffix === 0 ? 'unsatisfiable' : { start: size - suffix, end: size }
  }
  const start = Number(first)
  const end = last === '' ? size : Math.min(Number(last) + 1, size)
  return start >= end ? 'unsatisfiable' : { start, end }
}
