/** How long a server is waited for: no request goes on for ever, and a slow line is still good enough. */
import { AppError, throwIfCancelled } from '../pack/failure.ts'
import { LEAST_BYTES, type Network } from './network.ts'
import { TemporaryError } from './retry.ts'

/** Waits for the steps of one request. Throws `stalled`, and `network` for a step that fails. */
export class Patience {
  readonly #network: Network
  readonly #url: URL
  readonly #signal: AbortSignal | undefined
  /** Of the present stretch of waiting. */
  #waitedMs = 0
  #bytes = 0

  constructor(network: Network, url: URL, signal: AbortSignal | undefined) {
    this.#network = network
    this.#url = url
    this.#signal = signal
  }

  /** What `step` gives, the head of an answer or a piece of its body. */
  async wait<T>(step: Promise<T>): Promise<T> {
    const { stallMs } = this.#network
    const began = this.#network.now()
    let timer: ReturnType<typeof setTimeout> | undefined
    const stall = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new TemporaryError('stalled', `${this.#url.host} has stopped sending; try again.`))
      }, stallMs)
    })
    try {
      return await Promise.race([step, stall])
    } catch (cause) {
      throwIfCancelled(this.#signal)
      if (cause instanceof AppError) throw cause
      throw new TemporaryError('network', whyUnreachable(this.#network, this.#url), { cause })
    } finally {
      clearTimeout(timer)
      this.#waitedMs += this.#network.now() - began
    }
  }

  /** Counts what has come. What we take to digest it is not held against the server. Throws `stalled` when it was too little for too long. */
  note(bytes: number): void {
    this.#bytes += bytes
    if (this.#waitedMs < this.#network.stallMs) return
    if (this.#bytes < LEAST_BYTES) {
      const seconds = Math.ceil(this.#network.stallMs / 1000)
      throw new TemporaryError(
        'stalled',
        `${this.#url.host} sends less than ${LEAST_BYTES / 1024} KiB in ${seconds} s, too little to go on; try again later.`,
      )
    }
    this.#waitedMs = 0
    this.#bytes = 0
  }
}

/** A browser does not tell a page why a request failed: no connection, no such host, or no CORS headers. */
function whyUnreachable(network: Network, url: URL): string {
  if (!network.online()) return 'There is no connection; the download goes on when there is one.'
  const { pageOrigin } = network
  if (pageOrigin === url.origin)
    return `The server of this page, ${url.host}, cannot be reached; check the connection and try again.`
  return pageOrigin === null
    ? `${url.host} cannot be reached; check the connection and the address.`
    : `${url.host} cannot be reached or does not let other pages read from it (CORS); check the connection and the address.`
}
