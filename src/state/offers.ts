/** What adding a model would mean is found out, for one model at a time. */
import { toFailure } from '../pack/failure.ts'
import type { Precision } from '../pack/manifest.ts'
import type { AddRequest, KeeperCalls, ModelSource } from '../protocol/keeper-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import type { GetState, SetState } from './store.ts'

export interface OfferOptions {
  precision: Precision
  token: string | null
}

export class Offers {
  readonly #set: SetState
  readonly #get: GetState
  readonly #client: Client<KeeperCalls>
  /** Of the request that counts: what an earlier one brings is nobody's affair any more. */
  #stop = new AbortController()

  constructor(set: SetState, get: GetState, client: Client<KeeperCalls>) {
    this.#set = set
    this.#get = get
    this.#client = client
  }

  /** Shows the offer. False when there is none, or when it was cancelled or another was requested meanwhile. */
  async request(source: ModelSource, { precision, token }: OfferOptions): Promise<boolean> {
    this.cancel()
    this.#stop = new AbortController()
    const { signal } = this.#stop
    const { settings, catalogue } = this.#get()
    const { prefer, memory } = settings
    const request: AddRequest = { source, precision, token, hub: catalogue.hub }
    this.#set({ adding: { status: 'finding', request } })
    try {
      const offer = await this.#client.call('offer', { ...request, prefer, memory }, { signal })
      if (signal.aborted) return false
      // From here on everything is about what was found, not about what may be pushed meanwhile.
      const pinned: ModelSource = offer.pinned === null ? source : { kind: 'address', text: offer.pinned }
      const found = { ...request, source: offer.what === 'checkpoint' ? pinned : source }
      this.#set({ adding: { status: 'offered', request: found, offer } })
      return true
    } catch (error) {
      if (signal.aborted) return false
      const failure = toFailure(error)
      this.#set({
        adding: { status: 'failed', request, offer: null, failure },
        announcement: failure.message,
      })
      return false
    }
  }

  /** Whatever is being found out does not appear. */
  cancel(): void {
    this.#stop.abort()
  }
}
