/**
 * A static server for packs and checkpoints: ranges (RFC 9110, 14), ETags, and CORS so that a page from elsewhere may
 * read them. Only plain files below the folder, and none whose path has a part that begins with a dot.
 */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { resolve, sep } from 'node:path'
import { AppError } from '../pack/failure.ts'

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

export async function servePack(
  folder: string,
  { port, host }: { port: number; host: string },
): Promise<PackServer> {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    throw new AppError('not-found', `There is no folder ${folder}; check the path.`)
  const server = createServer((request, response) => {
    answer(folder, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((listening, failed) => {
    server.once('error', (cause) =>
      failed(
        new AppError('bad-usage', `Port ${port} of ${host} cannot be used; choose another with --port.`, {
          cause,
        }),
      ),
    )
    server.listen(port, host, listening)
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

async function answer(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET' } = request
  if (method === 'OPTIONS') {
    response.writeHead(204, CORS).end()
    return
  }
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { ...CORS, allow: 'GET, HEAD, OPTIONS' }).end()
    return
  }
  const path = pathOf(folder, request.url ?? '/')
  const stats = path === undefined ? undefined : await stat(path).catch(() => undefined)
  if (path === undefined || !stats?.isFile()) {
    response.writeHead(404, CORS).end()
    return
  }
  const etag = `"${stats.size.toString(16)}-${Math.trunc(stats.mtimeMs).toString(16)}"`
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
  const range = rangeOf(request, etag, stats.size)
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${stats.size}` }).end()
    return
  }
  const { start, end } = range ?? { start: 0, end: stats.size }
  response.writeHead(range === undefined ? 200 : 206, {
    ...headers,
    'content-length': end - start,
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${stats.size}` }),
  })
  if (method === 'HEAD' || start === end) {
    response.end()
    return
  }
  const file = createReadStream(path, { start, end: end - 1 })
  file.once('error', () => response.destroy())
  response.once('close', () => file.destroy())
  file.pipe(response)
}

/** The file below `folder` that a request's path names; undefined for one that may not be served. */
function pathOf(folder: string, url: string): string | undefined {
  let path: string
  try {
    path = decodeURIComponent(new URL(url, 'http://server').pathname)
  } catch {
    return undefined
  }
  const parts = path.split('/').filter((part) => part !== '')
  if (parts.some((part) => part.startsWith('.') || part.includes('\\') || part.includes('\0')))
    return undefined
  const full = resolve(folder, ...parts)
  return full.startsWith(resolve(folder) + sep) ? full : undefined
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
