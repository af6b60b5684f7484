import { expect, it } from 'vitest'
import { plainNetwork, type Network } from './network.ts'
import { requestRange } from './range-request.ts'

const BYTES = Uint8Array.from({ length: 5000 }, (_, i) => (i * 31) % 251)

/** A server whose body comes in pieces of so many bytes, from a stream of `kind`; how often it gave memory of its own. */
function sending(kind: 'bytes' | 'default', pieceBytes: number): { network: Network; own: () => number } {
  let [at, own] = [0, 0]
  const next = (): Uint8Array<ArrayBuffer> => {
    const piece = BYTES.slice(at, at + pieceBytes)
    at += piece.length
    return piece
  }
  const source: UnderlyingByteSource = {
    type: 'bytes',
    pull: (controller) => {
      const { byobRequest } = controller
      const piece = next()
      if (piece.length === 0) {
        controller.close()
        byobRequest?.respond(0)
      } else if (byobRequest?.view instanceof Uint8Array) {
        byobRequest.view.set(piece)
        byobRequest.respond(piece.length)
      } else {
        own += 1
        controller.enqueue(piece)
      }
    },
  }
  const plain: UnderlyingDefaultSource<Uint8Array<ArrayBuffer>> = {
    pull: (controller) => {
      const piece = next()
      if (piece.length === 0) {
        controller.close()
        return
      }
      own += 1
      controller.enqueue(piece)
    },
  }
  const stream = kind === 'bytes' ? new ReadableStream(source) : new ReadableStream(plain)
  const network = plainNetwork({ fetch: () => Promise.resolve(new Response(stream)) })
  return { network, own: () => own }
}

it.each([
  ['bytes', true, 0],
  ['bytes', false, 5],
  // A browser whose bodies are no streams of bytes.
  ['default', true, 5],
  ['default', false, 5],
] as const)(
  'A body of %s comes whole, passing: %s, %s times in memory of its own',
  async (kind, passing, times) => {
    const { network, own } = sending(kind, 1000)
    const response = await requestRange(network, { url: new URL('http://localhost/x'), start: 0 })
    const seen: number[] = []
    for await (const piece of response?.pieces({ passing }) ?? []) {
      expect(piece.length).toBe(1000)
      seen.push(...piece)
    }
    expect(seen).toEqual([...BYTES])
    expect(own()).toBe(times)
  },
)
