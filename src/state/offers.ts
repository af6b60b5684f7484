/** What adding a model would mean is found out, for one model at a time. */
import { toFailure } from '../pack/failure.ts'
import type { Precision } from '../pack/manifest.ts'
import type { Provider } from '../pack/device-report.ts'
import type { ProbedDevice } from '../protocol/engine-calls.ts'
import type { AddRequest, KeeperCalls, ModelSource, Offer } from '../protocol/keeper-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import { failureNote } from './failure-note.ts'
import { predictionFindings } from './prediction.ts'
import type { GetState, SetState } from './store.ts'

export interface OfferOptions {
  precision: Precision
  imageSize?: number | undefined
  token: string | null
}

/** What a model could run on, tried for half a second. */
export type ProbeDevices = (prefer: Provider | null) => Promise<ProbedDevice[]>

/**
 * Seconds until a model is there, at the least and at the most; null where nothing was measured. Fetching and converting
 * go on side by side at best, and one behind the other at worst; a line may turn out half again as slow.
 */
export function durationRange({
  fetchBytes,
  most,
  bytesPerSecond,
  convertBytesPerSecond,
}: Pick<Offer, 'fetchBytes' | 'most' | 'bytesPerSecond' | 'convertBytesPerSecond'>):
  | [least: number, most: number]
  | null {
  const speeds = [bytesPerSecond, convertBytesPerSecond].filter((speed) => speed !== null)
  if (speeds.length === 0) return null
  const least = Math.max(...speeds.map((speed) => fetchBytes / speed))
  const all = speeds.reduce((sum, speed) => sum + most.fetchBytes / speed, 0)
  return [least, SLOWER * all]
}

const SLOWER = 1.5

export class Offers {
  readonly #set: SetState
  readonly #get: GetState
  readonly #client: Client<KeeperCalls>
  readonly #probeDevices: ProbeDevices
  /** Of the request that counts: what an earlier one brings is nobody's affair any more. */
  #stop = new AbortController()

  constructor(set: SetState, get: GetState, client: Client<KeeperCalls>, probeDevices: ProbeDevices) {
    this.#probeDevices = probeDevices
    this.#set = set
    this.#get = get
    this.#client = client
  }

  /** Shows the offer. False when there is none, or when it was cancelled or another was requested meanwhile. */
  async request(source: ModelSource, { precision, imageSize, token }: OfferOptions): Promise<boolean> {
    this.cancel()
    this.#stop = new AbortController()
    const { signal } = this.#stop
    const { settings, catalogue } = this.#get()
    const { prefer, memory } = settings
    const size = imageSize === undefined ? {} : { imageSize }
    const request: AddRequest = { source, precision, ...size, token, hub: catalogue.hub }
    this.#set({ adding: { status: 'finding', request } })
    try {
      const offer = await this.#client.call('offer', { ...request, prefer, memory }, { signal })
      if (signal.aborted) return false
      // From here on everything is about what was found, not about what may be pushed meanwhile.
      const pinned: ModelSource = offer.pinned === null ? source : { kind: 'address', text: offer.pinned }
      const found = { ...request, source: offer.what === 'checkpoint' ? pinned : source }
      this.#set({ adding: { status: 'offered', request: found, offer } })
      void this.#predict(offer)
      return true
    } catch (error) {
      if (signal.aborted) return false
      const failure = toFailure(error)
      this.#set({
        adding: { status: 'failed', request, offer: null, failure },
        announcement: failureNote(failure),
      })
      return false
    }
  }

  /** Adds to the offer how long a caption would take, unless another has taken its place meanwhile. */
  async #predict(offer: Offer): Promise<void> {
    const { work } = offer
    if (work === null) return
    // Without it the offer stands as it is.
    const devices = await this.#probeDevices(this.#get().settings.prefer).catch(() => [])
    const { adding } = this.#get()
    if (adding.status !== 'offered' || adding.offer !== offer) return
    const findings = [...predictionFindings(work, devices), ...offer.findings]
    this.#set({ adding: { ...adding, offer: { ...offer, findings, work: null } } })
  }

  /** Whatever is being found out does not appear. */
  cancel(): void {
    this.#stop.abort()
  }
}
