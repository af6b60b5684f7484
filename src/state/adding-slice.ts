/** A model on its way into this browser: found, offered, fetched or converted, kept. */
import type { Failure } from '../pack/failure.ts'
import type {
  AddProgress,
  AddRequest,
  KeeperCalls,
  KeptModel,
  ModelSource,
  Offer,
} from '../protocol/keeper-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import { Addition } from './addition.ts'
import { failureNote } from './failure-note.ts'
import { Offers, type OfferOptions, type ProbeDevices } from './offers.ts'
import type { GetState, SetState } from './store.ts'

/** The one thing at a time that this tab does about adding models. */
export type Adding =
  | { status: 'idle' }
  | { status: 'finding'; request: AddRequest }
  | { status: 'offered'; request: AddRequest; offer: Offer }
  | { status: 'running'; request: AddRequest; offer: Offer; progress: AddProgress | null }
  | { status: 'paused'; request: AddRequest; offer: Offer; progress: AddProgress | null }
  | { status: 'failed'; request: AddRequest; offer: Offer | null; failure: Failure }
  | { status: 'added'; model: KeptModel }

export interface AddingSlice {
  adding: Adding
  /** Finds out what adding a model would mean. A later request takes the place of an earlier one. */
  requestOffer: (source: ModelSource, options: OfferOptions) => Promise<void>
  /** Accepts the offer, or goes on after a pause or failure. */
  startAdding: () => Promise<void>
  /** Ends the work; what has arrived stays. */
  pauseAdding: () => void
  /** Ends what is under way, at once, and forgets the offer. `discard` also deletes what has arrived. */
  cancelAdding: (discard: boolean) => Promise<void>
  /** Requests an offer of the newer version of a kept model; accepting it replaces the model. */
  requestNewer: (model: KeptModel) => Promise<void>
  /** Goes on with a model that an earlier visit left unfinished. */
  resumeKept: (model: KeptModel) => Promise<void>
  /** The model has been deleted, so it is no news any more that it was added. */
  forgetAdded: (id: string) => void
}

const BUSY: Failure = {
  code: 'bad-usage',
  message: 'Another model is being added just now; pause or cancel that first.',
}

export function addingSlice(
  set: SetState,
  get: GetState,
  client: Client<KeeperCalls>,
  probeDevices: ProbeDevices,
): AddingSlice {
  const offers = new Offers(set, get, client, probeDevices)
  const addition = new Addition(set, get, client)

  /** As `Offers.request`; nothing is offered while a model is being added. */
  async function request(source: ModelSource, options: OfferOptions): Promise<boolean> {
    if (!addition.isRunning) return offers.request(source, options)
    set({ keptFailure: BUSY, announcement: failureNote(BUSY) })
    return false
  }

  return {
    adding: { status: 'idle' },
    async requestOffer(source, options) {
      await request(source, options)
    },
    async startAdding() {
      const { adding, space, askToPersist } = get()
      if (addition.isRunning || !('offer' in adding) || adding.offer === null) return
      // Models are large: a browser that clears them on its own would be a nuisance. It may say no.
      if (space?.persisted === false) void askToPersist()
      await addition.start(adding.request, adding.offer, adding.status === 'paused' ? adding.progress : null)
    },
    pauseAdding: () => addition.pause(),
    async cancelAdding(discard) {
      offers.cancel()
      const { adding } = get()
      const id = 'offer' in adding ? adding.offer?.id : undefined
      if (addition.isRunning && (await addition.end())) return
      set({ adding: { status: 'idle' } })
      if (discard && id !== undefined && get().kept.some((model) => model.id === id && !model.complete))
        await get().removeKept(id)
    },
    async requestNewer({ asked, precision, imageSize }) {
      if (asked === null) return
      const options = { precision: precision ?? 'q4f16', imageSize, token: null }
      await request({ kind: 'address', text: asked }, options)
    },
    async resumeKept({ address, asked, converted, imageSize }) {
      if (address === null) return
      const text = asked !== null && converted === null ? asked : address
      const isOffered = await request(
        { kind: 'address', text },
        { precision: converted ?? 'q4f16', imageSize, token: null },
      )
      if (isOffered) await get().startAdding()
    },
    forgetAdded(id) {
      const { adding } = get()
      if (adding.status === 'added' && adding.model.id === id) set({ adding: { status: 'idle' } })
    },
  }
}
