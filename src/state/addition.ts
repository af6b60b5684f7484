/** The fetching or converting of one model, after its offer was accepted. One at a time; what has arrived stays. */
import { toFailure } from '../pack/failure.ts'
import type { AddProgress, AddRequest, KeeperCalls, Offer } from '../protocol/keeper-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import { failureNote } from './failure-note.ts'
import type { GetState, SetState } from './store.ts'

export class Addition {
  readonly #set: SetState
  readonly #get: GetState
  readonly #client: Client<KeeperCalls>
  #running: { stop: AbortController; ended: Promise<void> } | null = null

  constructor(set: SetState, get: GetState, client: Client<KeeperCalls>) {
    this.#set = set
    this.#get = get
    this.#client = client
  }

  get isRunning(): boolean {
    return this.#running !== null
  }

  /** Settles when the work has ended, however it ends: the state says how. */
  async start(request: AddRequest, offer: Offer, progress: AddProgress | null): Promise<void> {
    const stop = new AbortController()
    this.#set({ adding: { status: 'running', request, offer, progress } })
    const ended = this.#run(request, offer, stop.signal)
    this.#running = { stop, ended }
    await ended
    this.#running = null
  }

  pause(): void {
    this.#running?.stop.abort()
  }

  /** Ends the work and waits for that. True when the model was whole before it could be stopped. */
  async end(): Promise<boolean> {
    this.pause()
    await this.#running?.ended
    return this.#get().adding.status === 'added'
  }

  async #run(request: AddRequest, offer: Offer, signal: AbortSignal): Promise<void> {
    const onEvent = (progress: AddProgress): void => {
      if (!signal.aborted) this.#set({ adding: { status: 'running', request, offer, progress } })
    }
    try {
      const before = this.#get().kept
      const model = await this.#client.call('add', request, { signal, onEvent })
      this.#set({
        adding: { status: 'added', model },
        announcement: { key: 'models:said.kept', values: { name: model.name } },
      })
      await this.#get().refreshPacks()
      const { settings, kept, changeModel } = this.#get()
      const used = before.find(({ id }) => id === settings.model)
      // The new version has taken the place of the one in use.
      const replaced = used?.asked === model.asked && !kept.some(({ id }) => id === used.id)
      if (replaced) void changeModel(model.id)
    } catch (error) {
      const { adding } = this.#get()
      const progress = adding.status === 'running' ? adding.progress : null
      if (signal.aborted) this.#set({ adding: { status: 'paused', request, offer, progress } })
      else {
        const failure = toFailure(error)
        this.#set({
          adding: { status: 'failed', request, offer, failure },
          announcement: failureNote(failure),
        })
      }
      await this.#get().refreshPacks()
    }
  }
}
