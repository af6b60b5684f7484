import { afterEach, describe, expect, it, vi } from 'vitest'
import { startFaultServer, type FaultServer } from '../../testing/servers/fault-server.ts'
import { startHubServer, type HubServer } from '../../testing/servers/hub-server.ts'
import type { ByteSource } from '../pack/bytes.ts'
import { parseAddress } from './address.ts'
import { httpTree, type HttpTreeOptions } from './http-tree.ts'
import { openHub, PUBLIC_HUB } from './hub.ts'
import { measureSpeed } from './measure-speed.ts'
import { plainNetwork } from './network.ts'

const network = plainNetwork({ wait: () => Promise.resolve() })
const weights = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251)
const files = new Map<string, Uint8Array>([
  ['model.bin', weights],
  ['small.json', new TextEncoder().encode('{"a":1}')],
  ['empty', new Uint8Array()],
])

const opened: (FaultServer | HubServer)[] = []
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close()
})

async function serve(): Promise<FaultServer> {
  const server = await startFaultServer((path) => files.get(path))
  opened.push(server)
  return server
}

async function open(
  server: FaultServer,
  path: string,
  options?: Partial<HttpTreeOptions>,
): Promise<ByteSource> {
  const source = await httpTree(new URL(`${server.origin}/`), { network, ...options }).open(path)
  if (source === undefined) throw new Error(`no ${path}`)
  return source
}

describe('a tree of files on a server', () => {
  it('listens to a signal only while it reads', async () => {
    const server = await serve()
    server.fault = (path, count) =>
      count === 2 && path === 'model.bin' ? { kind: 'cut', after: 1000 } : undefined
    const { signal } = new AbortController()
    const added = vi.spyOn(signal, 'addEventListener')
    const removed = vi.spyOn(signal, 'removeEventListener')
    const source = await open(server, 'model.bin', { signal })
    await source.slice(100_000, 300_000)
    await httpTree(new URL(`${server.origin}/`), { network, signal }).open('nothing')
    expect(added.mock.calls.length).toBeGreaterThan(2)
    const listeners = removed.mock.calls.map(([, listener]) => listener)
    for (const [, listener] of added.mock.calls) expect(listeners).toContain(listener)
  })

  it('fills memory that is as long as what is asked for', async () => {
    const source = await open(await serve(), 'model.bin')
    for (const [bytes, taken] of [
      [200_000, true],
      [200_001, false],
    ] as const) {
      const memory = new ArrayBuffer(bytes)
      const read = await source.slice(50_000, 250_000, undefined, memory)
      expect(read === memory).toBe(taken)
      expect(new Uint8Array(read)).toEqual(weights.slice(50_000, 250_000))
    }
  })

  it('reads what is asked for and each byte once', async () => {
    const server = await serve()
    const source = await open(server, 'model.bin')
    expect(source.byteLength).toBe(weights.length)
    const pieces = [
      await source.slice(0, 100),
      await source.slice(100, 100_000),
      await source.slice(100_000, 300_000),
    ]
    expect(Buffer.compare(Buffer.concat(pieces.map((piece) => Buffer.from(piece))), weights)).toBe(0)
    expect(server.sent()).toBe(weights.length)
  })

  it('reads small and empty files in one request, and knows what is not there', async () => {
    const server = await serve()
    const small = await open(server, 'small.json')
    expect(Buffer.from(await small.slice(0, small.byteLength)).toString()).toBe('{"a":1}')
    expect((await open(server, 'empty')).byteLength).toBe(0)
    expect(server.served).toHaveLength(1)
    expect(await httpTree(new URL(`${server.origin}/`), { network }).open('nothing')).toBeUndefined()
  })

  it('goes on after a cut, from the byte after the last', async () => {
    const server = await serve()
    const source = await open(server, 'model.bin')
    server.fault = (_, count) => (count <= 3 ? { kind: 'cut', after: 50_000 } : undefined)
    const bytes = await source.slice(65_536, 300_000)
    expect(Buffer.compare(Buffer.from(bytes), weights.subarray(65_536))).toBe(0)
  })

  it('takes a small file from a server without ranges, and refuses to pull a large one that way', async () => {
    const server = await serve()
    server.fault = () => ({ kind: 'no-ranges' })
    const source = await open(server, 'model.bin')
    expect(Buffer.from(await source.slice(299_999, 300_000))[0]).toBe(weights[299_999])
    expect(server.served).toHaveLength(1)
    server.fault = () => ({
      kind: 'answer',
      status: 200,
      headers: { 'content-length': String(2 ** 33) },
      body: 'x'.repeat(2 ** 17),
    })
    await expect(open(server, 'model.bin')).rejects.toMatchObject({ code: 'bad-response' })
  })

  it.each<[string, FaultServer['fault'], string]>([
    ['an ETag that changes', () => ({ kind: 'etag', etag: '"new"' }), 'upstream-changed'],
    ['a Content-Range that is wrong', () => ({ kind: 'wrong-range', by: 1 }), 'bad-response'],
    ['the whole file all of a sudden', () => ({ kind: 'no-ranges' }), 'bad-response'],
    ['a file that is gone', () => ({ kind: 'answer', status: 404 }), 'upstream-changed'],
    ['a file that became shorter', () => ({ kind: 'answer', status: 416 }), 'upstream-changed'],
    ['a refusal', () => ({ kind: 'answer', status: 403 }), 'forbidden'],
  ])('tells %s apart', async (_, fault, code) => {
    const server = await serve()
    const source = await open(server, 'model.bin')
    server.fault = fault
    await expect(source.slice(100_000, 200_000)).rejects.toMatchObject({ code })
  })

  it('stops when told to', async () => {
    const server = await serve()
    const source = await open(server, 'model.bin')
    server.fault = () => ({ kind: 'stall', after: 10 })
    const stop = new AbortController()
    const reading = source.slice(100_000, 200_000, stop.signal)
    setTimeout(() => stop.abort(), 50)
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' })
  })
})

describe('the hub', () => {
  const REPOSITORY = 'models/reference/untied'

  async function hub(token?: string): Promise<HubServer> {
    const server = await startHubServer({ 'test/untied': REPOSITORY }, token === undefined ? {} : { token })
    opened.push(server)
    return server
  }
  const address = { repository: 'test/untied', revision: 'main' }

  it('is pinned to a commit, and read through its redirects', async () => {
    const server = await hub()
    const { commit, tree } = await openHub(new URL(server.url), address, { network })
    expect(commit).toBe(server.commit)
    const config = await tree.open('config.json')
    expect(config?.byteLength).toBe(1342)
    expect(config?.version).toContain(server.commit)
    // What the hub's list lacks is not asked for.
    const asked = server.files.served.length
    expect(await tree.open('nothing')).toBeUndefined()
    expect(server.files.served.length).toBe(asked)
  })

  it('gives a token to itself alone, and asks for it in one sentence where it is needed', async () => {
    const server = await hub('secret')
    let leaked = false
    server.files.fault = (_path, _count, _start, headers) => {
      leaked ||= headers.authorization !== undefined
      return undefined
    }
    await expect(openHub(new URL(server.url), address, { network })).rejects.toMatchObject({
      code: 'forbidden',
    })
    const { tree } = await openHub(new URL(server.url), address, { network, token: 'secret' })
    const source = await tree.open('model.safetensors')
    await source?.slice(100_000, 200_000)
    await source?.slice(200_000, 300_000)
    expect(leaked).toBe(false)
  })

  it('asks for a new address when a signed one has expired', async () => {
    const server = await hub()
    const { tree } = await openHub(new URL(server.url), address, { network })
    const source = await tree.open('model.safetensors')
    let refused = 0
    server.files.fault = () => {
      refused += 1
      return refused === 1 ? { kind: 'answer', status: 403 } : undefined
    }
    expect((await source?.slice(100_000, 200_000))?.byteLength).toBe(100_000)
    expect(refused).toBe(2)
  })

  it('says that a repository or revision is not there', async () => {
    const server = await hub()
    for (const other of [
      { ...address, repository: 'test/none' },
      { ...address, revision: 'v9' },
    ])
      await expect(openHub(new URL(server.url), other, { network })).rejects.toMatchObject({
        code: 'not-found',
      })
  })

  it('is recognised by its answers', async () => {
    const server = await serve()
    server.fault = () => ({ kind: 'answer', status: 200, body: '{"sha":"../../evil","siblings":[]}' })
    const opening = openHub(new URL(`${server.origin}/`), address, { network })
    await expect(opening).rejects.toMatchObject({ code: 'bad-response' })
  })
})

describe('an address', () => {
  const hub = new URL(PUBLIC_HUB)
  const parse = (text: string): unknown => {
    const address = parseAddress(text, { hub, bareNames: true })
    return address.kind === 'web' ? address.url.href : `${address.repository} ${address.revision}`
  }

  it.each([
    ['hub:Salesforce/blip2-opt-2.7b', 'Salesforce/blip2-opt-2.7b main'],
    ['Salesforce/blip2-opt-2.7b@59a1ef6', 'Salesforce/blip2-opt-2.7b 59a1ef6'],
    ['https://huggingface.co/Salesforce/blip2-opt-2.7b', 'Salesforce/blip2-opt-2.7b main'],
    [
      'https://huggingface.co/Salesforce/blip2-opt-2.7b/tree/refs/pr/3',
      'Salesforce/blip2-opt-2.7b refs/pr/3',
    ],
    [' https://host.example/packs/one ', 'https://host.example/packs/one/'],
    ['https://host.example/packs/one/pack.json?x#y', 'https://host.example/packs/one/'],
    ['http://localhost:8017', 'http://localhost:8017/'],
    ['https://huggingface.co/a%ff/b', 'https://huggingface.co/a%ff/b/'],
  ])('%s', (text, meaning) => expect(parse(text)).toBe(meaning))

  it.each([
    '',
    'word',
    'hub:a/b/c',
    'hub:a/..',
    '../x',
    'ftp://host/x',
    'javascript:alert(1)',
    'https://user:pw@host/',
    'a/b@',
  ])('%j is none', (text) =>
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'bad-usage' })),
  )
})

describe('the speed of a server', () => {
  it('is measured with what of a file came before the time was up', async () => {
    const server = await serve()
    server.fault = () => ({ kind: 'stall', after: 100_000 })
    const signal = new AbortController().signal
    // A clock that runs twice as fast: by it the server is waited for longer than a second.
    const slow = plainNetwork({ now: () => 2 * performance.now(), stallMs: 600 })
    const request = { url: new URL('model.bin', server.origin) }
    const speed = (await measureSpeed(slow, request, signal)) ?? 0
    expect(speed).toBeLessThan(100_000)
    expect(speed).toBeGreaterThan(1_000)
  })

  it('is unknown when nothing comes', async () => {
    const server = await serve()
    const signal = new AbortController().signal
    const request = { url: new URL('nothing', server.origin) }
    expect(await measureSpeed(network, request, signal)).toBeNull()
    await server.close()
    opened.length = 0
    expect(await measureSpeed(network, request, signal)).toBeNull()
  })
})
