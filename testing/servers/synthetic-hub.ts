/**
 * A stand-in for the hub that offers a checkpoint of published size which is nowhere stored: the values of each tensor
 * are a stretch of one block of normally distributed numbers, made up as they are asked for. Laid out as on the hub:
 * API, redirects to another origin, shards with an index, range requests, ETags.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tensorsOf } from '../../src/synthetic/checkpoint.ts'
import { publishedConfig, type Layers, type Published } from '../../src/synthetic/published.ts'

export interface SyntheticHub {
  /** Ends in `/`. */
  url: string
  /** Of the hub and of where its redirects lead. */
  origins: string[]
  /** Bytes of response bodies sent so far. */
  sentBytes: () => number
  /** Bytes of all tensors. */
  totalBytes: number
  close(): Promise<void>
}

const COMMIT = '59a1ef6c1e5117b3f65523d1c6066825bcf315e3'
/** As on the hub: 10 GB, and the rest. */
const SHARD_BYTES = 10e9
/** A prime number of floats, so that no two tensors or rows begin at the same place of it. */
const BLOCK_FLOATS = 2_097_143

/** Anything that has a length and of which a part can be written without making the rest. */
interface SyntheticFile {
  byteLength: number
  etag: string
  write(start: number, end: number, response: ServerResponse): Promise<void>
}

/** Serves `repository` (`owner/name`) with the dimensions of a published model, and so many layers if not all of them. */
export async function startSyntheticHub(
  repository: string,
  layers?: Layers,
  model: Published = 'opt-2.7b',
): Promise<SyntheticHub> {
  const files = checkpointFiles(JSON.stringify(publishedConfig(model, layers)))
  let sent = 0
  const storage = await listen((request, response) => {
    const file = files.get(pathOf(request).slice(repository.length + 1))
    void answerWithFile(file, request, response, (bytes) => (sent += bytes))
  })
  const hub = await listen((request, response) => {
    const path = pathOf(request)
    if (path.startsWith(`api/models/${repository}/revision/`)) {
      const siblings = [...files.keys()].map((rfilename) => ({ rfilename }))
      const body = Buffer.from(JSON.stringify({ id: repository, sha: COMMIT, siblings }))
      void answerWithFile(fileOf(body), request, response, (bytes) => (sent += bytes))
    } else if (path.startsWith(`${repository}/resolve/${COMMIT}/`)) {
      const file = path.slice(`${repository}/resolve/${COMMIT}/`.length)
      response.writeHead(302, { ...CORS, location: `${storage.url}${repository}/${file}?signed=1` }).end()
    } else response.writeHead(404, CORS).end()
  })
  const shards = [...files].filter(([path]) => path.endsWith('.safetensors'))
  return {
    url: hub.url,
    origins: [hub, storage].map(({ url }) => new URL(url).origin),
    sentBytes: () => sent,
    totalBytes: shards.reduce((sum, [, { byteLength }]) => sum + byteLength, 0),
    close: async () => {
      await hub.close()
      await storage.close()
    },
  }
}

function checkpointFiles(config: string): Map<string, SyntheticFile> {
  const tensors = tensorsOf(config)
  const shards: (typeof tensors)[] = [[]]
  let filled = 0
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor.shape)
    if (filled + bytes > SHARD_BYTES) {
      shards.push([])
      filled = 0
    }
    shards.at(-1)?.push(tensor)
    filled += bytes
  }
  const names = shards.map((_, i) => `model-${pad(i + 1)}-of-${pad(shards.length)}.safetensors`)
  const weightMap = shards.flatMap((shard, i) => shard.map(({ tensor }) => [tensor, names[i]]))
  const index = JSON.stringify({ metadata: {}, weight_map: Object.fromEntries(weightMap) as object })
  return new Map([
    ['config.json', fileOf(Buffer.from(config))],
    ['model.safetensors.index.json', fileOf(Buffer.from(index))],
    ['README.md', fileOf(Buffer.from('---\nlicense: mit\n---\n'))],
    ...shards.map((shard, i) => [names[i] ?? '', shardFile(shard)] as const),
  ])
}

/** A safetensors file: eight bytes of length, the header, then the tensors one after the other. */
function shardFile(tensors: { tensor: string; shape: number[] }[]): SyntheticFile {
  const entries: { start: number; end: number; shift: number }[] = []
  const header: Record<string, object> = {}
  let end = 0
  for (const { tensor, shape } of tensors) {
    const start = end
    end += bytesOf(shape)
    header[tensor] = { dtype: 'F32', shape, data_offsets: [start, end] }
    const shift = createHash('sha256').update(tensor).digest().readUInt32LE() % BLOCK_FLOATS
    entries.push({ start, end, shift: shift * 4 })
  }
  const json = Buffer.from(JSON.stringify(header))
  const head = Buffer.concat([Buffer.alloc(8), json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')])
  head.writeBigUInt64LE(BigInt(head.length - 8))
  const values = normalBlock()
  return {
    byteLength: head.length + end,
    etag: etagOf(head),
    async write(from, to, response) {
      if (from < head.length) await send(response, head.subarray(from, Math.min(to, head.length)))
      for (const entry of entries) {
        const first = Math.max(from - head.length, entry.start)
        const last = Math.min(to - head.length, entry.end)
        for (let at = first; at < last;) {
          const place = (at - entry.start + entry.shift) % values.length
          const piece = values.subarray(place, Math.min(values.length, place + last - at))
          await send(response, piece)
          at += piece.length
        }
      }
    },
  }
}

/** Numbers of mean 0 and standard deviation 0.02 (the configuration's `initializer_range`), always the same ones. */
function normalBlock(): Buffer {
  const values = new Float32Array(BLOCK_FLOATS)
  let state = 1
  const uniform = (): number => {
    // Mulberry32: small, and good enough to look like weights.
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  for (let i = 0; i < values.length; i += 1)
    values[i] = 0.02 * Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  return Buffer.from(values.buffer)
}

function fileOf(bytes: Buffer): SyntheticFile {
  return {
    byteLength: bytes.length,
    etag: etagOf(bytes),
    write: (start, end, response) => send(response, bytes.subarray(start, end)),
  }
}

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'authorization, range',
  'access-control-expose-headers': '*',
}

async function answerWithFile(
  file: SyntheticFile | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  onSent: (bytes: number) => void,
): Promise<void> {
  if (request.method === 'OPTIONS') {
    response.writeHead(204, CORS).end()
    return
  }
  if (file === undefined) {
    response.writeHead(404, CORS).end()
    return
  }
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  const start = Number(range?.[1] ?? 0)
  const end = range?.[2] ? Math.min(Number(range[2]) + 1, file.byteLength) : file.byteLength
  response.writeHead(range === null ? 200 : 206, {
    ...CORS,
    etag: file.etag,
    'content-length': end - start,
    'content-type': 'application/octet-stream',
    ...(range !== null && { 'content-range': `bytes ${start}-${end - 1}/${file.byteLength}` }),
  })
  await file.write(start, end, response)
  onSent(end - start)
  response.end()
}

/** Writes at the pace of whoever reads. */
async function send(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (response.destroyed || response.write(bytes)) return
  await new Promise<void>((resolve) => {
    response.once('drain', resolve)
    response.once('close', resolve)
  })
}

async function listen(listener: RequestListener): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function pathOf(request: IncomingMessage): string {
  return decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname.slice(1))
}

function bytesOf(shape: readonly number[]): number {
  return 4 * shape.reduce((product, dimension) => product * dimension, 1)
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`
}

function pad(n: number): string {
  return String(n).padStart(5, '0')
}
