/**
 * The thread that compares pictures with texts, as slices see it: begun when it is first wanted, told which model to use
 * before each call that needs another than before, and begun anew when it died. One that does not end what it is told to
 * end (a graph that is folded for hours, a pattern that backtracks for ever) is ended itself.
 */
import type { Provider } from '../../pack/device-report.ts'
import type { TowerStates } from '../../pack/tower-states.ts'
import type { PackPlace } from '../../protocol/engine-calls.ts'
import type { ComparedPicture, CompareCalls, ComparingModel } from '../../protocol/compare-calls.ts'
import type { SearchCalls } from '../../protocol/search-calls.ts'
import type { CallOptions, Client } from '../../protocol/rpc.ts'
import { isIn } from '../patience.ts'
import type { AppState, GetState } from '../store.ts'

export type ComparingCalls = CompareCalls & SearchCalls

export interface ComparingDependencies {
  /**
   * Begins the thread; `died` is called when it ends by itself, its calls having failed. Its client's `fail` ends it, and
   * tells nobody.
   */
  start: (died: () => void) => Client<ComparingCalls>
  /** Where the built-in model that compares lies; an absolute URL that ends in `/`. */
  builtInUrl: string
}

/** What the model that talks made of a picture that it looked at lately; null for nothing. Never rejects. */
export type StatesOf = (pictureId: string) => Promise<TowerStates | null>

/** Much longer than a processor computes at a stretch with the largest model: nobody waits at the keyboard for its end. */
const PATIENCE_MS = 60_000

export class Comparing {
  readonly #get: GetState
  readonly #dependencies: ComparingDependencies
  readonly #statesOf: StatesOf
  #client: Client<ComparingCalls> | null = null
  #chosen: { choice: string; model: Promise<ComparingModel | null> } | null = null

  constructor(get: GetState, dependencies: ComparingDependencies, statesOf: StatesOf) {
    this.#get = get
    this.#statesOf = statesOf
    this.#dependencies = dependencies
  }

  /** The model that compares now, opened as far as its manifest. */
  async model(): Promise<ComparingModel | null> {
    const { place, prefer } = choiceOf(this.#get(), this.#dependencies.builtInUrl)
    const besideBytes = bytesOfTalking(this.#get())
    const choice = JSON.stringify([place, prefer, besideBytes])
    if (this.#chosen?.choice === choice) return this.#chosen.model
    const client = this.#begun()
    // One that is lost in the model before this one answers nothing at all.
    if (this.#chosen !== null) void this.#expect(client.call('ping', null), client)
    const model = client.call('choose', { pack: place, prefer, besideBytes })
    const chosen = { choice, model }
    this.#chosen = chosen
    // The next call tries it anew.
    model.catch(() => {
      if (this.#chosen === chosen) this.#chosen = null
    })
    return model
  }

  async call<K extends keyof ComparingCalls>(
    kind: K,
    input: ComparingCalls[K]['in'],
    options?: CallOptions<ComparingCalls[K]['event']>,
  ): Promise<ComparingCalls[K]['out']> {
    const whole = await this.#withStates(input)
    // Last, so that nothing lies between telling the thread and asking it.
    await this.model()
    const client = this.#begun()
    const result = client.call(kind, whole, options)
    const signal = options?.signal
    const onAbort = (): void => void this.#expect(result, client)
    if (signal?.aborted === true) onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    const onSettled = (): void => signal?.removeEventListener('abort', onAbort)
    result.then(onSettled, onSettled)
    return result
  }

  /** Ends the thread with all that it is at, unless it does in time what it was told to. */
  async #expect(told: Promise<unknown>, client: Client<ComparingCalls>): Promise<void> {
    if ((await isIn(told, PATIENCE_MS)) || this.#client !== client) return
    this.#client = null
    this.#chosen = null
    client.fail({ code: 'unresponsive', message: UNRESPONSIVE })
  }

  /** One look at a picture serves both models where they stand on the same tower, which the thread finds out. */
  async #withStates<I>(input: I): Promise<I> {
    if (!isOfPicture(input)) return input
    const states = await this.#statesOf(input.picture.id)
    return states === null ? input : { ...input, picture: { ...input.picture, states } }
  }

  #begun(): Client<ComparingCalls> {
    this.#client ??= this.#dependencies.start(() => {
      this.#client = null
      this.#chosen = null
    })
    return this.#client
  }
}

const UNRESPONSIVE = `The model that compares did not stop within ${PATIENCE_MS / 1000} seconds, so it was ended; try again, or delete it.`

function isOfPicture(input: unknown): input is { picture: ComparedPicture } {
  return typeof input === 'object' && input !== null && 'picture' in input
}

/** A kept model that compares, the first where there are several; else the built-in one. */
function choiceOf(
  { kept, settings: { prefer } }: Pick<AppState, 'kept' | 'settings'>,
  builtInUrl: string,
): { place: PackPlace; prefer: Provider | null } {
  const own = keptComparer(kept)
  return { place: own === null ? { kind: 'web', url: builtInUrl } : { kind: 'kept', id: own.id }, prefer }
}

/** Null where nobody has added a model that compares, so that the built-in one does. */
export function keptComparer(kept: AppState['kept']): AppState['kept'][number] | null {
  return kept.find(({ compares, complete }) => compares && complete) ?? null
}

function bytesOfTalking({ model }: Pick<AppState, 'model'>): number {
  if (model.status !== 'ready') return 0
  return model.loaded.manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)
}
