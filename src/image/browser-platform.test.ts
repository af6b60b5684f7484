import { describe, expect, it } from 'vitest'
import { plainNetwork, type Network } from '../remote/network.ts'
import { browserPlatform } from './browser-platform.ts'

/** A network that answers with this. A server that falls silent is given up soon. */
function answering(answer: (signal: AbortSignal | null) => Promise<Response>, stallMs = 50): Network {
  return plainNetwork({ fetch: (_, { signal = null }) => answer(signal), stallMs })
}

function body(pull: (controller: ReadableStreamDefaultController<Uint8Array>) => Promise<void>): Response {
  return new Response(new ReadableStream({ pull }))
}

const never = (): Promise<never> => new Promise(() => undefined)
const STALLED = {
  code: 'stalled',
  message: 'The part of this page that reads such pictures did not arrive in time; try again.',
}
const MISSING = { code: 'network', message: expect.stringContaining('could not be fetched') as string }

describe('A codec', () => {
  it.each<[string, () => Promise<Response>, object]>([
    ['whose server does not answer', never, STALLED],
    ['of which nothing arrives', () => Promise.resolve(body(never)), STALLED],
    [
      'that trickles in',
      () =>
        Promise.resolve(
          body(async (controller) => {
            await new Promise((resolve) => setTimeout(resolve, 2))
            controller.enqueue(new Uint8Array(1))
          }),
        ),
      STALLED,
    ],
  ])('%s is given up in a sentence', async (_, answer, failure) => {
    await expect(browserPlatform(answering(answer)).codecs.compile('webp')).rejects.toMatchObject(failure)
  })

  it.each<[string, () => Promise<Response>, object]>([
    ['that is not there', () => Promise.resolve(new Response(null, { status: 404 })), MISSING],
    ['whose server is offline', () => Promise.reject(new TypeError('Failed to fetch')), MISSING],
    [
      'in whose place a web page comes',
      () => Promise.resolve(new Response('<p>', { headers: { 'content-type': 'text/html' } })),
      MISSING,
    ],
    ['that is no WebAssembly', () => Promise.resolve(new Response('nonsense')), MISSING],
  ])('%s is missed in a sentence', async (_, answer, failure) => {
    const network = answering(answer, 60_000)
    await expect(browserPlatform(network).codecs.compile('webp')).rejects.toMatchObject(failure)
  })

  it('that was given up is asked for no further', async () => {
    let asked: AbortSignal | null = null
    const network = answering((signal) => {
      asked = signal
      return never()
    })
    await expect(browserPlatform(network).codecs.compile('avif')).rejects.toMatchObject(STALLED)
    expect(asked).toMatchObject({ aborted: true })
  })

  it('is compiled from what came in pieces', async () => {
    // The smallest module: magic number and version (WebAssembly Core Specification, 5.5.16).
    const bytes = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
    const network = answering(() => Promise.resolve(new Response(bytes)))
    expect(await browserPlatform(network).codecs.compile('webp')).toBeInstanceOf(WebAssembly.Module)
  })
})

describe('The script of a codec', () => {
  const decoding = { default: () => Promise.reject(new Error('nothing to decode')) }

  it('that never arrives is given up in a sentence, and asked for at another address the next time', async () => {
    const asked: URL[] = []
    // Each picture has a platform of its own.
    const load = (): Promise<object> =>
      browserPlatform(answering(never), (url) => {
        asked.push(new URL(url))
        return asked.length < 3 ? never() : Promise.resolve(decoding)
      }).codecs.loadScript('webp')
    await expect(load()).rejects.toMatchObject(STALLED)
    await expect(load()).rejects.toMatchObject(STALLED)
    expect(await load()).toBe(decoding)
    expect(await load()).toBe(decoding)
    expect(asked.map(({ search }) => search)).toEqual(['', '?again=1', '?again=2', '?again=2'])
    expect(new Set(asked.map(({ pathname }) => pathname)).size).toBe(1)
  })

  it('that cannot be fetched is missed in a sentence', async () => {
    const { codecs } = browserPlatform(answering(never, 60_000), () =>
      Promise.reject(new TypeError('Failed')),
    )
    await expect(codecs.loadScript('avif')).rejects.toMatchObject(MISSING)
  })
})
