/** Static servers in memory, reached through `Network`: ranges, ETags, and now and then a connection that breaks off. */
import type { Random } from '../../src/scenes/random.ts'
import { MANIFEST_PATH } from '../../src/pack/manifest.ts'
import { plainNetwork, type Network } from '../../src/remote/network.ts'
import type { Session } from './machine.ts'
import { versionOf, type Files } from './small-models.ts'

/** Of all answers so many break off in the middle: now and then, or so many that programs give up. */
const BROKEN = [0.1, 0.1, 0.6] as const
/** Of the answers with a pack's chunk so many have one bit that is another. */
const GARBLED = 0.03
/** Programs of a session that was cut wait for ever; this long their timers wait with them. */
const STALL_MS = 5_000

/** The host whose files are a checkpoint's. */
export const CHECKPOINTS = 'checkpoints'

export class Servers {
  /** By host. */
  readonly hosts = new Map<string, Files>()
  readonly #broken: number
  /** Told of each file that is sent. */
  onSend: (bytes: Uint8Array) => void = () => undefined

  constructor(random: Random) {
    this.#broken = random.pick(BROKEN)
  }

  network(session: Session, random: Random): Network {
    return plainNetwork({
      fetch: (url, init) => session.step(() => this.#answer(url, new Headers(init.headers), random)),
      wait: () => session.step(() => undefined),
      random: () => random.next(),
      stallMs: STALL_MS,
    })
  }

  #answer(url: URL, asked: Headers, random: Random): Response {
    const file = this.hosts.get(url.host)?.get(url.pathname.slice(1))
    if (file === undefined) return new Response(null, { status: 404 })
    this.onSend(file)
    const range = /^bytes=(\d+)-(\d*)$/.exec(asked.get('range') ?? '')
    const etag = `"${versionOf(file)}"`
    // Manifests and checkpoints have no hash that could tell.
    const isHashed = url.host !== CHECKPOINTS && !url.pathname.endsWith(MANIFEST_PATH)
    const body = isHashed && random.next() < GARBLED ? garbled(file, random) : file
    if (range === null)
      return new Response(bodyOf(body, random, this.#broken), {
        headers: { etag, 'content-length': String(file.length) },
      })
    const start = Number(range[1])
    const end = range[2] === '' ? file.length : Math.min(Number(range[2]) + 1, file.length)
    if (start >= file.length)
      return new Response(null, { status: 416, headers: { 'content-range': `bytes */${file.length}` } })
    return new Response(bodyOf(body.subarray(start, end), random, this.#broken), {
      status: 206,
      headers: { etag, 'content-range': `bytes ${start}-${end - 1}/${file.length}` },
    })
  }
}

function garbled(bytes: Uint8Array<ArrayBuffer>, random: Random): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice()
  const at = Math.floor(random.next() * copy.length)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

/** All of it, or with this probability its beginning and then an error. */
function bodyOf(bytes: Uint8Array<ArrayBuffer>, random: Random, broken: number): BodyInit {
  if (random.next() >= broken) return bytes
  const whole = Math.floor(random.next() * bytes.length)
  let isSent = false
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (isSent || whole === 0) controller.error(new TypeError('The connection was reset.'))
      else controller.enqueue(bytes.slice(0, whole))
      isSent = true
    },
  })
}
