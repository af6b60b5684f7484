import { afterEach, describe, expect, it } from 'vitest'
import { startFaultServer, type Fault, type FaultServer } from '../../testing/servers/fault-server.ts'
import { readText } from '../pack/bytes.ts'
import { httpTree } from './http-tree.ts'
import { LEAST_BYTES, plainNetwork, type Network } from './network.ts'
import { Patience } from './patience.ts'
import { openRemote } from './source.ts'
import { retryAfterMs, TemporaryError, whenToTryAgain, withRetries } from './retry.ts'

const URL_OF_FILE = new URL('https://host.example/a%ff/model.bin')
const files = new Map<string, Uint8Array>([
  ['model.bin', new Uint8Array(300_000)],
  ['small.json', new TextEncoder().encode(JSON.stringify({ text: 'x'.repeat(5_000) }))],
])

let server: FaultServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

async function serve(fault: () => Fault | undefined): Promise<URL> {
  server = await startFaultServer((path) => files.get(path))
  server.fault = fault
  return new URL(`${server.origin}/`)
}

/** For servers that never go on; in this time a busy machine may not bring what others send. */
const IMPATIENT = { stallMs: 60 }

/** Waits between attempts for nothing, and remembers how long it was to wait. */
function impatient(waits: number[] = [], overrides: Partial<Network> = {}): Network {
  const wait = (ms: number): Promise<void> => Promise.resolve(void waits.push(ms))
  return plainNetwork({ wait, random: () => 0, ...overrides })
}

/** How long a server that sends `bytes` every `ms` is listened to, in ms; Infinity for ten minutes and more. */
async function listened(
  bytes: number,
  ms: number,
  { digestMs = 0, burst = 0 }: { digestMs?: number; burst?: number } = {},
): Promise<number> {
  let clock = 0
  const network = plainNetwork({ now: () => clock })
  const patience = new Patience(network, URL_OF_FILE, undefined)
  patience.note(burst)
  while (clock < 600_000) {
    await patience.wait(Promise.resolve().then(() => (clock += ms)))
    try {
      patience.note(bytes)
    } catch (error) {
      expect(error).toMatchObject({ code: 'stalled' })
      return clock
    }
    clock += digestMs
  }
  return Infinity
}

describe('patience', () => {
  it('ends with a server that sends a byte now and then, and not with a slow line', async () => {
    expect(await listened(1, 900)).toBeLessThanOrEqual(31_000)
    expect(await listened(500, 1000)).toBeLessThanOrEqual(31_000)
    expect(await listened(560, 1000)).toBe(Infinity)
    // A burst of old does not pay for a trickle now.
    expect(await listened(1, 900, { burst: 2 ** 30 })).toBeLessThanOrEqual(62_000)
  })

  it('does not hold against a server what we take to digest', async () => {
    expect(await listened(2 ** 12, 1_000, { digestMs: 120_000 })).toBe(Infinity)
  })

  it.each<[string, string, () => Fault]>([
    ['a small file that trickles', 'small.json', () => ({ kind: 'trickle', everyMs: 5 })],
    ['a small file that stops', 'small.json', () => ({ kind: 'stall', after: 10 })],
    ['the beginning of a large one that trickles', 'model.bin', () => ({ kind: 'trickle', everyMs: 5 })],
  ])('gives up %s', async (_, path, fault) => {
    const tree = httpTree(await serve(fault), { network: impatient([], IMPATIENT) })
    await expect(readText(tree, path)).rejects.toMatchObject({ code: 'stalled' })
  })

  it('gives up a server that never answers how long a file is', async () => {
    const base = await serve(() => undefined)
    const network = impatient([], {
      ...IMPATIENT,
      fetch: async (url, init) => {
        if (init.method === 'HEAD')
          return new Promise((_, reject) =>
            init.signal?.addEventListener('abort', () => reject(new Error('given up'))),
          )
        const response = await fetch(url, init)
        // As across origins, where the server exposes nothing.
        return new Response(response.body, { status: response.status })
      },
    })
    await expect(httpTree(base, { network }).open('model.bin')).rejects.toMatchObject({ code: 'stalled' })
  })

  it('does not try for ever what brings a few bytes each time', async () => {
    const attempts = async (brings: number): Promise<number> => {
      let bytes = 0
      let count = 0
      const attempt = (): Promise<number> => {
        bytes += brings
        count += 1
        return count === 50 ? Promise.resolve(count) : Promise.reject(new TemporaryError('stalled', 'Slow.'))
      }
      await withRetries(impatient(), attempt, { progress: () => bytes }).catch(() => undefined)
      return count
    }
    expect(await attempts(33)).toBe(6)
    expect(await attempts(LEAST_BYTES)).toBe(50)
  })
})

describe('a busy server', () => {
  const busy = (headers: Record<string, string>) => (): Fault => ({ kind: 'answer', status: 503, headers })
  const past = new Date(0).toUTCString()

  it.each<[string, Record<string, string>]>([
    ['wants no wait', { 'retry-after': '0' }],
    ['names a time that has passed', { 'retry-after': past }],
    [
      'has a clock that is years ahead',
      { 'retry-after': 'Tue, 01 Jan 2047 00:00:00 GMT', date: 'Tue, 01 Jan 2047 00:00:00 GMT' },
    ],
    ['talks nonsense', { 'retry-after': 'soon' }],
    ['says nothing', {}],
  ])('that %s is waited for with our own patience', async (_, headers) => {
    const waits: number[] = []
    const tree = httpTree(await serve(busy(headers)), { network: impatient(waits) })
    await expect(tree.open('small.json')).rejects.toMatchObject({ code: 'busy' })
    expect(waits).toHaveLength(5)
    expect(waits.reduce((sum, ms) => sum + ms)).toBeGreaterThan(7_000)
  })

  it('is waited for as long as it asks, in the time of its own clock', async () => {
    const waits: number[] = []
    const headers = { date: 'Tue, 01 Jan 2019 00:00:00 GMT', 'retry-after': 'Tue, 01 Jan 2019 00:01:40 GMT' }
    const tree = httpTree(await serve(busy(headers)), { network: impatient(waits) })
    await expect(tree.open('small.json')).rejects.toMatchObject({ code: 'busy' })
    expect(waits).toEqual([100_000, 100_000, 100_000, 100_000, 100_000])
  })

  it.each([
    ['99999999999999999999', 'in more than a day'],
    ['9'.repeat(400), 'in more than a day'],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 'in more than a day'],
    ['3601', 'in 61 minutes'],
    ['36000', 'in 10 hours'],
  ])('that wants to be left alone for %s is left alone at once, in words', async (header, words) => {
    const waits: number[] = []
    const tree = httpTree(await serve(busy({ 'retry-after': header })), { network: impatient(waits) })
    await expect(tree.open('small.json')).rejects.toMatchObject({
      code: 'busy',
      message: expect.stringContaining(`try again ${words}.`) as string,
    })
    expect(waits).toEqual([])
  })

  it('may say when in seconds or by a date of its own clock, else of ours', () => {
    const now = Date.UTC(2030, 0, 1)
    expect(retryAfterMs('7', null, now)).toBe(7000)
    expect(retryAfterMs('Tue, 01 Jan 2030 00:00:05 GMT', null, now)).toBe(5000)
    expect(retryAfterMs('Tue, 01 Jan 2030 00:00:05 GMT', 'Tue, 01 Jan 2030 00:00:04 GMT', 0)).toBe(1000)
    expect(retryAfterMs('Tue, 01 Jan 2030 00:00:05 GMT', 'nonsense', now)).toBe(5000)
    expect(retryAfterMs('Tue, 01 Jan 2019 00:00:05 GMT', null, now)).toBe(0)
    expect(retryAfterMs('soon', null, now)).toBeNull()
    expect(retryAfterMs(null, null, now)).toBeNull()
    expect([null, 0, 1, 120_000].map(whenToTryAgain)).toEqual([
      'later',
      'later',
      'in 1 second',
      'in 120 seconds',
    ])
  })
})

describe('names in addresses', () => {
  it.each(['a%ff', '%', '%00', 'a%ff/b%c3', '\ud800'])('%j is no reason to stumble', async (path) => {
    const base = await serve(() => undefined)
    const tree = httpTree(new URL(encodeURI(path.toWellFormed()) + '/', base), { network: impatient() })
    await expect(tree.open('small.json')).resolves.toBeUndefined()
    await expect(httpTree(base, { network: impatient() }).open(path)).resolves.toBeUndefined()
  })

  it('shows what is no UTF-8 as it stands in the address', async () => {
    const url = new URL('a%ff/', await serve(() => undefined))
    const { name } = await openRemote({ kind: 'web', url }, url, { network: impatient() })
    expect(name).toBe('a%ff')
  })

  it('never leads out of the folder, nor to another server', async () => {
    const base = new URL('folder/', await serve(() => undefined))
    for (const path of ['../small.json', '//host.example/x', '/small.json', './../small.json', 'a//b', ''])
      await expect(httpTree(base, { network: impatient() }).open(path)).resolves.toBeUndefined()
    expect(server?.served).toEqual([])
  })

  it('speaks of other pages only where there are pages, and not of the page’s own server', async () => {
    const nowhere = new URL('http://127.0.0.1:9/a%ff/')
    const sentence = async (pageOrigin: string | null): Promise<string> => {
      const network = impatient([], { pageOrigin })
      return httpTree(nowhere, { network }).open('x').then(String, String)
    }
    expect(await sentence('https://page.example')).toContain('CORS')
    expect(await sentence(null)).not.toContain('CORS')
    expect(await sentence(nowhere.origin)).toMatch(
      /The server of this page, 127\.0\.0\.1:9, cannot be reached/,
    )
  })
})
